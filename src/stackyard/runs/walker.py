"""Walk a run through its stages, under its lease, to a true end.

Beside the stages two tasks work: one renews the lease and looks for a wish to cancel, one writes the log. When the
lease is lost everything stops without a further write: another worker has the run.
"""

import asyncio
import contextlib
import time
from functools import partial

import structlog
from django.db import DatabaseError
from django.utils import timezone

from stackyard.aws.sessions import told_of_throttling
from stackyard.cmdb.models import Run, RunKind, RunStatus, StageStatus
from stackyard.errors import Cancelled, LeaseLost, StackyardError
from stackyard.runs.approving import Waits
from stackyard.runs.build import build_context
from stackyard.runs.changing import PlanAgain, is_approved
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.ending import (
    began_to_apply,
    begin_rollback,
    end,
    end_attached,
    fail_to_begin,
    fail_to_go_back,
    foreseen,
    keep,
    told,
)
from stackyard.runs.flows import StageName, flow_of_run
from stackyard.runs.lease import Lease, park, renew, write_stage
from stackyard.runs.recovery import do_stage
from stackyard.runs.stages import NotProven
from stackyard.settings import Settings

logger = structlog.get_logger()

PLANS = 3
"""So often one attempt plans when its plans go out of date; then something else works on this state all the time."""


MAX_TAKEOVERS = 10
TOO_OFTEN = {
    "error": f"{MAX_TAKEOVERS} workers fell silent in the middle of this run.",
    "hint": "It may be what ends them, as for want of memory; see the workers' logs. Then press Destroy, or change it.",
}


async def carry(lease: Lease, settings: Settings) -> None:
    """Do the run that this lease is for. Returns when it has ended or belongs to another worker."""
    try:
        ctx = await build_context(lease, settings)
    except LeaseLost:
        return
    except DatabaseError:  # whoever has it again goes on with the run
        raise
    except Exception as reason:  # by the next worker it would be the same
        logger.warning("a run cannot be begun", run=lease.run_id, exc_info=reason)
        return await in_database(fail_to_begin, lease, reason)
    structlog.contextvars.bind_contextvars(run=lease.run_id, environment=ctx.environment.slug)
    with told_of_throttling(ctx.access, partial(ctx.log.write, level="warning")):
        await _work(ctx)


async def _work(ctx: RunContext) -> None:
    """Walk, and hold the lease and write the log beside that."""
    walk = asyncio.create_task(_walk(ctx))
    beside = [asyncio.create_task(_hold_lease(ctx, walk)), asyncio.create_task(ctx.log.pump())]
    try:
        done, _ = await asyncio.wait({walk, *beside}, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        await walk
    except BaseException as reason:  # also a database that stays away: whoever has it again goes on with the run
        logger.warning("run given up", reason=str(reason) or "worker stops")
        await _stop(walk, ctx)
        if not isinstance(reason, LeaseLost):
            raise
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _stop(walk: "asyncio.Task[None]", ctx: RunContext) -> None:
    """End our Terraform before anyone else's can begin."""
    await ctx.terraform.leave(ctx.settings.grace_seconds)
    walk.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await walk


async def _hold_lease(ctx: RunContext, walk: "asyncio.Task[None]") -> None:
    """Renew the lease three times in its length; pass on a wish to cancel, once. Raises LeaseLost when another worker
    has the run, or could have it, because the lease could not be renewed in time."""
    held = time.monotonic()
    while not walk.done():
        asked = time.monotonic()
        try:
            # At once after a long sleep of this process: then another worker may have the run.
            async with asyncio.timeout(held + ctx.lease.seconds - time.monotonic()):
                cancel_wanted = await in_database(renew, ctx.lease)
            held = asked  # not when the answer came: the database counts from before that
        except TimeoutError:
            raise LeaseLost("The database did not answer for as long as the lease lasts.") from None
        except LeaseLost:
            if ctx.ending:
                return
            raise
        if cancel_wanted and not ctx.cancelled:
            ctx.cancelled = True
            ctx.stop.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(walk), min(ctx.lease.seconds / 3, 2.0))


