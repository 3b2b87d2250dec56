"""How far a run is: its stages, and how long each usually takes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects

from stackyard.cmdb.models import Run, RunStatus, StageStatus
from stackyard.portal.outlook import Segment, in_words, segments_of
from stackyard.runs.eta import Forecaster, Outlook


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
    outlook: Outlook

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
    def segments(self) -> Sequence[Segment]:
        """The bar of what is done, stage by stage."""
        return segments_of(self.steps, self.usual)

    @property
    def expected(self) -> str:
        """How long it will take, in words; empty when the run has ended."""
        return in_words(self.run, self.outlook)

    @property
    def planned(self) -> bool:
        """Its plan is made and checked, so that the planned path is known, too."""
        return any(step.name == "check" and step.status == StageStatus.DONE for step in self.steps)

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

    @property
    def can_be_kept(self) -> bool:
        """Whether whoever stops it may keep what it has built so far (`runs.cancel`)."""
        run = self.run
        return (
            self.can_be_cancelled and run.kind == "create" and run.status == RunStatus.RUNNING and not run.rolling_back
        )


def progress_of(run: Run, forecaster: Forecaster | None = None) -> Progress:
    """Read stages and what is to be expected; `forecaster` when the page tells of other runs as well."""
    forecaster = forecaster or Forecaster()
    prefetch_related_objects([run], "stages")
    usual = dict(forecaster.usual(run)) if run.is_active else {}
    steps = [
        Step(s.name, s.title, s.status, s.seconds if s.finished_at else None, usual.get(s.name))
        for s in run.stages.all()
    ]
    return Progress(run, steps, usual, forecaster.of(run))
