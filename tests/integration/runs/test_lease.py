"""A lease decides who may write; a worker that lost it changes nothing more."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from django.db import connections
from django.utils import timezone
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import Environment, Run, RunKind, RunStatus
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, LeaseLost
from stackyard.runs.cancel import request_cancel
from stackyard.runs.lease import Lease, claim, claim_next, finish, guarded, renew, write_environment, write_stage
from stackyard.runs.queue import enqueue
from stackyard.runs.stages import _release
from stackyard.runs.watch import stuck


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def new_run(org: Organisation, name: str = "dev") -> Run:
    return create(org.requester, CreateRequest("shop", "ecs-service", name), via="api")


def silence(run: Run) -> None:
    """As if its worker had been silent for too long."""
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))


def claimed(run: Run, worker: str = "one") -> Lease:
    lease = claim(run.pk, worker, 20)
    assert lease is not None
    return lease


def test_a_run_is_claimed_once(org: Organisation) -> None:
    run = new_run(org)
    assert not claimed(run).taken_over
    assert claim(run.pk, "two", 20) is None


def test_a_silent_worker_is_taken_over_and_its_writes_do_nothing(org: Organisation) -> None:
    run = new_run(org)
    old = claimed(run)
    silence(run)
    new = claimed(run, "two")
    assert new.taken_over
    for write in (
        lambda: guarded(old, error="late"),
        lambda: renew(old),
        lambda: write_stage(old, 0, status="done"),
        lambda: write_environment(old, outputs={"late": 1}),
        lambda: finish(old, RunStatus.SUCCEEDED),
    ):
        with pytest.raises(LeaseLost):
            write()
    run.refresh_from_db()
    assert (run.error, run.status, run.worker, run.takeovers) == ("", "running", "two", 1)
    assert Environment.objects.get().outputs == {}
    assert run.stages.get(position=0).status == "pending"


def test_renewing_keeps_others_away(org: Organisation) -> None:
    run = new_run(org)
    lease = claimed(run)
    silence(run)
    renew(lease)
    assert claim(run.pk, "two", 20) is None


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_machine_whose_clock_is_wrong_takes_nothing_over_and_loses_nothing(
    org: Organisation, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    run = new_run(org)
    lease = claimed(run)
    right = timezone.now
    with monkeypatch.context() as there:
        there.setattr(timezone, "now", lambda: right() + dt.timedelta(hours=hours))
        assert claim(run.pk, "two", 20) is None
        assert claim_next("two", 20) is None
        assert stuck(0) == []
        renew(lease)
    assert claim(run.pk, "three", 20) is None
    silence(run)
    assert claim(run.pk, "three", 20) is not None


def test_a_sandbox_carries_only_so_many_runs_and_the_next_is_called_when_one_ends(org: Organisation) -> None:
    org.sandbox.max_parallel_runs = 2
    org.sandbox.save()
    runs = [new_run(org, f"e{n}") for n in range(3)]
    leases = [claim(run.pk, "one", 20) for run in runs]
    assert [lease is not None for lease in leases] == [True, True, False]
    assert leases[0] is not None
    finish(leases[0], RunStatus.SUCCEEDED)
    assert claim(runs[2].pk, "one", 20) is not None


def test_ending_a_run_sets_the_environment_in_the_same_step(org: Organisation) -> None:
    run = new_run(org)
    finish(claimed(run), RunStatus.SUCCEEDED)
    env = Environment.objects.get()
    assert env.status == "ready"
    assert env.ready_at is not None
    run.refresh_from_db()
    assert run.token is None
    assert run.finished_at is not None


def test_secrets_are_kept_until_the_very_end_of_a_destroy(org: Organisation) -> None:
    finish(claimed(new_run(org)), RunStatus.SUCCEEDED)
    Environment.objects.update(sealed="sealed")
    run = destroy(org.requester, Environment.objects.get(), via="api")
    lease = claimed(run)
    env = Environment.objects.get()
    _release(SimpleNamespace(lease=lease, environment=env, sandbox=env.sandbox))  # type: ignore[arg-type]
    env.refresh_from_db()
    assert env.sealed, "whoever takes over needs it for Terraform once more"
    finish(lease, RunStatus.SUCCEEDED)
    env.refresh_from_db()
    assert (env.status, env.sealed) == ("destroyed", "")


def test_one_environment_one_run(org: Organisation) -> None:
    run = new_run(org)
    with pytest.raises(Conflict, match="Another run of shop-dev is going on"):
        destroy(org.requester, run.environment, via="api")
    finish(claimed(run), RunStatus.SUCCEEDED)
    again = destroy(org.requester, run.environment, via="api")
    assert again.kind == RunKind.DESTROY
    assert Environment.objects.get().status == "destroying"


def test_cancel_before_the_start_gives_everything_back(org: Organisation) -> None:
    first = new_run(org)
    Environment.objects.update(sealed="sealed")
    run = request_cancel(org.requester, first)
    assert run.status == "cancelled"
    assert claim(run.pk, "one", 20) is None
    env = Environment.objects.get()
    assert (env.status, env.sealed) == ("failed", "")
    new_run(org)


def test_cancel_at_work_is_passed_on_by_the_lease(org: Organisation) -> None:
    run = new_run(org)
    lease = claimed(run)
    assert not renew(lease)
    request_cancel(org.requester, run)
    assert renew(lease)


@pytest.mark.django_db(transaction=True)
def test_eight_workers_one_run() -> None:
    run = new_run(make_organisation())
    barrier = threading.Barrier(8)

    def try_to(number: int) -> Lease | None:
        barrier.wait()
        try:
            return claim(run.pk, str(number), 20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(lease is not None for lease in pool.map(try_to, range(8))) == 1


@pytest.mark.django_db(transaction=True)
def test_the_cap_holds_under_contention() -> None:
    org = make_organisation()
    org.sandbox.max_parallel_runs = 3
    org.sandbox.save()
    runs = [new_run(org, f"e{n}") for n in range(8)]
    barrier = threading.Barrier(8)

    def try_to(run: Run) -> Lease | None:
        barrier.wait()
        try:
            return claim(run.pk, "w", 20)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(lease is not None for lease in pool.map(try_to, runs)) == 3


def test_a_second_wake_up_call_is_the_same_call(org: Organisation) -> None:
    run = new_run(org)
    finish(claimed(run), RunStatus.SUCCEEDED)
    enqueue(run.environment, RunKind.DESTROY, org.requester, via="api")


def test_a_silent_worker_of_another_machine_keeps_its_lease_longer(org: Organisation) -> None:
    run = new_run(org)
    assert claim(run.pk, "here:1", 20, 60) is not None
    silence(run)
    assert claim(run.pk, "there:1", 20, 60) is None, "nobody there can see what is left of it here"
    assert claim(run.pk, "here:2", 20, 60) is not None, "a worker of the same machine can"
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=61))
    assert claim(run.pk, "there:1", 20, 60) is not None
