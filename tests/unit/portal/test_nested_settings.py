"""Settings that no row of inputs can hold: JSON with errors by path, and widgets that lose nothing."""

from typing import Any

import pytest
from django.http import QueryDict

from stackyard.patterns.parameters import Parameter
from stackyard.patterns.types import parse_type
from stackyard.portal.forms.nested import NotJson, example_of, problems_of, read_json
from stackyard.portal.forms.settings import changed_settings, parse_settings, settings_form
from stackyard.portal.forms.texts import from_text, to_text, widget_for

RULES = parse_type("list(object({ port = number, name = string, open = optional(bool, false) }))")


def of_type(text: str, default: Any = None) -> Parameter:
    type_ = parse_type(text)
    return Parameter("it", type_.kind, default, type=type_, nullable=default is None)


def posted(text: str) -> QueryDict:
    data = QueryDict(mutable=True)
    data["settings.it"] = text
    return data


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([{"port": 443, "name": "https"}], []),
        ([{"port": 443, "name": "https", "open": None}], []),
        (
            [{"port": 443, "name": "a"}, {"port": "x", "name": 1}],
            ["[1].port: Must be a number.", "[1].name: Must be text."],
        ),
        ([{"port": 443}], ["[0].name: This is required."]),
        ([{"port": 1, "name": "a", "prot": 1}], ["[0].prot: There is no such name. Names: port, name, open."]),
        ([7], ["[0]: Must be names with values."]),
        ({"port": 1}, ["Must be a list."]),
        ([{}] * 9, ["[0].port: This is required.", "[0].name: This is required."]),
    ],
)
def test_what_is_wrong_is_told_by_path(value: Any, told: list[str]) -> None:
    found = problems_of(RULES, value)
    assert found[: len(told)] == told
    assert bool(found) == bool(told)
    assert len(found) <= 5


def test_a_map_of_objects_names_the_entry() -> None:
    rules = parse_type("map(object({ cpu = number }))")
    assert problems_of(rules, {"api": {"cpu": 1}, "worker": {"cpu": "many"}}) == ["worker.cpu: Must be a number."]
    assert problems_of(parse_type("tuple([string, number])"), ["a"]) == ["Must have 2 items."]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[\n  {"port": }\n]', "line 2, column 12"),
        ("", "line 1, column 1"),
        ("[NaN]", "NaN"),
        ('{"a": 1, "a": 2}', "a is given twice"),
        ("[" * 20_000, "too deeply"),
        ("9" * 5000, "too long"),
    ],
)
def test_what_is_not_json_is_refused_with_the_place(text: str, told: str) -> None:
    with pytest.raises(NotJson, match=told):
        read_json(text)


def test_the_example_of_a_type_is_a_value_of_it() -> None:
    for text in (
        "list(object({ port = number, tags = map(string), open = optional(bool, true), all = list(bool) }))",
        "map(object({ cpu = number }))",
        "tuple([string, number])",
    ):
        type_ = parse_type(text)
        assert problems_of(type_, read_json(example_of(type_))) == []
    assert example_of(parse_type("list(any)")) == "", "which would say nothing"


@pytest.mark.parametrize(
    ("parameter", "widget"),
    [
        (of_type("list(object({ port = number }))", []), "json"),
        (of_type("map(object({ port = number }))", {}), "json"),
        (of_type("map(list(string))", {}), "json"),
        (of_type("object({ port = number })", {"port": 1}), "json"),
        (of_type("tuple([string])", ["a"]), "json"),
        (of_type("map(string)", {}), "rows"),
        (of_type("map(number)", {"a": 1}), "rows"),
        (of_type("list(number)", []), "lines"),
        (of_type("list(string)", ["a", "two\nlines"]), "json"),
        (of_type("map(string)", {" a": "1"}), "json"),
        (of_type("string", "a\nb"), "paragraph"),
        (of_type("any", {"a": [1]}), "json"),
        (of_type("any"), "text"),
    ],
)
def test_each_value_gets_a_widget_that_loses_nothing(parameter: Parameter, widget: str) -> None:
    assert widget_for(parameter, parameter.default) == widget
    if widget in ("json", "lines", "paragraph") and parameter.default:
        text = to_text(parameter, parameter.default)
        assert from_text(parameter, text.replace("\n", "\r\n"), parameter.default) == parameter.default


def test_lists_and_maps_of_numbers_come_back_as_numbers_although_none_is_there_yet() -> None:
    assert parse_settings([of_type("list(number)", [])], posted("443\r\n5432")) == ({"it": [443, 5432]}, [])
    data = QueryDict("settings.it:name=a&settings.it:value=1")
    assert parse_settings([of_type("map(number)", {})], data) == ({"it": {"a": 1}}, [])
    assert parse_settings([of_type("list(bool)", [])], posted("true\nfalse")) == ({"it": [True, False]}, [])


def test_json_comes_back_typed_or_with_every_problem_at_its_field() -> None:
    parameter = Parameter("it", "list", [], type=RULES)
    assert parse_settings([parameter], posted('[{"port": 1, "name": "a"}]'))[0] == {"it": [{"port": 1, "name": "a"}]}
    values, problems = parse_settings([parameter], posted('[{"port": "1"}]'))
    assert values == {}
    assert [(p.field, p.message) for p in problems] == [
        ("settings.it", "[0].port: Must be a number.\n[0].name: This is required.")
    ]
    assert parse_settings([parameter], posted(" "))[0] == {"it": []}, "emptied: the pattern's own"
    (field,) = settings_form([parameter], posted("[{"), {"settings.it": "No."}).fields
    assert (field.value, field.error) == ("[{", "No."), "what was typed stays to be mended"


def test_json_that_says_the_same_is_no_change() -> None:
    parameter = Parameter("it", "list", [], type=RULES)
    now = {"it": [{"port": 1, "name": "a"}]}
    same = posted('[ {"port": 1, "name": "a"} ]')
    assert changed_settings([parameter], same, now) == ({}, (), [])
    assert changed_settings([parameter], posted("[]"), now) == ({"it": []}, (), [])
