"""How a run ends or turns back: what was built is taken back, kept or looked at, and what happened is told."""

import asyncio
import errno
import shutil
from typing import Any

import structlog
from django.db import DatabaseError

from stackyard.cmdb.models import Run, RunKind, RunStatus, Stage, StageStatus
from stackyard.errors import Invalid, LeaseLost, StackyardError
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.flows import StageName, flow_of_run
from stackyard.runs.lease import Lease, finish, guarded, write_environment

logger = structlog.get_logger()

NEXT = {
    RunKind.CREATE: "Nothing was released. Press Destroy to take away what is there.",
    RunKind.CHANGE: "Look at what stands, then change it again or destroy it.",
    RunKind.DESTROY: "Nothing was released. Press Destroy again once what stands in the way is gone.",
}
"""What a person does about a run that needs attention when its error does not say."""


def began_to_apply(run_id: int) -> bool:
    """Whether any worker of this run began to apply, so that something of it may stand."""
    return Stage.objects.filter(run_id=run_id, name="apply", started_at__isnull=False).exists()


def fail_to_begin(lease: Lease, error: Exception) -> None:
    """End a run for which not even a work folder could be had. What cannot have changed anything needs no attention."""
    run = Run.objects.get(pk=lease.run_id)
    harmless = run.kind == RunKind.DRIFT or (run.kind == RunKind.CHANGE and not began_to_apply(run.pk))
    words = in_words(error)
    words["hint"] = words["hint"] or NEXT.get(RunKind(run.kind), "")
    finish(lease, RunStatus.FAILED if harmless else RunStatus.ATTENTION, **words)


async def begin_rollback(ctx: RunContext, backward: tuple[StageName, ...], error: Exception) -> None:
    """From here on the run takes back what it built, or looks at what it left; a takeover goes on from here."""
    if ctx.run.kind == RunKind.CHANGE:
        ctx.log.write("Looking at what stands now.", level="warning")
    elif await in_database(began_to_apply, ctx.run.pk):
        ctx.log.write("Taking back what was built.", level="warning")
    await ctx.log.flush()
    ctx.run.rolling_back = True
    await in_database(_write_rollback, ctx, backward, told(ctx, error))


def _write_rollback(ctx: RunContext, backward: tuple[StageName, ...], words: dict[str, Any]) -> None:
    guarded(ctx.lease, rolling_back=True, **words)
    forward = len(flow_of_run(ctx.run).forward)
    Stage.objects.filter(run=ctx.run, position__lt=forward, status=StageStatus.PENDING).update(
        status=StageStatus.SKIPPED
    )
    for position, stage in enumerate(backward, start=forward):
        Stage.objects.get_or_create(run=ctx.run, position=position, defaults={"name": stage.name, "title": stage.title})


async def end_attached(ctx: RunContext) -> None:
    """A job of an earlier worker that nobody will follow must not go on: what it builds would be known to nobody."""
    try:
        await ctx.terraform.end_attached()
    except LeaseLost:
        raise
    except StackyardError as error:
        ctx.log.write(f"Whether the build of an earlier worker still works is not known: {error}", level="error")


async def keep(ctx: RunContext, *, ready: bool) -> None:
    """End a cancelled create whose half-built environment is to stay: what stands goes into the CMDB. `ready`: whether
    Terraform can tell what that is; else the log has said why not."""
    words = {
        "error": "Cancelled while it was built. What was built so far is kept, as asked.",
        "hint": "Destroy the environment when it is no longer needed.",
    }
    try:
        if ready:
            await ctx.terraform.push_errored_state()
            state = await ctx.terraform.state()
            resources = [r.as_dict() for r in state.resources]
            await in_database(write_environment, ctx.lease, resources=resources, outputs=dict(state.outputs))
            ctx.log.write(f"Kept: {len(resources)} resources.", level="warning")
    except LeaseLost:
        raise
    except StackyardError as error:
        ctx.log.write(f"What stands could not be read: {error}", level="error")
    await end(ctx, RunStatus.ATTENTION, words)


async def fail_to_go_back(ctx: RunContext, failed: Exception) -> None:
    """End a run that needs attention because its way back did not come to its end."""
    words = told(ctx, failed)
    if ctx.run.kind == RunKind.CREATE:
        ctx.log.write(f"Taking back what was built failed: {words['error']}", level="error")
    first = await in_database(lambda: Run.objects.get(pk=ctx.run.pk).error)
    way = "Taking it back failed" if ctx.run.kind == RunKind.CREATE else "What stands could not be proven"
    words["error"] = f"{first} {way}: {words['error']}".strip()
    words.pop("problems", None)
    await end(ctx, RunStatus.ATTENTION, words)


async def end(ctx: RunContext, status: RunStatus, words: dict[str, Any] | None = None) -> None:
    """Write the run's end. `words` as `told` gives them."""
    await end_attached(ctx)
    ctx.log.close()
    await ctx.log.flush()
    words = dict(words or {})
    if status == RunStatus.ATTENTION:
        words["hint"] = words.get("hint") or NEXT.get(RunKind(ctx.run.kind), "")
    ctx.ending = True
    await in_database(finish, ctx.lease, status, **words)
    if status != RunStatus.ATTENTION:
        # Disposable: the code is in the record, the state in its backend. After trouble it is kept for a look.
        await asyncio.to_thread(shutil.rmtree, ctx.workdir.root, ignore_errors=True)
    logger.info("run ended", status=str(status))


def told(ctx: RunContext, error: Exception) -> dict[str, Any]:
    """What happened, what to do next and the settings that were refused, as fields of the run without hidden values."""
    words: dict[str, Any] = {name: ctx.log.clean(text) for name, text in in_words(error).items()}
    if isinstance(error, Invalid):
        words["problems"] = [{"field": p.field, "message": ctx.log.clean(p.message)} for p in error.problems]
    return words


def in_words(error: Exception) -> dict[str, str]:
    """What happened and what to do next, for people, as fields of the run. Hidden values are still in it."""
    error = foreseen(error)
    if isinstance(error, StackyardError):
        return {"error": error.message, "hint": error.hint}
    return {
        "error": f"An unforeseen error ({type(error).__name__}) stopped the run.",
        "hint": "Platform staff find it in the server's log.",
    }


class MachineTrouble(StackyardError):
    """The machine of the worker, or the database, does not do what every run needs."""


def foreseen(error: Exception) -> Exception:
    """The error in words for people, when it is one that any part can meet: a full disk, a database that is away."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MachineTrouble(
            f"The disk of the worker's machine is full ({error.strerror}).",
            hint="Make room in Stackyard's data folder; then try again, or press Destroy when something stands.",
        )
    if isinstance(error, DatabaseError):
        return MachineTrouble(
            f"The database refused: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason told'}.",
            hint="Platform staff find it in the server's log.",
        )
    return error
