"""Walk a run through its stages, under its lease, to a true end.

Beside the stages two tasks work: one renews the lease and looks for a wish to cancel, one writes the log. When the
lease is lost everything stops without a further write: another worker has the run.
"""

import asyncio
import contextlib
import shutil

import structlog
from django.utils import timezone

from stackyard.cmdb.models import Run, RunKind, RunStatus, Stage, StageStatus
from stackyard.errors import Cancelled, LeaseLost, StackyardError
from stackyard.runs.build import build_context
from stackyard.runs.changing import PlanAgain, Waits, is_approved
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.flows import FLOWS, StageName
from stackyard.runs.lease import Lease, finish, guarded, park, renew, write_stage
from stackyard.runs.stages import STAGES, NotProven
from stackyard.settings import Settings

logger = structlog.get_logger()

PLANS = 3
"""So often one attempt plans when its plans go out of date; then something else works on this state all the time."""


async def carry(lease: Lease, settings: Settings) -> None:
    """Do the run that this lease is for. Returns when it has ended or belongs to another worker."""
    ctx = await build_context(lease, settings)
    structlog.contextvars.bind_contextvars(run=lease.run_id, environment=ctx.environment.slug)
    walk = asyncio.create_task(_walk(ctx))
    beside = [asyncio.create_task(_hold_lease(ctx, walk)), asyncio.create_task(ctx.log.pump())]
    try:
        done, _ = await asyncio.wait({walk, *beside}, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        await walk
    except (LeaseLost, asyncio.CancelledError) as reason:
        logger.warning("run given up", reason=str(reason) or "worker stops")
        await _stop(walk, ctx)
        if isinstance(reason, asyncio.CancelledError):
            raise
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _stop(walk: "asyncio.Task[None]", ctx: RunContext) -> None:
    """End our Terraform before anyone else's can begin."""
    await ctx.terraform.cancel(ctx.settings.grace_seconds)
    walk.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await walk


async def _hold_lease(ctx: RunContext, walk: "asyncio.Task[None]") -> None:
    """Renew the lease three times in its length; pass on a wish to cancel, once."""
    while not walk.done():
        try:
            cancel_wanted = await in_database(renew, ctx.lease)
        except LeaseLost:
            if ctx.ending:
                return
            raise
        if cancel_wanted and not ctx.cancelled:
            ctx.cancelled = True
            if not ctx.run.rolling_back:
                ctx.log.write("Cancel was requested: Terraform is asked to stop.", level="warning")
                asyncio.get_running_loop().create_task(ctx.terraform.cancel(ctx.settings.grace_seconds))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(walk), min(ctx.lease.seconds / 3, 2.0))


async def _walk(ctx: RunContext) -> None:
    flow = FLOWS[RunKind(ctx.run.kind)]
    error: Exception | None = None
    if not ctx.run.rolling_back:
        error = await _forward(ctx, flow.forward)
        if isinstance(error, Waits):
            error = await _park(ctx)
            if error is None:
                return
        elif error is None:
            return await _finish(ctx, RunStatus.SUCCEEDED)
        if ctx.run.kind == RunKind.DRIFT:  # it changed nothing, so nothing needs attention
            return await _finish(ctx, RunStatus.CANCELLED if isinstance(error, Cancelled) else RunStatus.FAILED, error)
        if isinstance(error, NotProven) or not flow.backward:
            return await _finish(ctx, RunStatus.ATTENTION, error)
        if ctx.run.kind == RunKind.CHANGE and not await in_database(_began_to_apply, ctx.run.pk):
            return await _finish(ctx, RunStatus.CANCELLED if isinstance(error, Cancelled) else RunStatus.FAILED, error)
        await _begin_rollback(ctx, flow.backward, error)
    elif ctx.run.kind == RunKind.CHANGE:
        failed = await _prepare_again(ctx)
        if failed is not None:
            return await _finish(ctx, RunStatus.ATTENTION)
    failed = await _steps(ctx, flow.backward, offset=len(flow.forward))
    if failed is not None:
        if ctx.run.kind == RunKind.CREATE:
            ctx.log.write(f"Taking back what was built failed: {failed}", level="error")
        return await _finish(ctx, RunStatus.ATTENTION)
    cancelled = await in_database(lambda: Run.objects.get(pk=ctx.run.pk).cancel_requested_at is not None)
    await _finish(ctx, RunStatus.CANCELLED if cancelled else RunStatus.FAILED)


