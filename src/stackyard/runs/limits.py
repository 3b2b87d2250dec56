"""One stage at work, until it ends by itself or is stopped: because somebody asked for that, or because it takes too
long. Both go the same way: SIGINT to Terraform, a grace, a second SIGINT, the end of whatever still works."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from stackyard.errors import Cancelled, LeaseLost, StackyardError
from stackyard.runs.context import RunContext

THREAD_SECONDS = 10
"""How long a stage may go on after Terraform has ended, or without one, before it is given up: a question to AWS or
Git is answered by then."""


class TimeLimit(StackyardError):
    """A stage or the whole run took longer than the settings allow."""


async def bounded(ctx: RunContext, work: Coroutine[Any, Any, None]) -> None:
    """Do the work of the present stage. Raises what it raises, Cancelled when a person asked for that meanwhile, and
    TimeLimit; then its Terraform has ended. What takes back or looks at what stands is not cancelled."""
    task = asyncio.create_task(work)
    wish = asyncio.create_task(ctx.stop.wait())
    seconds, limit = _time_left(ctx)
    try:
        await asyncio.wait({task} if ctx.run.rolling_back else {task, wish}, timeout=seconds,
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        if not task.done():
            cancelled = ctx.cancelled and not ctx.run.rolling_back
            ctx.log.write("Cancel was requested." if cancelled else str(limit), level="warning")
            await _end_in_order(ctx, task)
            if isinstance(lost := _failure(task), LeaseLost):
                raise lost
            raise Cancelled("Cancelled on request.") if cancelled else limit
        task.result()
    finally:
        wish.cancel()
        task.cancel()  # nothing, when it has ended
        await asyncio.wait({task})


async def pause(ctx: RunContext, seconds: float) -> None:
    """Wait, with the lease kept; Cancelled as soon as a person asks for that."""
    try:
        async with asyncio.timeout(seconds):
            await (asyncio.Event() if ctx.run.rolling_back else ctx.stop).wait()
    except TimeoutError:
        return
    ctx.stop_if_cancelled()


def _time_left(ctx: RunContext) -> tuple[float, TimeLimit]:
    """Seconds that the stage may work, and what to say when they are over. The way back always has its own time."""
    settings = ctx.settings
    whole = settings.run_seconds - ctx.worked_seconds()
    if not ctx.run.rolling_back and whole < settings.stage_seconds:
        return max(whole, 0.0), TimeLimit(
            f"The run has worked for {settings.run_seconds} s, which is its limit.",
            hint="The log tells what took so long. Platform staff can raise STACKYARD_RUN_SECONDS.",
        )
    return settings.stage_seconds, TimeLimit(
        f"This stage has worked for {settings.stage_seconds} s, which is its limit.",
        hint="The log tells what took so long. Platform staff can raise STACKYARD_STAGE_SECONDS.",
    )


async def _end_in_order(ctx: RunContext, task: "asyncio.Task[None]") -> None:
    """End whatever Terraform the stage runs, and what it begins after that one, until the stage has ended."""
    end = asyncio.get_running_loop().time() + THREAD_SECONDS
    while not task.done() and asyncio.get_running_loop().time() < end:
        if ctx.terraform.works:
            await ctx.terraform.cancel(ctx.settings.grace_seconds, lambda step: ctx.log.write(step, level="warning"))
            end = asyncio.get_running_loop().time() + THREAD_SECONDS
        await asyncio.wait({task}, timeout=0.1)


def _failure(task: "asyncio.Task[None]") -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
