"""How far a run is: its stages, and how long each usually takes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Aggregate, DurationField, F
from django.db.models.expressions import CombinedExpression

from stackyard.cmdb.models import Run, RunStatus, Stage, StageStatus

EARLIER_RUNS = 20
"""So many successful runs of the same pattern and kind say what is usual."""


class Median(Aggregate):
    """PostgreSQL's median of an interval."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True)
class Step:
    """A stage as the page shows it. `usual`: seconds that it usually takes, None when nothing is known yet."""

    name: str
    title: str
    status: str
    seconds: float | None
    usual: float | None


@dataclass(frozen=True)
class Progress:
    """A run with its steps."""

    run: Run
    steps: Sequence[Step]
    usual: dict[str, float]

    @property
    def seconds(self) -> float | None:
        """How long the run took, or has taken so far."""
        if self.run.started_at is None or self.run.finished_at is None:
            return None
        return (self.run.finished_at - self.run.started_at).total_seconds()

    @property
    def usual_json(self) -> str:
        """For the page's script."""
        return json.dumps(self.usual)

    @property
    def planned(self) -> bool:
        """Its plan is made."""
        return any(step.name == "plan" and step.status == StageStatus.DONE for step in self.steps)

    @property
    def open_log(self) -> bool:
        """The log is what people look for while a run works and when it went wrong."""
        return self.run.status != RunStatus.SUCCEEDED

    @property
    def can_be_cancelled(self) -> bool:
        """Whether a person may still stop it: a destroy at work may not be stopped (`runs.cancel`)."""
        if self.run.cancel_requested_at is not None or not self.run.is_active:
            return False
        return self.run.kind != "destroy" or self.run.status == RunStatus.QUEUED


def progress_of(run: Run) -> Progress:
    """Read stages and what is usual: two queries."""
    usual = usual_seconds(run.environment.pattern.name, run.kind)
    steps = [
        Step(s.name, s.title, s.status, s.seconds if s.finished_at else None, usual.get(s.name))
        for s in run.stages.all()
    ]
    return Progress(run, steps, usual)


def usual_seconds(pattern: str, kind: str) -> dict[str, float]:
    """Stage name -> median seconds over the last successful runs of this kind with this pattern. One query."""
    earlier = (
        Run.objects.filter(environment__pattern__name=pattern, kind=kind, status=RunStatus.SUCCEEDED)
        .order_by("-id")
        .values("id")[:EARLIER_RUNS]
    )
    took: CombinedExpression = F("finished_at") - F("started_at")
    rows: Any = (
        Stage.objects.filter(run__in=earlier, status=StageStatus.DONE, finished_at__isnull=False)
        .order_by()
        .values("name")
        .annotate(median=Median(took, output_field=DurationField()))
        .values_list("name", "median")
    )
    return {name: round(_seconds(median), 1) for name, median in rows}


def _seconds(median: timedelta) -> float:
    return median.total_seconds()
