"""What people are told about how long it takes: from earlier runs, stage by stage, and nothing that is not known."""

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import Run, RunStatus, StageStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.eta import Forecaster, Outlook
from stackyard.runs.lease import claim, finish, park


@pytest.fixture
def org(db: None) -> Organisation:
    seen(dt.timedelta())
    return make_organisation()


def seen(ago: dt.timedelta) -> None:
    """A worker gave a sign of life so long ago."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [timezone.now() - ago])


def asked(org: Organisation, name: str, pattern: str = "ecs-worker") -> Run:
    return create(org.requester, CreateRequest("shop", pattern, name), via="api")


def took(run: Run, seconds: float, status: RunStatus = RunStatus.SUCCEEDED, skipped: str = "") -> None:
    """As if each stage of it had taken so long."""
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    now = timezone.now()
    run.stages.update(status=StageStatus.DONE, started_at=now - dt.timedelta(seconds=seconds), finished_at=now)
    run.stages.filter(name=skipped).update(status=StageStatus.SKIPPED, started_at=None, finished_at=None)
    finish(lease, status)


def outlook(run: Run) -> Outlook:
    return Forecaster().of(Run.objects.select_related("environment__pattern").get(pk=run.pk))


def test_nothing_is_told_before_any_run_has_ended(org: Organisation) -> None:
    run = asked(org, "a")
    found = outlook(run)
    assert (found.position, found.wait, found.left) == (1, 0.0, None)


def test_medians_stage_by_stage_of_what_went_well(org: Organisation) -> None:
    for name, seconds in (("a", 1.0), ("b", 3.0), ("c", 90.0)):
        took(asked(org, name), seconds)
    took(asked(org, "d"), 900.0, RunStatus.ATTENTION)
    run = asked(org, "e")
    assert outlook(run).left == pytest.approx(8 * 3.0, abs=0.5)


def test_another_pattern_tells_when_this_one_cannot(org: Organisation) -> None:
    took(asked(org, "a"), 5.0)
    assert outlook(asked(org, "b", "ecs-service")).left == pytest.approx(40.0, abs=0.5)


def test_a_stage_that_had_nothing_to_do_takes_no_time(org: Organisation) -> None:
    took(asked(org, "a"), 5.0, skipped="verify")
    assert outlook(asked(org, "b")).left == pytest.approx(35.0, abs=0.5)


def test_at_work_what_is_done_counts_no_more(org: Organisation) -> None:
    took(asked(org, "a"), 10.0)
    run = asked(org, "b")
    claim(run.pk, "one", 20)
    now = timezone.now()
    run.stages.filter(position=0).update(status=StageStatus.DONE, started_at=now, finished_at=now)
    run.stages.filter(position=1).update(status=StageStatus.RUNNING, started_at=now - dt.timedelta(seconds=4))
    run.stages.filter(position=2).update(status=StageStatus.SKIPPED)
    found = outlook(run)
    assert found.position is None
    assert found.left == pytest.approx(6.0 + 5 * 10.0, abs=0.5)
    run.stages.filter(position=1).update(started_at=now - dt.timedelta(seconds=400))
    assert outlook(run).left == pytest.approx(50.0, abs=0.5), "a stage that takes longer than usual is not counted back"


def test_in_line_those_before_it_are_waited_for(org: Organisation) -> None:
    took(asked(org, "a"), 10.0)
    org.sandbox.max_parallel_runs = 1
    org.sandbox.save()
    first, second, third = asked(org, "b"), asked(org, "c"), asked(org, "d")
    claim(first.pk, "one", 20)
    found = outlook(third)
    assert (found.position, round(found.wait or 0), round(found.left or 0)) == (2, 160, 240)
    assert outlook(second).position == 1
    Run.objects.filter(pk=second.pk).update(not_before=timezone.now() + dt.timedelta(hours=1))
    assert outlook(second).wait is None, "a run that is for later is promised nothing"
    assert outlook(third).position == 1


def test_without_a_worker_nothing_is_promised(org: Organisation) -> None:
    took(asked(org, "a"), 10.0)
    seen(dt.timedelta(hours=1))
    found = outlook(asked(org, "b"))
    assert (found.position, found.wait, found.left, found.workers) == (1, None, None, False)


def test_nobody_knows_how_long_people_take(org: Organisation) -> None:
    took(asked(org, "a"), 10.0)
    run = asked(org, "b")
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    park(lease)
    assert outlook(run).left is None


def test_what_has_ended_has_no_outlook(org: Organisation) -> None:
    run = asked(org, "a")
    took(run, 1.0)
    assert outlook(run) == Outlook()
