"""Changes by pull request: what a change would record lies on a branch first, and is applied once it is merged.

The worker pushes the branch and says in a row what it wants; GitHub's keeper opens the pull request, tells the plan
there and notes what became of it. Whether main holds what was planned is never believed, but looked at in Git.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction

from stackyard.cmdb.models import PullRequest, RunKind
from stackyard.errors import Cancelled, Conflict, Unusable
from stackyard.github_api.connection import is_configured
from stackyard.record.proposals import Proposals
from stackyard.record.repository import Passport
from stackyard.runs import limits
from stackyard.runs.approving import Waits
from stackyard.runs.changing import PlanAgain, passport_of
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.lease import Lease, guarded, hold
from stackyard.runs.recorded import RecordedCode

PATIENCE_SECONDS = 300
"""So long a run waits for GitHub to merge; then it gives its place back and asks again."""


@dataclass(frozen=True)
class _Proposal:
    """What the record is to hold."""

    store: Proposals
    folder: Path
    code: Path
    passport: Passport

    def differs(self) -> bool:
        return self.store.differs(self.folder, self.code)

    def merged(self) -> str:
        return self.store.merged(self.folder, self.code, self.passport)


def is_on(ctx: RunContext) -> bool:
    """Whether this run's changes go through pull requests."""
    return ctx.run.kind == RunKind.CHANGE and bool(ctx.settings.record_pull_requests)


async def proposes(ctx: RunContext) -> bool:
    """Whether this run has a pull request, or needs one: its code is not what main holds."""
    return is_on(ctx) and (await _row(ctx) is not None or await lacks(ctx))


async def lacks(ctx: RunContext) -> bool:
    """Whether main holds other code than this change's, which so needs a pull request, though it may do nothing."""
    return is_on(ctx) and await asyncio.to_thread((await _proposal(ctx)).differs)


async def propose(ctx: RunContext) -> bool:
    """Push what was planned to the run's branch, as often as that is done again one commit. Returns `proposes`.

    Raises PlanAgain when somebody else pushed to the branch, Conflict when somebody edited the folder on main since.
    """
    if not await proposes(ctx):
        return False
    _require_access(ctx)
    proposal, row = await _proposal(ctx), await _row(ctx)
    if row is not None and (row.merged or not await asyncio.to_thread(proposal.differs)):
        return True
    branch = f"change/{ctx.environment.slug}-{ctx.run.pk}"
    base = ctx.workdir.base.read_text() if ctx.workdir.base.exists() else ""
    title = f"Change {ctx.environment.slug}"
    draft = await asyncio.to_thread(
        proposal.store.draft, branch, proposal.folder, proposal.code, proposal.passport, title, base=base
    )
    heads: list[str] = row.heads if row else []
    if draft.tip and draft.tip not in heads:
        if row is None:
            raise Conflict(f"The record has a branch {branch} already.", hint="Delete it there, then ask again.")
        await _write(ctx, edited=True)
        raise PlanAgain(f"Somebody pushed to {branch}.", first="fetch")
    if draft.commit not in heads:  # before it is pushed, so that it is known as ours whatever happens then
        heads = [*heads, draft.commit]
    await _write(ctx, branch=branch, heads=heads)
    if draft.commit != draft.tip:
        await asyncio.to_thread(proposal.store.publish, branch, draft.commit)
        ctx.log.write(f"Pushed to {branch} at {draft.commit[:10]}.")
    return True


async def commit_by_hand(ctx: RunContext) -> str:
    """The commit that somebody else made for this run, and that is to be planned as it is: the branch's, or main's once
    that was merged. Empty: there is none.

    Raises Cancelled when the branch is gone.
    """
    row = await _row(ctx)
    if row is None or not row.edited:
        return ""
    if row.merged:
        return await asyncio.to_thread(RecordedCode.from_settings(ctx.settings).newest, ctx.record_folder)
    tip = await asyncio.to_thread(Proposals.from_settings(ctx.settings).tip, row.branch)
    if not tip:
        raise Cancelled(f"The branch {row.branch} is gone, so nothing was applied.", hint="Ask again.")
    if tip not in row.heads:
        await _write(ctx, heads=[*row.heads, tip])
    return tip


async def merge(ctx: RunContext) -> str:
    """Have the approved code merged, and return the commit by which main holds it. Empty: there is nothing to merge,
    and the code is to be recorded as always.

    Raises PlanAgain when main holds something else by then, Waits when GitHub does not merge it, Cancelled when the
    pull request was closed.
    """
    row = await _row(ctx)
    if not is_on(ctx) or (row is not None and row.merged and row.edited):
        return ""
    proposal = await _proposal(ctx)
    if row is None:
        if await asyncio.to_thread(proposal.differs):
            return ""
        return await asyncio.to_thread(RecordedCode.from_settings(ctx.settings).newest, ctx.record_folder)
    if commit := await asyncio.to_thread(proposal.merged):
        return commit
    if not row.merged:
        await _await_merge(ctx)
        if commit := await asyncio.to_thread(proposal.merged):
            return commit
    await _write(ctx, edited=True)
    raise PlanAgain("What was merged is not what was planned: somebody edited it.", first="fetch")


async def _await_merge(ctx: RunContext) -> None:
    await _write(ctx, merge_wanted=True, refused="")
    ctx.log.write("Waiting for the pull request to be merged.")
    refused = f"GitHub did not answer for {PATIENCE_SECONDS} s."
    for _ in range(PATIENCE_SECONDS * 2):
        await limits.pause(ctx, 0.5)
        row = await _row(ctx)
        if row is None or row.merged:
            return
        if row.closed:
            raise Cancelled("The pull request was closed without a merge, so nothing was applied.")
        if row.refused:
            refused = row.refused
            break
    await _write(ctx, merge_wanted=False)
    await in_database(guarded, ctx.lease, approved_by=None, approved_at=None)
    raise Waits(f"The pull request is not merged, so it waits for approval again. {refused}")


async def _proposal(ctx: RunContext) -> _Proposal:
    passport = await passport_of(ctx)
    return _Proposal(Proposals.from_settings(ctx.settings), ctx.record_folder, ctx.workdir.code, passport)


def _require_access(ctx: RunContext) -> None:
    if not ctx.settings.record_remote or not is_configured(ctx.settings):
        raise Unusable(
            "Changes are to go through pull requests, but GitHub or the record's remote is not configured.",
            hint="docs/github.md tells the settings; `stackyard github check` looks at them.",
        )


async def _row(ctx: RunContext) -> PullRequest | None:
    return await in_database(lambda: PullRequest.objects.filter(run_id=ctx.run.pk).first())


async def _write(ctx: RunContext, **values: Any) -> None:
    await in_database(_write_under, ctx.lease, values)


def _write_under(lease: Lease, values: dict[str, Any]) -> None:
    with transaction.atomic():
        hold(lease)
        PullRequest.objects.update_or_create(run_id=lease.run_id, defaults=values)
