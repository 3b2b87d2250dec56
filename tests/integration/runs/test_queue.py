"""Who is next, with real rows: no department starves another, caps hold, and each free place is used."""

import datetime as dt

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import Run, RunKind, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.lease import Lease, claim, claim_next, finish
from stackyard.runs.queue import enqueue, line
from stackyard.runs.worker import _forgotten
from stackyard.settings import get_settings


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def asked(org: Organisation, name: str, product: str = "shop") -> Run:
    person = org.requester if product == "shop" else org.stranger
    return create(person, CreateRequest(product, "ecs-worker", name), via="api")


def next_one(worker: str = "one:1") -> Lease:
    lease = claim_next(worker, 20)
    assert lease is not None
    return lease


def called_for() -> set[int]:
    return {job.args["run_id"] for job in ProcrastinateJob.objects.filter(task_name="stackyard.execute")}


def limit(monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    monkeypatch.setattr(
        "stackyard.runs.queue.get_settings", lambda: get_settings().model_copy(update={"max_parallel_runs": places})
    )


def test_one_run_behind_a_hundred_of_another_department_is_next(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, 3)
    org.sandbox.max_environments = 200
    org.sandbox.save()
    first = asked(org, "e0")
    for number in range(1, 100):
        env = first.environment
        env.pk, env.uid, env.name, env.slug = None, f"e{number:07}", f"e{number}", f"shop-e{number}"
        env._state.adding = True
        env.save()
        enqueue(env, RunKind.CREATE, org.requester, via="api")
    leases = [next_one() for _ in range(3)]
    assert claim_next("two:1", 20) is None, "all places are taken"
    alone = asked(org, "x", "fleet")
    positions = {turn.run: turn.position for turn in line()}
    assert positions[alone.pk] == 1
    finish(leases[0], RunStatus.SUCCEEDED)
    assert next_one("two:1").run_id == alone.pk


def test_what_a_schedule_asked_for_waits_for_people(org: Organisation) -> None:
    scheduled = asked(org, "a")
    Run.objects.filter(pk=scheduled.pk).update(priority=10)
    person = asked(org, "b")
    assert [next_one().run_id, next_one().run_id] == [person.pk, scheduled.pk]


def test_a_run_is_not_begun_before_its_time(org: Organisation) -> None:
    run = asked(org, "a")
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now() + dt.timedelta(hours=1))
    assert claim_next("one:1", 20) is None
    assert claim(run.pk, "one:1", 20) is None
    assert _forgotten() == []
    Run.objects.filter(pk=run.pk).update(not_before=timezone.now() - dt.timedelta(seconds=1))
    assert _forgotten() == [run.pk]
    assert next_one().run_id == run.pk


def test_a_run_that_lost_its_worker_goes_before_all_that_wait(org: Organisation) -> None:
    begun, _ = asked(org, "a"), asked(org, "b")
    assert next_one().run_id == begun.pk
    Run.objects.filter(pk=begun.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    lease = next_one()
    assert (lease.run_id, lease.taken_over) == (begun.pk, True)


def test_a_free_place_calls_for_the_run_whose_turn_it_is_and_for_no_other(org: Organisation) -> None:
    org.sandbox.max_parallel_runs = 1
    org.sandbox.save()
    runs = [asked(org, name) for name in ("a", "b", "c")]
    lease = next_one()
    ProcrastinateJob.objects.all().delete()
    finish(lease, RunStatus.SUCCEEDED)
    assert called_for() == {runs[1].pk}


def test_whoever_takes_a_run_calls_for_the_next_that_has_a_place(org: Organisation) -> None:
    org.sandbox.max_parallel_runs = 2
    org.sandbox.save()
    runs = [asked(org, name) for name in ("a", "b", "c")]
    ProcrastinateJob.objects.all().delete()
    next_one()
    assert called_for() == {runs[1].pk}
    ProcrastinateJob.objects.all().delete()
    next_one()
    assert called_for() == set(), "both places are taken"


def test_a_lost_call_is_made_again_for_one_run_only(org: Organisation) -> None:
    runs = [asked(org, name) for name in ("a", "b", "c")]
    assert _forgotten() == [runs[0].pk]
