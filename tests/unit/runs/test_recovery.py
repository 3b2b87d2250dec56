"""What follows from an error."""

from typing import Any

import pytest

from stackyard.errors import Conflict, StackyardError, Unavailable
from stackyard.runs.recovery import goes_no_further, reason_to_try_again
from stackyard.runs.stages import NotProven
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.events import Diagnostic


def failed(text: str, status: int = 1) -> TerraformFailed:
    return TerraformFailed("apply", [Diagnostic("error", text)] if text else [], status)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (failed("ThrottlingException: Rate exceeded"), True),
        (failed("dial tcp: connection refused"), True),
        (failed("", -9), True),
        (failed("", 1), False),
        (failed("AccessDenied: no"), False),
        (failed("Resource precondition failed"), False),
        (Unavailable("git push failed in the record: could not resolve host"), True),
        (Unavailable("ECS could not be asked: AccessDenied"), False),
        (Unavailable("terraform: no space left on device"), False),
        (NotProven("Zone: AWS did not tell: timeout", unanswered=True), True),
        (NotProven("Zone: it is not there"), False),
        (Conflict("Something else differs now."), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: StackyardError, again: bool) -> None:
    assert bool(reason_to_try_again(error)) == again


def change(action: str, address: str = "aws_x.y") -> dict[str, Any]:
    return {"address": address, "action": action, "type": "aws_x"}


@pytest.mark.parametrize(
    ("rest", "agreed", "fits"),
    [
        ([], [change("create")], True),
        ([change("create")], [change("create"), change("create", "aws_x.z")], True),
        ([change("replace")], [change("create")], True),
        ([change("create")], [change("replace")], True),
        ([change("delete")], [change("create")], False),
        ([change("replace")], [change("update")], False),
        ([change("delete")], [change("update")], False),
        ([change("update", "aws_other.one")], [change("update")], False),
        ([change("create")], [], False),
    ],
)
def test_the_rest_of_a_plan_goes_no_further_than_what_was_agreed_to(
    rest: list[dict[str, Any]], agreed: list[dict[str, Any]], fits: bool
) -> None:
    assert goes_no_further(rest, agreed) == fits