async def _forward(ctx: RunContext, stages: tuple[StageName, ...]) -> Exception | None:
    """Do all stages, or after approval the rest of them; a plan that is out of date is made again."""
    if ctx.lease.taken_over:
        ctx.log.write("Taken over from a worker that fell silent; going on from Terraform's state.", level="warning")
    names = [stage.name for stage in stages]
    first = 0
    if ctx.run.approved_at is not None:
        if await asyncio.to_thread(is_approved, ctx):
            first = names.index("approve") + 1
            await in_database(
                write_stage, ctx.lease, first - 1, status=StageStatus.DONE, finished_at=ctx.run.approved_at
            )
            ctx.log.write(f"Approved by {ctx.run.approved_by}: going on with the saved plan.")
        else:
            ctx.log.write("The approved plan is not at hand any more: planning again.", level="warning")
    for _ in range(PLANS):
        error = await _steps(ctx, stages[first:], offset=first)
        if not isinstance(error, PlanAgain):
            break
        first = names.index("plan")
        for position in range(first, len(stages)):
            await in_database(
                write_stage, ctx.lease, position, status=StageStatus.PENDING, started_at=None, finished_at=None
            )
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
            await STAGES[stage.name](ctx)
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
        await in_database(write_stage, ctx.lease, position, status=StageStatus.DONE, finished_at=timezone.now())
    return None


def _tell(ctx: RunContext, error: Exception) -> None:
    """One readable line for people; the traceback of what nobody foresaw goes to the server's log only."""
    if isinstance(error, StackyardError):
        ctx.log.write(str(error), level="error")
    else:
        logger.exception("a stage failed in an unforeseen way", stage=ctx.log.stage, exc_info=error)
        ctx.log.write(f"An unforeseen error ({type(error).__name__}) stopped this stage.", level="error")


async def _park(ctx: RunContext) -> Exception | None:
    """Give the run back until somebody has approved it. The work folder stays, with the saved plan."""
    ctx.log.write("Waiting for approval. Nothing is applied before.", level="warning")
    ctx.log.close()
    await ctx.log.flush()
    ctx.ending = True
    try:
        await in_database(park, ctx.lease)
    except Cancelled as error:
        ctx.ending = False
        return error
    logger.info("run waits for approval")
    return None


def _began_to_apply(run_id: int) -> bool:
    return Stage.objects.filter(run_id=run_id, name="apply", started_at__isnull=False).exists()


async def _prepare_again(ctx: RunContext) -> Exception | None:
    """After a takeover: the recorded code and its Terraform, to see what stands. Returns what stopped it, or None."""
    try:
        for stage in ("fetch", "init"):
            await STAGES[stage](ctx)
    except LeaseLost:
        raise
    except Exception as error:
        _tell(ctx, error)
        return error
    return None


async def _begin_rollback(ctx: RunContext, backward: tuple[StageName, ...], error: Exception) -> None:
    change = ctx.run.kind == RunKind.CHANGE
    ctx.log.write("Looking at what stands now." if change else "Taking back what was built.", level="warning")
    await ctx.log.flush()
    ctx.run.rolling_back = True
    await in_database(_write_rollback, ctx, backward, *_in_words(ctx, error))


def _write_rollback(ctx: RunContext, backward: tuple[StageName, ...], message: str, hint: str) -> None:
    guarded(ctx.lease, rolling_back=True, error=message, hint=hint)
    forward = len(FLOWS[RunKind(ctx.run.kind)].forward)
    Stage.objects.filter(run=ctx.run, position__lt=forward, status=StageStatus.PENDING).update(
        status=StageStatus.SKIPPED
    )
    for position, stage in enumerate(backward, start=forward):
        Stage.objects.get_or_create(run=ctx.run, position=position, defaults={"name": stage.name, "title": stage.title})


async def _finish(ctx: RunContext, status: RunStatus, error: Exception | None = None) -> None:
    ctx.log.close()
    await ctx.log.flush()
    words = dict(zip(("error", "hint"), _in_words(ctx, error), strict=True)) if error else {}
    ctx.ending = True
    await in_database(finish, ctx.lease, status, **words)
    if status != RunStatus.ATTENTION:
        # Disposable: the code is in the record, the state in its backend. After trouble it is kept for a look.
        await asyncio.to_thread(shutil.rmtree, ctx.workdir.root, ignore_errors=True)
    logger.info("run ended", status=str(status))


def _in_words(ctx: RunContext, error: Exception) -> tuple[str, str]:
    """(what happened, what to do next), both without hidden values."""
    if isinstance(error, StackyardError):
        return ctx.log.clean(error.message), ctx.log.clean(error.hint)
    return (
        f"An unforeseen error ({type(error).__name__}) stopped the run.",
        "Platform staff find it in the server's log.",
    )
