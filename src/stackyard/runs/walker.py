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
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.flows import FLOWS, StageName
from stackyard.runs.lease import Lease, finish, guarded, renew, write_stage
from stackyard.runs.stages import STAGES, NotProven
from stackyard.settings import Settings

logger = structlog.get_logger()


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
    await ctx.terraform.cancel(0)
    walk.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await walk


async def _hold_lease(ctx: RunContext, walk: "asyncio.Task[None]") -> None:
    """Renew the lease three times in its length; pass on a wish to cancel, once."""
    while not walk.done():
        if await in_database(renew, ctx.lease) and not ctx.cancelled:
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
        if error is None:
            return await _finish(ctx, RunStatus.SUCCEEDED)
        if isinstance(error, NotProven) or not flow.backward:
            return await _finish(ctx, RunStatus.ATTENTION, error)
        await _begin_rollback(ctx, flow.backward, error)
    failed = await _steps(ctx, flow.backward, offset=len(flow.forward))
    if failed is not None:
        ctx.log.write(f"Taking back what was built failed: {failed}", level="error")
        return await _finish(ctx, RunStatus.ATTENTION)
    cancelled = await in_database(lambda: Run.objects.get(pk=ctx.run.pk).cancel_requested_at is not None)
    await _finish(ctx, RunStatus.CANCELLED if cancelled else RunStatus.FAILED)


async def _forward(ctx: RunContext, stages: tuple[StageName, ...]) -> Exception | None:
    if ctx.lease.taken_over:
        ctx.log.write("Taken over from a worker that fell silent; going on from Terraform's state.", level="warning")
    return await _steps(ctx, stages, offset=0)


async def _steps(ctx: RunContext, stages: tuple[StageName, ...], *, offset: int) -> Exception | None:
    """Do stages one after the other; returns what stopped them, or None."""
    for position, stage in enumerate(stages, start=offset):
        ctx.log.stage = stage.name
        await in_database(
            write_stage, ctx.lease, position, status=StageStatus.RUNNING, started_at=timezone.now(), finished_at=None
        )
        try:
            ctx.stop_if_cancelled()
            await STAGES[stage.name](ctx)
            ctx.stop_if_cancelled()
        except LeaseLost:
            raise
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


async def _begin_rollback(ctx: RunContext, backward: tuple[StageName, ...], error: Exception) -> None:
    ctx.log.write("Taking back what was built.", level="warning")
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