async def _walk(ctx: RunContext) -> None:
    flow = await in_database(flow_of_run, ctx.run)
    if ctx.run.takeovers > MAX_TAKEOVERS:
        return await end(ctx, RunStatus.ATTENTION, TOO_OFTEN)
    _tell_takeover(ctx)
    error: Exception | None = None
    if not ctx.run.rolling_back:
        error = await _rejected(ctx) or await _forward(ctx, flow.forward)
        if isinstance(error, Waits):
            error = await _park(ctx, error)
            if error is None:
                return
        elif error is None:
            return await end(ctx, RunStatus.SUCCEEDED)
        await end_attached(ctx)
        if ctx.run.kind == RunKind.DRIFT:  # it changed nothing, so nothing needs attention
            return await end(ctx, _stopped(error), told(ctx, error))
        if isinstance(error, NotProven) or not flow.backward:
            return await end(ctx, RunStatus.ATTENTION, told(ctx, error))
        applied = await in_database(began_to_apply, ctx.run.pk)
        if ctx.run.kind == RunKind.CHANGE and not applied:
            return await end(ctx, _stopped(error), told(ctx, error))
        if applied and isinstance(error, Cancelled) and await in_database(_is_to_be_kept, ctx.run.pk):
            ctx.run.rolling_back = True  # for this worker: the wish is being fulfilled, it stops nothing any more
            return await keep(ctx, ready=await _prepared(ctx) is None)
        await begin_rollback(ctx, flow.backward, error)
    if await in_database(began_to_apply, ctx.run.pk) and (failed := await _prepared(ctx)):
        return await fail_to_go_back(ctx, failed)
    if ctx.run.kind == RunKind.CREATE and not await in_database(began_to_apply, ctx.run.pk):
        ctx.skip = {"destroy", "prove"}
        ctx.log.write("Nothing was built yet, so there is nothing to take back.")
    failed = await _steps(ctx, flow.backward, offset=len(flow.forward))
    if failed is not None:
        return await fail_to_go_back(ctx, failed)
    cancelled = await in_database(lambda: Run.objects.get(pk=ctx.run.pk).cancel_requested_at is not None)
    await end(ctx, RunStatus.CANCELLED if cancelled else RunStatus.FAILED)


async def _rejected(ctx: RunContext) -> Exception | None:
    """Whether it was rejected while it waited for approval: then there is nothing to do but to take back."""
    if ctx.run.cancel_requested_at is None or await in_database(began_to_apply, ctx.run.pk):
        return None
    return Cancelled(ctx.run.error or "Cancelled on request.", hint=ctx.run.hint)


def _stopped(error: Exception) -> RunStatus:
    return RunStatus.CANCELLED if isinstance(error, Cancelled) else RunStatus.FAILED


def _is_to_be_kept(run_id: int) -> bool:
    return Run.objects.filter(pk=run_id, keep=True).exists()


def _tell_takeover(ctx: RunContext) -> None:
    if ctx.lease.taken_over:
        ctx.log.write("Taken over from a worker that fell silent; going on from Terraform's state.", level="warning")


