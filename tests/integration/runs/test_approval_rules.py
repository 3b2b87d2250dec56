"""A run that waits by a rule: whom it needs, until when, and what becomes of it when nobody decides."""

import datetime as dt

import pytest
from django.utils import timezone
from tests.factories import Organisation, make_organisation

from stackyard.cmdb import rights
from stackyard.cmdb.models import Allocation, Environment, Notice, Run, RunStatus
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid
from stackyard.runs.approve import approve, end_overdue, reject
from stackyard.runs.lease import Lease, claim, finish, guarded, park


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def ruled(org: Organisation, *kinds: str, role: str = "platform") -> None:
    org.sandbox.approvals = [{"kinds": list(kinds), "role": role}]
    org.sandbox.save()


def claimed(run: Run) -> Lease:
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    return lease


def waiting(run: Run, role: str = "platform") -> Run:
    lease = claimed(run)
    guarded(lease, plan={"destructive": False, "digest": "d1"}, approval_role=role)
    park(lease, 72, "Waiting for approval by platform staff.")
    return Run.objects.get(pk=run.pk)


def new(org: Organisation, name: str = "dev", pattern: str = "ecs-worker") -> Run:
    return create(org.requester, CreateRequest("shop", pattern, name), via="api")


def test_only_the_role_of_the_rule_approves_but_a_requester_may_end_it(org: Organisation) -> None:
    ruled(org, "create")
    run = waiting(new(org))
    with pytest.raises(Forbidden, match="Only platform staff"):
        approve(org.requester, run)
    assert not rights.may_approve(org.requester, run)
    assert approve(org.platform, run).status == "queued"


def test_those_who_can_approve_are_told_until_somebody_decides(org: Organisation) -> None:
    ruled(org, "create")
    run = waiting(new(org))
    (notice,) = rights.concerning(org.platform, Notice.objects.filter(settled_at=None))
    assert (notice.kind, notice.message) == ("approval", "shop-dev: Waiting for approval by platform staff.")
    assert not rights.concerning(org.requester, Notice.objects.all()).exists()
    approve(org.platform, run)
    assert not Notice.objects.filter(settled_at=None).exists()
    waiting(Run.objects.get(pk=run.pk), role="requester")
    assert rights.concerning(org.requester, Notice.objects.filter(settled_at=None)).count() == 1


def test_a_create_has_the_stage_only_when_a_rule_could_ask(org: Organisation) -> None:
    assert not new(org, "plain").stages.filter(name="approve").exists()
    ruled(org, "create")
    assert new(org, "asked").stages.filter(name="approve").exists()


def test_a_rejected_create_is_taken_back_by_a_worker_because_something_of_it_is_recorded(org: Organisation) -> None:
    ruled(org, "create")
    run = reject(org.requester, waiting(new(org, pattern="ecs-service")))
    assert (run.status, run.cancel_requested_at is not None) == ("queued", True)
    assert Allocation.objects.filter(released_at=None).exists(), "released last"
    with pytest.raises(Conflict):
        approve(org.platform, run)
    assert not claimed(run).taken_over


def test_a_rejected_destroy_leaves_the_environment_what_it_was(org: Organisation) -> None:
    ruled(org, "destroy")
    first = new(org)
    finish(claimed(first), RunStatus.SUCCEEDED)
    run = destroy(org.requester, Environment.objects.get(), via="api")
    assert run.stages.filter(name="approve").exists()
    assert reject(org.requester, waiting(run)).status == "cancelled"
    assert Environment.objects.get().status == "ready"


def test_what_nobody_approves_in_time_ends_as_if_rejected_and_says_so(org: Organisation) -> None:
    ruled(org, "destroy")
    finish(claimed(new(org)), RunStatus.SUCCEEDED)
    run = waiting(destroy(org.requester, Environment.objects.get(), via="api"))
    assert run.approval_until is not None
    assert abs((run.approval_until - timezone.now()).total_seconds() - 72 * 3600) < 60
    assert end_overdue() == []
    Run.objects.filter(pk=run.pk).update(approval_until=timezone.now() - dt.timedelta(seconds=1))
    assert end_overdue() == [run.pk]
    assert end_overdue() == []
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert "Nobody approved it until" in run.error
    assert run.hint
    assert Environment.objects.get().status == "ready"
    assert not Notice.objects.filter(settled_at=None).exists()


def test_a_rule_that_cannot_be_read_lets_nothing_through(org: Organisation) -> None:
    org.sandbox.approvals = [{"role": "anybody"}]
    org.sandbox.save()
    with pytest.raises(Invalid):
        new(org)
