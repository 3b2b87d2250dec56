"""The stage at which a run waits for a person, and when what that person approved still counts."""

import asyncio
import hashlib
import json
from typing import Any

from stackyard.cmdb.models import Role, RunKind
from stackyard.errors import StackyardError
from stackyard.runs import rules
from stackyard.runs.cancel import touched
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.judgement import goes_no_further, plan_row
from stackyard.runs.lease import guarded
from stackyard.runs.recorded import RecordedCode
from stackyard.terraform.plan import Change, Plan


class Waits(StackyardError):
    """Not an error: the run needs a person's approval before it goes on."""


async def wait_for_approval(ctx: RunContext, *, proposed: bool) -> None:
    """Wait for a person when a rule asks for that, or because the change was `proposed` in a pull request. Not again
    for a plan that does what was approved."""
    if ctx.run.kind == RunKind.DESTROY:
        await _plan_destroy(ctx)
    own = (*rules.parse(ctx.sandbox.approvals), *ctx.manifest.approvals)
    wanted = "It goes through a pull request." if proposed else "It was asked for." if ctx.wish.confirm else ""
    need = rules.need_of(own, RunKind(ctx.run.kind), ctx.run.plan.get("changes", []), wanted=wanted)
    if need is None:
        return ctx.log.write("No rule asks for an approval of this plan.")
    if ctx.run.approved_at is not None and not _stricter(need, ctx.run.approval_role):
        return ctx.log.write(f"Approved by {ctx.run.approved_by}: what is planned is what was approved.")
    await in_database(guarded, ctx.lease, approval_role=need.role, approved_by=None, approved_at=None)
    who = "platform staff" if need.role == Role.PLATFORM else "a requester"
    raise Waits(f"Waiting for approval by {who}. {' '.join(need.reasons)}")


def _stricter(need: rules.Need, role: str) -> bool:
    """Whether the rules want more by now than the role that approved."""
    return need.role == Role.PLATFORM and role != Role.PLATFORM


async def keep_plan(ctx: RunContext, row: dict[str, Any]) -> None:
    """Write a plan into the run's row. An approval that was given stays when this plan does what was approved."""
    values: dict[str, Any] = {"plan": row}
    if not await _is_what_was_approved(ctx, row):
        values |= {"approved_by": None, "approved_at": None}
    await in_database(guarded, ctx.lease, **values)
    for name, value in values.items():
        setattr(ctx.run, name, value)


async def _is_what_was_approved(ctx: RunContext, row: dict[str, Any]) -> bool:
    """The same content; or, when the approved plan was begun to be applied by a worker that was lost, what is left of
    it, from the same code."""
    if ctx.run.approved_at is None:
        return False
    if row["content"] and row["content"] == ctx.run.plan.get("content"):
        return True
    if not await in_database(touched, ctx.run):
        return False
    if ctx.run.kind == RunKind.CHANGE:
        newest = await asyncio.to_thread(RecordedCode.from_settings(ctx.settings).newest, ctx.record_folder)
        if newest != ctx.run.commit:
            return False
    return goes_no_further(row["changes"], ctx.run.plan.get("changes", []))


async def _plan_destroy(ctx: RunContext) -> None:
    """What a destroy would take away: everything that the state knows."""
    resources = (await ctx.terraform.state()).resources
    content = hashlib.sha256(json.dumps(sorted((r.address, r.id) for r in resources)).encode()).hexdigest()
    changes = tuple(Change(r.address, r.type, r.module, "delete") for r in resources)
    await keep_plan(ctx, plan_row(Plan(changes, content=content), content))
