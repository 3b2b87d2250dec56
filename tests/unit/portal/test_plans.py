"""A plan and a pattern's components, as people see them."""

from pathlib import Path

import pytest
from tests.factories import SHIPPED_PATTERNS

from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.patterns.components import _resources, component_of, parts_of
from stackyard.portal.plans import plan_parts, total
from stackyard.settings import get_settings


def pattern(name: str) -> Pattern:
    return Catalogue.from_settings(get_settings()).get(name)


def off(name: str, **settings: object) -> list[str]:
    given = {path.replace("__", "."): value for path, value in settings.items()}
    return [part.title for part in parts_of(pattern(name), given) if not part.built]


def test_settings_decide_which_components_are_built() -> None:
    assert off("ecs-service") == []
    assert off("ecs-web-db") == ["CloudFront", "Firewall", "Cache", "Bucket"]
    assert off("ecs-web-db", cache__enabled=True, bucket__enabled=True, alarms__enabled=False) == [
        *("CloudFront", "Firewall", "Alarms")
    ]
    assert off("ecs-web-db", firewall__enabled=True, cdn__enabled=True) == ["Cache", "Bucket"]
    assert off("ecs-worker", alarms__enabled=False) == ["Alarms"]


@pytest.mark.parametrize("name", [p.name for p in SHIPPED_PATTERNS.iterdir() if (p / "pattern.yaml").exists()])
def test_every_component_of_a_shipped_pattern_has_a_resource_in_its_code(name: str) -> None:
    """Else it would always count as built."""
    found = pattern(name)
    resources = _resources(found.directory, found.modules, found.digest)
    components = found.manifest.components
    built = {component_of({"type": r.type, "address": r.address}, components) for r in resources}
    assert set(components) <= built


def test_what_only_terraform_can_tell_counts_as_built(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "pattern.yaml").write_text(
        "name: odd\nversion: 1.0.0\ntitle: Odd\ndescription: Odd.\ninterface: locals.tf\n"
        "components:\n  Known: [aws_a]\n  Unknown: [aws_b]\n  Elsewhere: [aws_c]\n"
    )
    (folder / "locals.tf").write_text("locals {\n  on = false\n}\n")
    (folder / "main.tf").write_text(
        'resource "aws_a" "x" {\n  count = local.on ? 1 : 0\n}\n'
        'resource "aws_b" "x" {\n  count = length(data.aws_x.y.ids) > 0 ? 1 : 0\n}\n'
        'resource "aws_c" "x" {\n  count = var.on ? 1 : 0\n}\nvariable "on" {\n  default = false\n}\n'
    )
    parts = parts_of(Catalogue(tmp_path, tmp_path / "modules").get("odd"), {})
    assert [(p.title, p.built) for p in parts] == [("Known", False), ("Unknown", True), ("Elsewhere", True)]


PLAN = {
    "changes": [
        {"address": "module.a.aws_x.y", "type": "aws_x", "action": "create", "attributes": [], "destructive": False},
        {"address": "aws_z.one", "type": "aws_z", "action": "replace", "attributes": ["n"], "destructive": True},
        {"address": "aws_z.two", "type": "aws_z", "action": "replace", "attributes": ["n"], "destructive": False},
        {"address": "aws_q.q", "type": "aws_q", "action": "delete", "destructive": True},
    ]
}


def test_a_plan_is_told_by_component() -> None:
    parts = plan_parts(PLAN, {"Store": ["aws_z"], "Nothing": ["aws_n"], "Front": ["module.a"]})
    assert [(p.title, p.loses) for p in parts] == [("Store", True), ("Front", False), ("Other", True)]
    assert [(c.word, c.loses) for c in parts[0].changes] == [("replace", True), ("replace", False)]
    assert [(c.number, c.word, c.loses) for c in total(parts)] == [
        *((1, "add", False), (2, "replace", True), (1, "destroy", True))
    ]


def test_a_run_without_a_plan_has_no_parts() -> None:
    assert plan_parts({}, {"Store": ["aws_z"]}) == []
    assert total([]) == ()
