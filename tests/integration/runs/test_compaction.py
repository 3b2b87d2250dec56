"""Old logs are reduced to what still tells something."""

import datetime as dt

import pytest
from django.utils import timezone
from tests.factories import make_organisation

from stackyard.cmdb.models import Run, RunEvent
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.compact import Compaction, compact


@pytest.fixture
def run(db: None) -> Run:
    run = create(make_organisation().requester, CreateRequest("shop", "ecs-service", "dev"), via="api")
    lines = [("plan", "info", "one"), ("plan", "warning", "careful"), ("plan", "info", "Plan: 3 to create.")]
    lines += [("apply", "info", f"line {n}") for n in range(9)] + [("apply", "error", "broken")]
    RunEvent.objects.bulk_create(RunEvent(run=run, stage=s, level=level, message=m) for s, level, m in lines)
    return run


def messages(run: Run) -> list[str]:
    return list(RunEvent.objects.filter(run=run).order_by("id").values_list("message", flat=True))


def end(run: Run, days: int, status: str = "failed") -> None:
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=timezone.now() - dt.timedelta(days=days))


def test_errors_warnings_and_the_last_line_of_each_stage_are_kept(run: Run) -> None:
    end(run, 91)
    assert [compact(90, batch=4) for _ in range(4)] == [4, 4, 1, 0], "in small batches, and then no more"
    assert messages(run) == ["careful", "Plan: 3 to create.", "line 8", "broken"]


def test_younger_logs_and_those_of_active_runs_stay_whole(run: Run) -> None:
    before = messages(run)
    end(run, 89)
    assert compact(90) == 0
    end(run, 91, status="waiting")
    assert compact(90) == 0
    assert messages(run) == before


def test_nothing_goes_when_everything_is_to_be_kept(run: Run) -> None:
    end(run, 5000)
    assert Compaction(0).tick() == 0


def test_it_rests_when_there_is_nothing_more_to_do(run: Run, django_assert_num_queries: object) -> None:
    end(run, 91)
    compaction = Compaction(90)
    assert compaction.tick() == 9
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert compaction.tick() == 0
