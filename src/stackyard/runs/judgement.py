"""Judging a plan: what of it takes something away."""

from typing import Any

from stackyard.terraform.plan import Change, Plan

REVISIONS = frozenset({"aws_ecs_task_definition", "terraform_data"})
"""Types whose replacement loses nothing: a new revision beside the old one, and values in the state only."""

RENEWED = frozenset({"aws_acm_certificate", "aws_acm_certificate_validation"})
"""Types that stand anew before the old one goes, as a certificate for one more name; deleting them is a loss."""


def is_destructive(change: Change) -> bool:
    """Whether this change deletes or replaces a thing that is gone or empty afterwards."""
    if change.action == "replace" and change.type in RENEWED:
        return False
    return change.action in ("delete", "replace") and change.type not in REVISIONS


def plan_row(plan: Plan, digest: str) -> dict[str, Any]:
    """The plan for the run's row: `destructive` for the whole and for each change; `digest` of the saved plan."""
    row = plan.as_dict()
    for entry, change in zip(row["changes"], plan.changes, strict=True):
        entry["destructive"] = is_destructive(change)
    return {**row, "destructive": any(map(is_destructive, plan.changes)), "digest": digest}


_PART_OF = {
    "create": {"create", "replace", "update"},  # what was made half is replaced
    "update": {"update"},
    "replace": {"replace", "create", "delete"},
    "delete": {"delete"},
    "forget": {"forget"},
}


def goes_no_further(rest: list[dict[str, Any]], agreed: list[dict[str, Any]]) -> bool:
    """Whether every change of `rest` is a part of one in `agreed`. Both as in the plan of a run's row."""
    allowed = {change["address"]: _PART_OF.get(change["action"], set()) for change in agreed}
    return all(change["action"] in allowed.get(change["address"], ()) for change in rest)
