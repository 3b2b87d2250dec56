"""Which components an upgrade touches, by the code: resources, and the values that they read, also through modules."""

from stackyard.patterns.components import Code, differences
from stackyard.patterns.manifest import Manifest

MANIFEST = Manifest(
    name="small",
    version="1.0.0",
    title="Small",
    description="For tests.",
    components={"Queue": ("module.queue",), "Logs": ("aws_cloudwatch_log_group",), "Alarms": ("aws_alarm",)},
)
MAIN = """\
locals {
  days = local.logs.days
}
module "queue" {
  source  = "./modules/queue"
  seconds = local.queue.seconds
}
resource "aws_cloudwatch_log_group" "this" {
  retention = local.days
}
resource "aws_alarm" "this" {
  count = local.alarms ? 1 : 0
}
"""
QUEUE = """\
resource "aws_sqs_queue" "this" {
  seconds = var.seconds
}
"""
VALUES = {"queue.seconds": 60, "logs.days": 14, "alarms": True}


def code(main: str = MAIN, queue: str = QUEUE, **values: object) -> Code:
    changed = VALUES | {name.replace("__", "."): value for name, value in values.items()}
    return Code({"main.tf": main.encode(), "modules/queue/main.tf": queue.encode()}, changed, MANIFEST)


def test_the_same_code_with_the_same_values_differs_nowhere() -> None:
    assert differences(code(), code(main=f"# New.\n{MAIN}")) == {}


def test_a_value_touches_what_reads_it() -> None:
    assert differences(code(), code(queue__seconds=90)) == {"Queue": "changed"}
    assert differences(code(), code(logs__days=30)) == {"Logs": "changed"}, "through another local"


def test_a_resource_that_comes_goes_or_is_written_otherwise() -> None:
    other = QUEUE.replace("seconds = var", "delay = 1\n  seconds = var")
    assert differences(code(), code(queue=other)) == {"Queue": "changed"}
    assert differences(code(), code(alarms=False)) == {"Alarms": "gone"}
    assert differences(code(alarms=False), code()) == {"Alarms": "new"}
    more = f'{MAIN}\nresource "aws_s3_bucket" "this" {{}}\n'
    assert differences(code(), code(main=more)) == {"Other": "new"}
