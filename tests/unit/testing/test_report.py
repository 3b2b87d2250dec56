"""What a pattern's test reports."""

import xml.etree.ElementTree as ET

import pytest

from stackyard.patterns.catalogue import Catalogue
from stackyard.testing.report import Report, Step, Variant
from stackyard.testing.trial import matrix, name_of
from stackyard.testing.variant import possible_changes


def report(*outcomes: str) -> Report:
    steps = [Step(f"s{n}", outcome, 1.5, "why\x1b[31m <b>") for n, outcome in enumerate(outcomes)]  # type: ignore[arg-type]
    return Report("web", "1.0.0", "d", (Variant("defaults", {"a": 1}, tuple(steps), ("line one", "line\x00two")),))


def test_one_failed_step_fails_the_whole() -> None:
    assert report("passed", "skipped").passed
    assert not report("passed", "failed", "skipped").passed


def test_junit_tells_every_step_in_xml_that_parses() -> None:
    root = ET.fromstring(report("passed", "failed", "skipped").junit())  # noqa: S314  (our own text)
    (suite,) = root
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == ("3", "1", "1")
    assert suite.attrib["time"] == "4.500"
    passed, failed, skipped = suite
    assert len(passed) == 0
    (failure,) = failed
    assert failure.text == "line one\nline\ufffdtwo"
    assert failure.attrib["message"].startswith("why\ufffd[31m <b>")
    assert skipped[0].tag == "skipped"


def test_json_leaves_out_the_log_of_what_passed() -> None:
    assert report("passed").as_dict()["variants"][0]["log"] == []
    assert report("failed").as_dict()["variants"][0]["log"]


def test_every_combination_is_a_variant_with_a_name() -> None:
    made = matrix({"cpu": [256, 512], "db": ["a"]})
    assert [name_of(v) for v in made] == ["cpu=256,db=a", "cpu=512,db=a"]
    assert matrix({}) == [{}]
    assert name_of({}) == "defaults"


@pytest.mark.parametrize("name", ["ecs-service", "ecs-worker", "ecs-web-db"])
def test_a_chosen_change_keeps_the_rules_and_makes_a_difference(name: str) -> None:
    parameters = {p.path: p for p in Catalogue.from_settings().get(name).parameters}
    chosen = list(possible_changes(tuple(parameters.values()), {}))
    assert chosen
    for path, value in chosen:
        assert parameters[path].check(value) is None
        assert value != parameters[path].default