async def _forward(ctx: RunContext, stages: tuple[StageName, ...]) -> Exception | None:
    """Do all stages, or after approval the rest of them; a plan that is out of date is made again."""
    names = [stage.name for stage in stages]
    first = 0
    if ctx.terraform.going_on == "apply":
        if failed := await _prepare_again(ctx):
            return failed
        first = names.index("apply")
    elif ctx.run.approved_at is not None:
        if await asyncio.to_thread(is_approved, ctx):
            first, ctx.ready = names.index("approve") + 1, True
            await in_database(
                write_stage, ctx.lease, first - 1, status=StageStatus.DONE, finished_at=ctx.run.approved_at
            )
            ctx.log.write(f"Approved by {ctx.run.approved_by}: going on with the saved plan.")
        elif "plan" in names:
            ctx.log.write("The approved plan is not at hand any more: planning again.", level="warning")
    for _ in range(PLANS):
        error = await _steps(ctx, stages[first:], offset=first)
        if not isinstance(error, PlanAgain):
            break
        ctx.run.approved_at = None  # of a plan that is out of date
        first = names.index(error.first)
        for position, stage in enumerate(stages[first:], start=first):
            # That something was applied is not forgotten.
            fresh = {} if stage.name == "apply" else {"started_at": None}
            await in_database(write_stage, ctx.lease, position, status=StageStatus.PENDING, finished_at=None, **fresh)
    return error


async def _steps(ctx: RunContext, stages: tuple[StageName, ...], *, offset: int) -> Exception | None:
    """Do stages one after the other; returns what stopped them, or None."""
    for position, stage in enumerate(stages, start=offset):
        ctx.log.stage = stage.name
        if stage.name in ctx.skip:
            await in_database(write_stage, ctx.lease, position, status=StageStatus.SKIPPED)
            continue
        await in_database(
            write_stage, ctx.lease, position, status=StageStatus.RUNNING, started_at=timezone.now(), finished_at=None
        )
        try:
            ctx.stop_if_cancelled()
            await do_stage(ctx, stage.name)
            ctx.stop_if_cancelled()
        except LeaseLost:
            raise
        except Waits as reason:  # the stage goes on when somebody has approved
            return reason
        except Exception as reason:  # whatever it is, the run must end in a true state
            cancelled = ctx.cancelled and not ctx.run.rolling_back
            error = Cancelled("Cancelled on request.") if cancelled else reason
            _tell(ctx, error)
            await ctx.log.flush()
            await in_database(write_stage, ctx.lease, position, status=StageStatus.FAILED, finished_at=timezone.now())
            return error
        await ctx.log.flush()
        status = StageStatus.SKIPPED if stage.name in ctx.skip else StageStatus.DONE  # it can say so itself
        await in_database(write_stage, ctx.lease, position, status=status, finished_at=timezone.now())
    return None


def _tell(ctx: RunContext, error: Exception) -> None:
    """One readable line for people; the traceback of what nobody foresaw goes to the server's log only."""
    error = foreseen(error)
    if isinstance(error, StackyardError):
        ctx.log.write(str(error), level="error")
    else:
        logger.exception("a stage failed in an unforeseen way", stage=ctx.log.stage, exc_info=error)
        ctx.log.write(f"An unforeseen error ({type(error).__name__}) stopped this stage.", level="error")


async def _park(ctx: RunContext, reason: Waits) -> Exception | None:
    """Give the run back until somebody has approved it. The work folder stays, with the saved plan."""
    ctx.log.write(f"{reason} Nothing is applied before.", level="warning")
    ctx.log.close()
    await ctx.log.flush()
    ctx.ending = True
    try:
        await in_database(park, ctx.lease, ctx.settings.approval_hours, str(reason))
    except Cancelled as error:
        ctx.ending = False
        return error
    logger.info("run waits for approval")
    return None


async def _prepared(ctx: RunContext) -> Exception | None:
    """As `_prepare_again`, unless this worker has done it: Terraform in an empty folder would find nothing that stands,
    and say that it has destroyed all of it."""
    return None if ctx.ready else await _prepare_again(ctx)


async def _prepare_again(ctx: RunContext) -> Exception | None:
    """After a takeover: the recorded code and its Terraform, to see or to destroy what stands. Returns what stopped it,
    or None."""
    ctx.log.stage = "init"
    try:
        for stage in ("fetch", "init"):
            await do_stage(ctx, stage)
    except LeaseLost:
        raise
    except Exception as error:
        _tell(ctx, error)
        return error
    return None
