"""The JSON Schema of a pattern says what `check_settings` says."""

import unicodedata
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.factories import SHIPPED_PATTERNS
from tests.unit.patterns.folders import variables_pattern

from stackyard.errors import Invalid
from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.patterns.parameters import check_settings
from stackyard.patterns.schema import json_schema

SHIPPED = [p.name for p in Catalogue(SHIPPED_PATTERNS, SHIPPED_PATTERNS.parent / "modules").list()]

VARIABLES = """
variable "text" { default = "a" }
variable "code" {
  default = "ab"
  type    = string
}
variable "size" {
  type    = number
  default = 2
  validation {
    condition     = var.size >= 1 && var.size <= 9
    error_message = "1 to 9."
  }
}
variable "colour" {
  type    = string
  default = null
  validation {
    condition     = var.colour == null || contains(["red", "blue"], var.colour)
    error_message = "Red or blue."
  }
}
variable "level" {
  type     = number
  default  = 1
  nullable = false
}
variable "on" { default = false }
variable "ports" {
  type    = list(number)
  default = [80]
}
variable "pair" {
  type    = tuple([string, bool])
  default = ["a", true]
}
variable "labels" {
  type    = map(string)
  default = {}
}
variable "rules" {
  type    = list(object({ port = number, from = optional(string) }))
  default = []
}
variable "must" { type = bool }
variable "fixed" { default = 7 }
"""
NARROWED = """parameters:
  code: {pattern: "[a-z]+(-[a-z]+)?"}
  level: {enum: [1, 2, 2.5]}
  fixed: {locked: true}
"""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    return variables_pattern(tmp_path_factory.mktemp("schema"), VARIABLES, NARROWED)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_patterns_have_a_valid_schema_that_takes_their_defaults(name: str) -> None:
    shipped = Catalogue(SHIPPED_PATTERNS, SHIPPED_PATTERNS.parent / "modules").get(name)
    schema = json_schema(shipped)
    Draft202012Validator.check_schema(schema)
    defaults = {p.path: p.default for p in shipped.parameters if not p.hidden}
    assert list(Draft202012Validator(schema).iter_errors(defaults)) == []
    assert list(Draft202012Validator(schema).iter_errors({"no.such": 1})) != []


def test_what_is_not_about_values_is_told_as_well(pattern: Pattern) -> None:
    schema = json_schema(pattern)
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["must"]
    assert schema["properties"]["fixed"] == {"title": "Fixed", "default": 7, "const": 7, "readOnly": True}
    assert schema["properties"]["size"]["maximum"] == 9


def fit(char: str) -> bool:
    """What the schema cannot say: no controls and no format characters."""
    return unicodedata.category(char) not in {"Cc", "Cf", "Cs"} or char in "\n\t"


texts = st.text(st.characters(exclude_categories=("Cs",)).filter(fit), max_size=8) | st.sampled_from(
    ["red", "blue", "ab", "ab-c", "ab\n", "a" * 4096, "a" * 4097, " ", ""]
)
large = [10**30, -(10**31), 1e30, 1e29, 12345678901234567890, 10**400]
numbers = st.integers(-12, 12) | st.sampled_from([2.5, 1.0, *large])
scalars = texts | numbers | st.booleans() | st.none()
rules = st.fixed_dictionaries({}, optional={"port": scalars, "from": scalars, "x": scalars})
values = scalars | st.lists(scalars | rules, max_size=3) | st.dictionaries(texts, scalars, max_size=3) | rules
likely: Mapping[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "code": st.from_regex(r"[a-z]{1,2}(-[a-z])?\n?", fullmatch=True),
    "size": numbers,
    "colour": st.sampled_from(["red", "blue", None, "green"]),
    "level": st.sampled_from([1, 1.0, 2, 2.5, True, 3]),
    "on": st.booleans(),
    "ports": st.lists(numbers, max_size=3) | st.just([1] * 101),
    "pair": st.tuples(texts, st.booleans()).map(list) | st.lists(scalars, max_size=3),
    "labels": st.dictionaries(texts, texts, max_size=3) | st.just({str(n): "" for n in range(101)}),
    "rules": st.lists(st.fixed_dictionaries({"port": numbers}, optional={"from": texts | st.none()}), max_size=2),
    "must": st.booleans(),
    "fixed": st.sampled_from([7, 7.0, 8]),
}
given_settings = st.fixed_dictionaries(
    {"must": st.booleans() | st.none()},
    optional={name: strategy | values for name, strategy in likely.items() if name != "must"},
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(settings_=given_settings | st.dictionaries(texts, values, max_size=2))
def test_the_schema_accepts_exactly_what_is_accepted(pattern: Pattern, settings_: dict[str, Any]) -> None:
    errors = list(Draft202012Validator(json_schema(pattern)).iter_errors(settings_))
    try:
        check_settings(pattern.parameters, settings_)
        refused = ""
    except Invalid as error:
        refused = str(error)
    assert bool(errors) == bool(refused), (refused, errors)
