"""Whatever fails or dies, a run ends in a true state, and nothing is left behind that the CMDB does not know."""

import asyncio
import signal
import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from stackyard.aws.inventory import leftovers
from stackyard.cmdb.models import Allocation, Environment, Run, RunEvent
from stackyard.environments.change import ChangeRequest, change
from stackyard.runs.approve import reject
from stackyard.runs.cancel import request_cancel
from stackyard.runs.database import in_database
from tests.acceptance.conftest import StartWorker
from tests.yard import Yard, log_of, work_until_ended

pytestmark = pytest.mark.journey


def assert_nothing_is_left(yard: Yard, run: Run) -> None:
    env = run.environment
    env.refresh_from_db()
    left = leftovers(
        yard.access(env.sandbox), tag_key="stackyard:environment", tag_value=env.uid, name=env.slug, fqdn=env.fqdn
    )
    assert left == []
    assert run.leftovers == []
    assert not Allocation.objects.filter(environment=env, released_at=None).exists()


def test_a_failed_apply_is_taken_back_and_says_why(yard: Yard) -> None:
    yard.emulator.fail("ecs:CreateService")
    run = yard.create()
    yard.carry(run)

    assert run.status == "failed", log_of(run)
    assert "aws_ecs_service" in run.error
    assert run.hint
    assert {s.name: s.status for s in run.stages.all()}["apply"] == "failed"
    assert [s.name for s in run.stages.filter(status="done")][-3:] == ["destroy", "prove", "release"]
    assert_nothing_is_left(yard, run)
    assert Environment.objects.get().status == "failed"

    yard.emulator.clear_faults()
    again = yard.create()
    yard.carry(again)
    assert again.status == "succeeded", "the name is free again"


@pytest.mark.long
def test_what_cannot_be_taken_back_is_kept_and_shown(yard: Yard) -> None:
    yard.emulator.fail("ecs:CreateService")
    yard.emulator.fail("sqs:DeleteQueue")
    run = yard.give_a_number(yard.create())
    yard.carry(run)

    assert run.status == "attention"
    env = Environment.objects.get()
    assert env.status == "attention"
    assert Allocation.objects.filter(environment=env, released_at=None).exists(), "nothing is released before the proof"

    yard.emulator.clear_faults()
    gone = yard.destroy(env)
    yard.carry(gone)
    assert gone.status == "succeeded", log_of(gone)
    assert_nothing_is_left(yard, gone)


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"did not happen: {what}"
        time.sleep(0.1)


def at_stage(run: Run, name: str) -> Callable[[], bool]:
    return lambda: run.stages.filter(name=name, status__in=("running", "done")).exists()


def ended(run: Run) -> Callable[[], bool]:
    return lambda: not Run.objects.get(pk=run.pk).is_active


@pytest.mark.parametrize("stage", [pytest.param("init", marks=pytest.mark.long), "apply"])
def test_a_killed_worker_is_taken_over(yard: Yard, start_worker: StartWorker, stage: str) -> None:
    run = yard.create()
    first = start_worker()
    until(at_stage(run, stage), stage)
    first.kill()
    first.wait()
    start_worker()
    until(ended(run), "the run ends")
    run.refresh_from_db()
    assert (run.status, run.takeovers) == ("succeeded", 1), log_of(run)
    assert "Taken over" in log_of(run)

    gone = yard.destroy(run.environment)
    until(ended(gone), "the destroy ends")
    gone.refresh_from_db()
    assert gone.status == "succeeded", log_of(gone)
    assert_nothing_is_left(yard, gone)


def test_a_worker_that_wakes_up_again_writes_nothing(yard: Yard, start_worker: StartWorker) -> None:
    run = yard.create()
    first = start_worker()
    until(at_stage(run, "plan"), "plan")
    first.send_signal(signal.SIGSTOP)
    start_worker()
    until(ended(run), "the run ends")
    before = list(RunEvent.objects.filter(run=run).values_list("pk", flat=True))
    first.send_signal(signal.SIGCONT)
    time.sleep(3)
    run.refresh_from_db()
    assert (run.status, run.takeovers) == ("succeeded", 1), log_of(run)
    assert list(RunEvent.objects.filter(run=run).values_list("pk", flat=True)) == before


def test_cancel_stops_terraform_and_takes_back_what_was_built(yard: Yard) -> None:
    run = yard.create()

    async def cancel_at_apply() -> None:
        working = asyncio.create_task(work_until_ended([run.pk]))
        while not await in_database(at_stage(run, "apply")):
            await asyncio.sleep(0.05)
        await in_database(request_cancel, yard.user, run)
        await working

    asyncio.run(cancel_at_apply())
    run.refresh_from_db()
    assert run.status == "cancelled", log_of(run)
    assert_nothing_is_left(yard, run)


@pytest.mark.parametrize("keep", [False, True], ids=["taken back", "kept"])
def test_a_wish_to_cancel_outlives_the_worker_that_was_building(
    yard: Yard, start_worker: StartWorker, keep: bool
) -> None:
    run = yard.give_a_number(yard.create())
    first = start_worker()
    until(lambda: "Creation complete" in log_of(run), "something stands")
    first.kill()
    first.wait()
    request_cancel(yard.user, run, keep=keep)
    start_worker()
    until(ended(run), "the run ends")
    run.refresh_from_db()
    if not keep:
        assert (run.status, run.takeovers) == ("cancelled", 1), log_of(run)
        return assert_nothing_is_left(yard, run)
    run.environment.refresh_from_db()
    assert (run.status, run.environment.status) == ("attention", "attention"), log_of(run)
    assert run.environment.resources, "what stands is known"
    gone = yard.destroy(run.environment)
    until(ended(gone), "the destroy ends")
    gone.refresh_from_db()
    assert gone.status == "succeeded", log_of(gone)
    assert_nothing_is_left(yard, gone)


def test_a_change_that_was_applied_in_part_and_then_rejected_is_looked_at(
    yard: Yard, start_worker: StartWorker
) -> None:
    start_worker()
    run = yard.create()
    until(ended(run), "the environment stands")
    env = Environment.objects.get()
    run = change(yard.user, env, ChangeRequest(set={"container.memory": 1024}, confirm=True), via="api")
    until(lambda: Run.objects.get(pk=run.pk).status == "waiting", "it waits for approval")
    # As when its rest was more than what had been approved.
    run.stages.filter(name="apply").update(started_at=timezone.now())
    reject(yard.user, run)
    until(ended(run), "the run ends")
    run.refresh_from_db()
    assert run.status == "cancelled", log_of(run)
    assert run.stages.get(name="survey").status == "done"
    after = Environment.objects.get()
    assert after.status == "ready"
    assert after.proven_at > env.proven_at, "only after a look"
