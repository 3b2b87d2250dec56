"""Recovery follows the error: patience when AWS asks for it, the field of a wrong setting, an end when time is up."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from stackyard.cmdb.models import Allocation, Environment, Run, RunEvent
from stackyard.runs.cancel import request_cancel
from stackyard.runs.database import in_database
from stackyard.settings import get_settings
from tests.acceptance.test_recovery import assert_nothing_is_left
from tests.yard import Yard, log_of, work_until_ended

pytestmark = pytest.mark.journey

Set = Callable[..., None]
HANGS = {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400}
"""The provider itself tries again for minutes, so that its Terraform works on."""
FAILS = {"code": "ClientException", "message": "Rate exceeded", "status": 400}
"""The provider gives up at once, and Terraform fails."""


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    def put(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"STACKYARD_{name.upper()}", str(value))
        get_settings.cache_clear()

    put(retry_seconds=0.1, grace_seconds=1)
    yield put
    monkeypatch.undo()
    get_settings.cache_clear()


def cancel_when(yard: Yard, run: Run, condition: Callable[[], bool], *, keep: bool = False) -> None:
    """Let a worker work, and cancel the run as soon as the condition holds."""

    async def journey() -> None:
        working = asyncio.create_task(work_until_ended([run.pk]))
        while not await in_database(condition):
            assert not working.done(), log_of(run)
            await asyncio.sleep(0.05)
        await in_database(request_cancel, yard.user, run, keep=keep)
        await working

    asyncio.run(journey())
    run.refresh_from_db()


def said(run: Run, text: str) -> Callable[[], bool]:
    return lambda: RunEvent.objects.filter(run=run, message__contains=text).exists()


def test_what_is_throttled_twice_works_the_third_time(yard: Yard, settings: Set) -> None:
    yard.emulator.fail("ecs:CreateService", **FAILS, times=2)
    run = yard.create()
    yard.carry(run)
    assert (run.status, run.tries) == ("succeeded", 2), log_of(run)
    assert "(2 of 5): AWS asks for patience." in log_of(run)
    assert "(3 of 5): AWS asks for patience." in log_of(run)
    assert not run.stages.exclude(status="done").exclude(name="verify").exists()


def test_patience_has_an_end(yard: Yard, settings: Set) -> None:
    settings(stage_tries=2)
    yard.emulator.fail("ecs:CreateService", **FAILS)
    run = yard.create()
    yard.carry(run)
    assert (run.status, run.tries) == ("failed", 1), log_of(run)
    assert "patience" in run.hint
    assert_nothing_is_left(yard, run)


def test_settings_that_the_pattern_refuses_are_named(yard: Yard, settings: Set) -> None:
    run = yard.create(container__cpu=1024, container__memory=512)
    yard.carry(run)
    assert run.status == "failed", log_of(run)
    assert {p["field"] for p in run.problems} == {"settings.container.cpu", "settings.container.memory"}
    assert "Fargate does not offer 512 MiB" in run.problems[0]["message"]
    assert {s.status for s in run.stages.filter(name__in=("destroy", "prove"))} == {"skipped"}, "nothing was built"
    assert_nothing_is_left(yard, run)


def test_a_setting_that_aws_refuses_is_named(yard: Yard, settings: Set) -> None:
    yard.emulator.fail(
        "ecs:RegisterTaskDefinition", code="ClientException", message="Invalid 'cpu' setting for task.", status=400
    )
    run = yard.create()
    yard.carry(run)
    assert run.status == "failed", log_of(run)
    assert [p["field"] for p in run.problems] == ["settings.container.cpu"]
    assert_nothing_is_left(yard, run)


def test_a_stage_that_takes_too_long_is_stopped_and_taken_back(yard: Yard, settings: Set) -> None:
    settings(stage_seconds=15)
    yard.emulator.fail("ecs:CreateService", **HANGS)
    run = yard.create()
    yard.carry(run)
    assert run.status == "failed", log_of(run)
    assert "15 s, which is its limit" in run.error
    assert "STACKYARD_STAGE_SECONDS" in run.hint
    assert run.stages.get(name="apply").status == "failed"
    assert "SIGINT" in log_of(run)
    assert_nothing_is_left(yard, run)


def test_a_cancelled_create_can_be_kept_and_destroyed_later(yard: Yard, settings: Set) -> None:
    yard.emulator.fail("ecs:CreateService", **HANGS)
    run = yard.give_a_number(yard.create())
    cancel_when(yard, run, said(run, "aws_sqs_queue.this: Creation complete"), keep=True)
    assert run.status == "attention", log_of(run)
    assert run.error
    assert run.hint
    env = Environment.objects.get()
    assert env.status == "attention"
    assert "aws_sqs_queue" in {r["type"] for r in env.resources}
    assert Allocation.objects.filter(environment=env, released_at=None).exists()

    yard.emulator.clear_faults()
    gone = yard.destroy(env)
    yard.carry(gone)
    assert gone.status == "succeeded", log_of(gone)
    assert_nothing_is_left(yard, gone)


def test_cancel_works_while_the_run_waits_to_try_again(yard: Yard, settings: Set) -> None:
    settings(retry_seconds=600)
    yard.emulator.fail("ecs:CreateService", **FAILS)
    run = yard.create()
    cancel_when(yard, run, said(run, "Trying again in 120 s (2 of 5)"))
    assert run.status == "cancelled", log_of(run)
    assert_nothing_is_left(yard, run)
