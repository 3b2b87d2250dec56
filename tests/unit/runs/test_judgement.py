"""What takes something away waits for approval; what only stands anew does not."""

import pytest

from stackyard.runs.judgement import is_destructive
from stackyard.terraform.plan import Change


@pytest.mark.parametrize(
    ("action", "kind", "destructive"),
    [
        ("create", "aws_acm_certificate", False),
        ("update", "aws_db_instance", False),
        ("replace", "aws_db_instance", True),
        ("delete", "aws_route53_record", True),
        ("replace", "aws_ecs_task_definition", False),
        ("replace", "aws_acm_certificate", False),
        ("delete", "aws_acm_certificate", True),
    ],
)
def test_what_is_a_loss(action: str, kind: str, destructive: bool) -> None:
    change = Change(address=f"{kind}.this", type=kind, module="", action=action)
    assert is_destructive(change) == destructive
