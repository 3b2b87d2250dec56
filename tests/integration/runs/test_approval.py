"""A run that waits for approval holds no worker and no place, and still keeps its environment to itself."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import Environment, Run, RunKind, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Cancelled, Conflict, Forbidden, Invalid, LeaseLost
from stackyard.runs.approve import approve, end_overdue, reject
from stackyard.runs.cancel import request_cancel
from stackyard.runs.judgement import plan_row
from stackyard.runs.lease import Lease, claim, finish, guarded, park
from stackyard.runs.queue import enqueue
from stackyard.runs.wish import Wish
from stackyard.runs.worker import _forgotten
from stackyard.terraform.plan import Change, Plan


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def claimed(run: Run) -> Lease:
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    return lease


def changing(org: Organisation, name: str = "dev", **wish: Any) -> Run:
    """A change of an environment that stands."""
    first = create(org.requester, CreateRequest("shop", "ecs-worker", name), via="api")
    finish(claimed(first), RunStatus.SUCCEEDED)
    env = Environment.objects.get(pk=first.environment_id)
    return enqueue(env, RunKind.CHANGE, org.requester, via="api", wish=Wish(**wish))


def waiting(org: Organisation, *, destructive: bool = True) -> Run:
    run = changing(org)
    lease = claimed(run)
    guarded(lease, plan={"destructive": destructive, "digest": "d1"})
    park(lease)
    run.refresh_from_db()
    return run


def test_it_gives_lease_and_place_back_and_nobody_takes_it_up_by_itself(org: Organisation) -> None:
    org.sandbox.max_parallel_runs = 1
    org.sandbox.save()
    run = changing(org)
    lease = claimed(run)
    other = create(org.requester, CreateRequest("shop", "ecs-worker", "two"), via="api")
    assert claim(other.pk, "two", 20) is None
    park(lease)
    assert claim(other.pk, "two", 20) is not None
    run.refresh_from_db()
    assert (run.status, run.is_active, run.token, run.lease_until) == ("waiting", True, None, None)
    assert claim(run.pk, "two", 20) is None
    assert run.pk not in _forgotten()
    with pytest.raises(LeaseLost):
        guarded(lease, error="late")
    with pytest.raises(Conflict):
        enqueue(run.environment, RunKind.DESTROY, org.requester, via="api")


def test_approved_it_is_queued_and_no_takeover(org: Organisation) -> None:
    run = approve(org.requester, waiting(org), confirmation="shop-dev", digest="d1")
    assert (run.status, run.approved_by) == ("queued", org.requester)
    assert run.approved_at is not None
    assert run.pk in _forgotten(), "a lost call is made again"
    assert not claimed(run).taken_over


@pytest.mark.parametrize("typed", ["", "dev", "SHOP-DEV", "shop-dev ", "\0"])
def test_what_takes_away_is_approved_only_by_its_name(org: Organisation, typed: str) -> None:
    run = waiting(org)
    with pytest.raises(Invalid) as refused:
        approve(org.requester, run, confirmation=typed)
    assert [p.field for p in refused.value.problems] == ["confirmation"]
    run.refresh_from_db()
    assert run.status == "waiting"


def test_what_takes_nothing_away_needs_no_name(org: Organisation) -> None:
    assert approve(org.requester, waiting(org, destructive=False)).status == "queued"


def test_a_plan_that_was_made_again_since_is_not_approved_unseen(org: Organisation) -> None:
    with pytest.raises(Conflict, match="made again"):
        approve(org.requester, waiting(org), confirmation="shop-dev", digest="d0")


@pytest.mark.parametrize("who", ["viewer", "stranger"])
def test_only_those_who_may_ask_may_decide(org: Organisation, who: str) -> None:
    user: User = getattr(org, who)
    run = waiting(org)
    with pytest.raises(Forbidden):
        approve(user, run, confirmation="shop-dev")
    with pytest.raises(Forbidden):
        reject(user, run)


@pytest.mark.parametrize("end", [reject, request_cancel])
def test_rejected_the_environment_is_what_it_was(org: Organisation, end: object) -> None:
    run = waiting(org)
    assert callable(end)
    end(org.requester, run)
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert run.finished_at is not None
    assert not run.stages.filter(status__in=("pending", "running")).exists()
    assert Environment.objects.get().status == "ready"
    for late in (approve, reject):
        with pytest.raises(Conflict, match="does not wait"):
            late(org.requester, run)


def test_what_was_applied_in_part_is_looked_at_before_it_ends(org: Organisation) -> None:
    run = waiting(org)
    run.stages.filter(name="apply").update(started_at=timezone.now())
    Run.objects.filter(pk=run.pk).update(approval_until=timezone.now() - dt.timedelta(seconds=1))
    assert end_overdue() == [run.pk]
    run.refresh_from_db()
    assert run.status == "queued", "a worker sees what stands"
    assert "the rest of it was not applied" in run.error
    assert Environment.objects.get().status == "changing", "nobody knows yet that it is as it was"
    assert not claimed(run).taken_over


def test_a_wish_to_cancel_is_not_lost_when_it_begins_to_wait(org: Organisation) -> None:
    run = changing(org)
    lease = claimed(run)
    request_cancel(org.requester, run)
    with pytest.raises(Cancelled):
        park(lease)


@pytest.mark.parametrize(
    ("status", "plan_only", "after"),
    [
        (RunStatus.SUCCEEDED, False, "ready"),
        (RunStatus.SUCCEEDED, True, "attention"),
        (RunStatus.FAILED, False, "attention"),
        (RunStatus.CANCELLED, False, "attention"),
        (RunStatus.ATTENTION, False, "attention"),
    ],
)
def test_only_a_change_that_was_made_mends_an_environment(
    org: Organisation, status: RunStatus, plan_only: bool, after: str
) -> None:
    run = changing(org, plan_only=plan_only)
    Run.objects.filter(pk=run.pk).update(status_before="attention")
    finish(claimed(run), status)
    assert Environment.objects.get().status == after


def test_a_new_revision_is_not_destructive_all_else_that_goes_is() -> None:
    changes = (
        Change("a.b", "aws_ecs_task_definition", "", "replace"),
        Change("a.c", "aws_sqs_queue", "", "update"),
        Change("a.d", "aws_db_instance", "", "replace"),
    )
    assert [c["destructive"] for c in plan_row(Plan(changes), "x")["changes"]] == [False, False, True]
    assert not plan_row(Plan(changes[:2]), "x")["destructive"]
    assert plan_row(Plan((Change("a.e", "aws_sns_topic", "", "delete"),)), "x")["destructive"]
