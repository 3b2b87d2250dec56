"""A stage ends by itself, or is stopped in good order."""

import asyncio
import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from stackyard.errors import Cancelled, LeaseLost
from stackyard.runs import limits
from stackyard.runs.limits import TimeLimit, bounded, pause


def journey(test: Callable[..., Any]) -> Callable[..., None]:
    """Run a test in an event loop of its own."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


class FakeTerraform:
    """A Terraform that works until it is asked to stop, and what it was asked."""

    def __init__(self) -> None:
        self.works = False
        self.asked = 0
        self.ended = asyncio.Event()

    async def command(self) -> None:
        self.works = True
        await self.ended.wait()
        self.works = False
        self.ended.clear()

    async def cancel(self, grace_seconds: float, tell: Callable[[str], None]) -> None:
        self.asked += 1
        tell("asked")
        self.ended.set()


def context(**settings: Any) -> Any:
    lines: list[str] = []
    ctx = SimpleNamespace(
        settings=SimpleNamespace(**{"stage_seconds": 60, "run_seconds": 60, "grace_seconds": 1, **settings}),
        stop=asyncio.Event(),
        cancelled=False,
        run=SimpleNamespace(rolling_back=False),
        terraform=FakeTerraform(),
        log=SimpleNamespace(write=lambda text, level="info": lines.append(text)),
        lines=lines,
        worked_seconds=lambda: 0.0,
    )

    def stop_if_cancelled() -> None:
        if ctx.cancelled:
            raise Cancelled("Cancelled on request.")

    ctx.stop_if_cancelled = stop_if_cancelled
    return ctx


def cancel(ctx: Any) -> None:
    ctx.cancelled = True
    ctx.stop.set()


@journey
async def test_nothing_happens_to_a_stage_that_ends() -> None:
    ctx = context()
    await bounded(ctx, asyncio.sleep(0))
    assert ctx.lines == []

    async def broken() -> None:
        raise LeaseLost("gone")

    with pytest.raises(LeaseLost):
        await bounded(ctx, broken())


@journey
async def test_a_cancelled_stage_ends_its_terraform_and_the_one_it_begins_then() -> None:
    ctx = context()

    async def two_commands() -> None:
        await ctx.terraform.command()
        await ctx.terraform.command()

    asyncio.get_running_loop().call_later(0.05, cancel, ctx)
    with pytest.raises(Cancelled):
        await bounded(ctx, two_commands())
    assert ctx.terraform.asked == 2
    assert ctx.lines[0] == "Cancel was requested."


@journey
async def test_a_stage_ends_at_its_limit() -> None:
    ctx = context(stage_seconds=0.05)
    with pytest.raises(TimeLimit, match="This stage"):
        await bounded(ctx, ctx.terraform.command())
    assert ctx.terraform.asked == 1


@journey
async def test_a_run_ends_at_its_limit_but_its_way_back_does_not() -> None:
    ctx = context()
    ctx.worked_seconds = lambda: 61.0
    with pytest.raises(TimeLimit, match="The run"):
        await bounded(ctx, ctx.terraform.command())
    ctx.run.rolling_back = True
    await bounded(ctx, asyncio.sleep(0.05))


@journey
async def test_a_way_back_is_not_cancelled() -> None:
    ctx = context()
    ctx.run.rolling_back = True
    cancel(ctx)
    await bounded(ctx, asyncio.sleep(0.05))


@journey
async def test_a_stage_without_terraform_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "THREAD_SECONDS", 0.1)
    ctx = context(stage_seconds=0.05)
    with pytest.raises(TimeLimit):
        await bounded(ctx, asyncio.sleep(600))


@journey
async def test_who_loses_the_lease_while_stopping_says_so() -> None:
    ctx = context(stage_seconds=0.05)

    async def loses() -> None:
        await ctx.terraform.command()
        raise LeaseLost("gone")

    with pytest.raises(LeaseLost):
        await bounded(ctx, loses())


@journey
async def test_a_pause_ends_when_a_person_cancels() -> None:
    ctx = context()
    asyncio.get_running_loop().call_later(0.05, cancel, ctx)
    with pytest.raises(Cancelled):
        await pause(ctx, 600)
    ctx.run.rolling_back = True
    await pause(ctx, 0.01)
