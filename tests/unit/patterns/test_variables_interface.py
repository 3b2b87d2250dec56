"""Parameters out of `variable` blocks: types, defaults, nullable, sensitive, and validation before Terraform's."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.patterns.folders import variables_pattern

from stackyard.errors import Invalid, Unusable
from stackyard.patterns.parameters import check_settings
from stackyard.patterns.types import NotAType, parse_type

TEXT = """
variable "vpc_id" { type = string }
variable "size" {
  description = "How large."
  type        = string
  default     = "small"
  nullable    = false

  validation {
    condition     = contains(["small", "large"], var.size)
    error_message = "Small or large."
  }
}
# @unit tasks
variable "count_of_tasks" {
  type    = number
  default = 1

  validation {
    condition     = var.count_of_tasks >= 1 && var.count_of_tasks <= (var.size == "large" ? 9 : 4)
    error_message = "At most 4 small ones or 9 large ones."
  }
}
variable "queue" {
  type = object({
    # Seconds.
    delay = optional(number, 5)
    names = list(string)
    deep  = object({ on = bool })
    vpc   = string
  })
  default = { names = ["a"], deep = { on = true }, vpc = "" }
}
variable "rules" {
  type    = list(object({ port = number, from = optional(string) }))
  default = []
}
variable "password" {
  type      = string
  sensitive = true
}
variable "owner" {
  type    = string
  default = null
}
variable "labels" { type = map(string) }
variable "free" {}
"""
FILLS = "fills: {vpc_id: sandbox.vpc_id, queue.vpc: sandbox.vpc_id}\n"


def parameters(tmp_path: Path) -> Any:
    return variables_pattern(tmp_path, TEXT, FILLS).parameters


GIVEN = {"password": "geheim", "labels": {}, "free": "x"}


def test_every_variable_is_a_parameter_and_objects_are_groups(tmp_path: Path) -> None:
    assert [(p.path, p.kind, p.default, p.required, p.nullable) for p in parameters(tmp_path)] == [
        ("size", "string", "small", False, False),
        ("count_of_tasks", "number", 1, False, False),
        ("queue.delay", "number", 5, False, True),
        ("queue.names", "list", ["a"], False, False),
        ("queue.deep.on", "bool", True, False, False),
        ("rules", "list", [], False, True),
        ("password", "string", None, True, True),
        ("owner", "string", None, False, True),
        ("labels", "map", None, True, True),
        ("free", "string", None, True, True),
    ]
    by_path = {p.path: p for p in parameters(tmp_path / "again")}
    assert (by_path["queue.delay"].description, by_path["queue.deep.on"].group) == ("Seconds.", "queue.deep")
    assert (by_path["size"].description, by_path["size"].enum) == ("How large.", ("small", "large"))
    assert (by_path["count_of_tasks"].min, by_path["count_of_tasks"].unit) == (1, "tasks")
    assert by_path["password"].secret


@pytest.mark.parametrize(
    ("settings", "field", "said"),
    [
        ({"size": "huge"}, "size", "Choose one of small, large."),
        ({"size": None}, "size", "Must be text."),
        ({"count_of_tasks": 5}, "count_of_tasks", "At most 4 small ones or 9 large ones."),
        ({"count_of_tasks": 0}, "count_of_tasks", "Must be at least 1 tasks."),
        ({"queue.names": ["a", 1]}, "queue.names", "Must be text."),
        ({"queue.names": None}, "queue.names", "Must be a list."),
        ({"queue.vpc": "mine"}, "queue.vpc", "There is no such setting."),
        ({"queue": {}}, "queue", "There is no such setting."),
        ({"rules": [{"from": "x"}]}, "rules", "port: This is required."),
        ({"rules": [{"port": 1, "too": 2}]}, "rules", "too: There is no such name."),
        ({"rules": [{"port": "1"}]}, "rules", "port: Must be a number."),
        ({"labels": {"a": 1}}, "labels", "a: Must be text."),
        ({"labels": "x"}, "labels", "Must be names with values."),
    ],
)
def test_what_a_variable_refuses_is_refused(tmp_path: Path, settings: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_settings(parameters(tmp_path), GIVEN | settings)
    (problem,) = refused.value.problems
    assert (problem.field, problem.message.startswith(said)) == (f"settings.{field}", True), problem.message


def test_what_a_variable_takes_is_taken(tmp_path: Path) -> None:
    settings = GIVEN | {
        "size": "large",
        "count_of_tasks": 9,
        "queue.delay": None,
        "rules": [{"port": 1}, {"port": 2, "from": None}],
        "owner": None,
    }
    kept = check_settings(parameters(tmp_path), settings)
    assert kept == {k: v for k, v in settings.items() if k != "owner"}


def test_a_value_without_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        check_settings(parameters(tmp_path), {"labels": {}})
    assert [p.field for p in refused.value.problems] == ["settings.password", "settings.free"]


def test_values_files_of_the_module_are_defaults(tmp_path: Path) -> None:
    values = {"terraform__tfvars": 'n = 2\nt = "a"\n', "b__auto__tfvars__json": '{"n": 3}'}
    text = 'variable "n" { type = number }\nvariable "t" { default = "z" }\n'
    pattern = variables_pattern(tmp_path, text, **values)
    assert [(p.path, p.default, p.required) for p in pattern.parameters] == [("n", 3, False), ("t", "a", False)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('variable "a" { type = strin }\n', "small/variables.tf:1: a: `strin` is not a type"),
        ('\n# @mun 1\nvariable "a" {}\n', "small/variables.tf:2: There is no annotation @mun"),
        ('variable "a" {\n', "small/variables.tf:"),
    ],
)
def test_a_broken_variable_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Unusable) as refused:
        variables_pattern(tmp_path, text)
    assert said in refused.value.message


@pytest.mark.parametrize(
    "text", ["list(string, number)", "object(string)", "optional(string)", "tuple({})", "f(x)", ""]
)
def test_what_is_no_type_is_not_read_as_one(text: str) -> None:
    with pytest.raises(NotAType):
        parse_type(text)


def test_a_rule_that_allows_null_narrows_all_other_values(tmp_path: Path) -> None:
    text = """variable "n" {
  type    = number
  default = null
  validation {
    condition     = var.n == null || (var.n >= 2 && 8 >= var.n)
    error_message = "2 to 8."
  }
}
"""
    (n,) = variables_pattern(tmp_path, text).parameters
    assert (n.min, n.max, n.nullable) == (2, 8, True)
    assert check_settings([n], {"n": None}) == {}
    assert check_settings([n], {"n": 8}) == {"n": 8}
