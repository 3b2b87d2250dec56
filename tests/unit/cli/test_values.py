"""Settings of the command line are typed by the pattern, not by how they look."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard.cli.values import read_settings
from stackyard.errors import Invalid

PARAMETERS = [
    {"path": "container.image", "kind": "string", "default": "nginx"},
    {"path": "container.cpu", "kind": "number", "default": 256},
    {"path": "container.shell", "kind": "bool", "default": False},
    {"path": "container.command", "kind": "list", "default": []},
    {"path": "container.environment", "kind": "map", "default": {"TZ": "UTC"}},
]


def one(assignment: str) -> Any:
    (value,) = read_settings(PARAMETERS, [assignment]).values()
    return value


@pytest.mark.parametrize("text", ["123", "1.10", "no", "true", "null", "", "a=b", " spaced ", "[1]", "2024-01-01"])
def test_text_stays_as_it_was_written(text: str) -> None:
    assert one(f"container.image={text}") == text


@pytest.mark.parametrize(("text", "value"), [("512", 512), ("-1", -1), ("0.5", 0.5), ("1e3", 1000.0), (" 7 ", 7)])
def test_numbers(text: str, value: float) -> None:
    assert one(f"container.cpu={text}") == value
    assert type(one(f"container.cpu={text}")) is type(value)


def test_large_numbers_and_fractions_keep_their_value() -> None:
    assert one("container.cpu=12345678901234567890") == 12345678901234567890
    assert one("container.cpu=1e-7") == 1e-7
    assert one("container.command=[0.1, 12345678901234567890, 1e3]") == [0.1, 12345678901234567890, 1000.0]


@pytest.mark.parametrize("number", ["0.10000000000000000001", "12345678901234567890.5"])
def test_a_number_that_would_lose_digits_is_refused(number: str, tmp_path: Path) -> None:
    for assignment in (f"container.cpu={number}", f"container.command=[{number}]"):
        with pytest.raises(Invalid, match="digits") as error:
            one(assignment)
        assert error.value.problems[0].field == f"settings.{assignment.partition('=')[0]}"
    with pytest.raises(Invalid, match="digits"):
        read(tmp_path, f"container:\n  cpu: {number}\n")
    assert one(f"container.image={number}") == number


@pytest.mark.parametrize("text", ["lots", "012", "0x10", "1_000", "1:30", "nan", "inf", "1e999", "", "9" * 5000])
def test_what_is_no_number_is_left_for_the_server_to_refuse(text: str) -> None:
    assert one(f"container.cpu={text}") == text.strip()


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), ("yes", "yes"), ("1", "1")])
def test_true_and_false(text: str, value: object) -> None:
    assert one(f"container.shell={text}") is value or one(f"container.shell={text}") == value


def test_lists_and_maps_are_yaml_in_which_quoted_items_are_text() -> None:
    assert one('container.command=[run, 8080, "8080", no, 012, true]') == ["run", 8080, "8080", "no", "012", True]
    assert one("container.environment={A: 1, B: x}") == {"A": 1, "B": "x"}
    assert one("container.command=[2024-01-01]") == ["2024-01-01"]


@pytest.mark.parametrize("text", ["[a", "{a: ]", "!!python/object:os.system {}", "[" * 1500, "&a [*a]"])
def test_what_is_not_yaml_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Invalid, match=r"\[443, 5432\]") as error:
        one(f"container.command={text}")
    assert error.value.problems[0].field == "settings.container.command"


def test_entries_of_a_map_are_text_and_join_the_default() -> None:
    settings = read_settings(PARAMETERS, ["container.environment.PORT=8080", "container.environment.a.b=x=y"])
    assert settings == {"container.environment": {"TZ": "UTC", "PORT": "8080", "a.b": "x=y"}}


@pytest.mark.parametrize("assignment", ["", "container.cpu", "=5", " =5"])
def test_what_is_no_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(Invalid, match="PATH=VALUE"):
        read_settings(PARAMETERS, [assignment])


def test_unknown_settings_go_to_the_server_which_knows_the_rule() -> None:
    assert read_settings(PARAMETERS, ["container.portt=8080"]) == {"container.portt": "8080"}


def read(tmp_path: Path, text: str, *assignments: str) -> dict[str, Any]:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    return read_settings(PARAMETERS, assignments, file)


def test_a_file_may_nest_or_dot_and_set_goes_before_it(tmp_path: Path) -> None:
    nested = "container:\n  image: 1.10\n  cpu: 512\n  environment: {A: 1}\n  command: [a, 1]\n"
    expected = {
        "container.image": "1.10",
        "container.cpu": 512,
        "container.environment": {"A": 1},
        "container.command": ["a", 1],
    }
    assert read(tmp_path, nested) == expected
    dotted = "container.image: 1.10\ncontainer.cpu: 512\ncontainer.environment: {A: 1}\ncontainer.command: [a, 1]\n"
    assert read(tmp_path, dotted) == expected
    assert read(tmp_path, "container.environment.A: 1") == {"container.environment": {"TZ": "UTC", "A": "1"}}
    assert read(tmp_path, nested, "container.cpu=1024", "container.environment.B=2") == {
        **expected,
        "container.cpu": 1024,
        "container.environment": {"A": 1, "B": "2"},
    }
    assert read(tmp_path, "") == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1, 2]", "names with values"),
        ("a: [", "not YAML"),
        ("x\n", "names with values"),
        ("container.cpu: 1\ncontainer: {cpu: 2}\n", "given twice"),
        ("a: &a {b: *a}", "aliases"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_settings(PARAMETERS, [], tmp_path / "none.yaml")


@given(st.lists(st.text(), max_size=3), st.text(max_size=50))
def test_any_arguments_are_settings_or_refused(assignments: list[str], value: str) -> None:
    for given_ in (assignments, [f"{p['path']}={value}" for p in PARAMETERS]):
        with contextlib.suppress(Invalid):
            json.dumps(read_settings(PARAMETERS, given_))
