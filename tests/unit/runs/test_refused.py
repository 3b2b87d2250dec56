"""A diagnostic of Terraform is led back to the settings that it speaks of."""

from pathlib import Path

import pytest

from stackyard.runs.refused import Code
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.events import Diagnostic, parse_diagnostic

MAIN = """
module "service" {
  source = "./modules/service"
  name   = local.name
  container = {
    cpu    = local.container.cpu
    memory = local.container.memory
  }
  days = local.logs.days
}

resource "aws_sqs_queue" "this" {
  delay_seconds = local.queue.delay
}
"""
MODULE = """
module "inner" {
  source = "./inner"
  keep   = var.days
}

resource "aws_ecs_task_definition" "this" {
  cpu    = var.container.cpu
  memory = tostring(var.container.memory)
}
"""
SETTINGS = frozenset({"container.cpu", "container.memory", "logs.days", "queue.delay"})


@pytest.fixture
def code(tmp_path: Path) -> Code:
    for name, text in (
        ("main.tf", MAIN),
        ("modules/service/main.tf", MODULE),
        ("modules/service/inner/main.tf", 'resource "aws_cloudwatch_log_group" "this" {\n  retention = var.keep\n}\n'),
        ("broken.tf", "locals {"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Code(tmp_path, SETTINGS)


def fields(code: Code, diagnostic: Diagnostic) -> list[str]:
    return [p.field for p in code.refused(TerraformFailed("plan", [diagnostic], 1))]


def test_the_values_that_a_precondition_read_are_named(code: Code) -> None:
    """As Terraform 1.11 prints it for a condition in a module."""
    found = parse_diagnostic(
        {
            "severity": "error",
            "summary": "Resource precondition failed",
            "detail": "Fargate does not offer 512 MiB.",
            "address": "module.service.aws_ecs_task_definition.this",
            "range": {"filename": "modules/service/main.tf", "start": {"line": 8}},
            "snippet": {
                "context": 'resource "aws_ecs_task_definition" "this"',
                "code": "condition = contains(local.sizes[var.container.cpu], var.container.memory)",
                "values": [
                    {"traversal": "local.sizes", "statement": "is object with 5 attributes"},
                    {"traversal": "var.container.cpu", "statement": "is 1024"},
                ],
            },
        }
    )
    assert fields(code, found) == ["settings.container.cpu", "settings.container.memory"]
    (first, _) = code.refused(TerraformFailed("plan", [found], 1))
    assert first.message == "Fargate does not offer 512 MiB."


def test_a_rule_of_a_modules_variable_is_found_by_its_file(code: Code) -> None:
    found = Diagnostic(
        "error", "Invalid value for variable", "Odd.", file="modules/service/main.tf", references=("var.days",)
    )
    assert fields(code, found) == ["settings.logs.days"]


def test_the_attribute_that_aws_refused_is_led_back(code: Code) -> None:
    text = "ClientException: Invalid 'cpu' setting for task."
    found = Diagnostic("error", text, address="module.service.aws_ecs_task_definition.this")
    assert fields(code, found) == ["settings.container.cpu"]


def test_the_way_goes_through_every_module(code: Code) -> None:
    found = Diagnostic(
        "error",
        "expected retention to be one of [1 3 5]",
        address="module.service.module.inner.aws_cloudwatch_log_group.this",
    )
    assert fields(code, found) == ["settings.logs.days"]


def test_a_resource_of_the_root_needs_no_way(code: Code) -> None:
    found = Diagnostic("error", "expected delay_seconds to be in the range (0 - 900)", address="aws_sqs_queue.this")
    assert fields(code, found) == ["settings.queue.delay"]


@pytest.mark.parametrize(
    "found",
    [
        Diagnostic("error", "AccessDenied: no", address="aws_sqs_queue.this", references=("local.queue.delay",)),
        Diagnostic("error", "InvalidParameterException: odd", address="aws_sqs_queue.this"),
        Diagnostic("error", "InvalidParameterException: odd", address="module.gone.aws_x.y", references=("var.z",)),
        Diagnostic("error", "Invalid value for variable", references=("local.name",)),
    ],
)
def test_no_field_is_blamed_without_a_reason(code: Code, found: Diagnostic) -> None:
    assert fields(code, found) == []
