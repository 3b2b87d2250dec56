"""How long it will take: from what the stages of earlier runs took, and from those that go before in the queue.

What is not known is None, and is told as unknown: nothing is made up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import inf, isfinite
from typing import Any

from django.db.models import Aggregate, DurationField, F, Q
from django.db.models.expressions import CombinedExpression

from stackyard.cmdb.models import Run, RunStatus, Stage, StageStatus
from stackyard.runs.order import Turn
from stackyard.runs.queue import line
from stackyard.runs.watch import workers_alive
from stackyard.settings import get_settings

EARLIER_RUNS = 20
"""So many successful runs say what is usual."""

PEOPLE = "approve"
"""The stage whose time is people's, not the machine's: it says nothing about the next run."""


class Median(Aggregate):
    """PostgreSQL's median of an interval."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


def usual_seconds(pattern: str, kind: str) -> dict[str, float]:
    """Stage -> median seconds over the last successful runs of this kind with this pattern. One query."""
    return _medians(Q(environment__pattern__name=pattern, kind=kind))


def _medians(of: Q) -> dict[str, float]:
    earlier = Run.objects.filter(of, status=RunStatus.SUCCEEDED).order_by("-id").values("id")[:EARLIER_RUNS]
    took: CombinedExpression = F("finished_at") - F("started_at")
    rows: Any = (
        Stage.objects.filter(run__in=earlier, status__in=(StageStatus.DONE, StageStatus.SKIPPED))
        .exclude(name=PEOPLE)
        .order_by()
        .values("name")
        .annotate(median=Median(took, output_field=DurationField(), filter=Q(status=StageStatus.DONE)))
        .values_list("name", "median")
    )
    # What none of them had to do takes no time.
    return {name: round(_seconds(median), 1) if median is not None else 0.0 for name, median in rows}


def _seconds(median: timedelta) -> float:
    return median.total_seconds()


@dataclass(frozen=True)
class Outlook:
    """What is to be expected of a run. `position`: its place in the queue, counted from 1, None when it does not wait
    there. `wait`: seconds until it begins, `left`: seconds until it ends, the wait included; None: not known. `usual`:
    stage -> seconds that it usually takes. `workers`: whether any worker is there to carry it."""

    position: int | None = None
    wait: float | None = None
    left: float | None = None
    usual: Mapping[str, float] | None = None
    workers: bool = True


class Forecaster:
    """Outlooks of the runs that one request tells of. The queue is read once, what is usual once per pattern and kind,
    and neither when nothing asks for it."""

    def __init__(self) -> None:
        self._usual: dict[tuple[str, str], Mapping[str, float]] = {}

    def position(self, run: Run) -> int | None:
        """Only its place in the queue, for lists."""
        turn = self._turns.get(run.pk) if run.status == RunStatus.QUEUED else None
        return turn.position if turn else None

    def of(self, run: Run) -> Outlook:
        """The outlook of one run; select_related environment__pattern first."""
        if not run.is_active:
            return Outlook()
        usual = self.usual(run)
        if run.status == RunStatus.QUEUED:
            wait, end = self._times.get(run.pk, (inf, inf))
            return Outlook(self.position(run), _known(wait), _known(end), usual, workers=self._slots > 0)
        if run.status == RunStatus.WAITING or run.cancel_requested_at is not None:
            return Outlook(usual=usual)
        return Outlook(wait=0.0, left=_known(_left(run.stages.all(), usual)), usual=usual)

    def usual(self, run: Run) -> Mapping[str, float]:
        """What the stages of such a run usually take: by pattern and kind; what these do not tell by the pattern alone,
        then by the kind alone."""
        pattern, kind = run.environment.pattern.name, run.kind
        known = self._usual.get((pattern, kind))
        if known is None:
            found = usual_seconds(pattern, kind)
            names = {stage.name for stage in run.stages.all()} - {PEOPLE}
            for wider in (Q(environment__pattern__name=pattern), Q(kind=kind)):
                if names - found.keys():
                    found = {**_medians(wider), **found}
            known = self._usual[pattern, kind] = found
        return known

    @cached_property
    def _slots(self) -> int:
        settings = get_settings()
        return workers_alive(settings.lease_seconds) * settings.run_slots

    @cached_property
    def _turns(self) -> dict[int, Turn]:
        return {turn.run: turn for turn in line(self._slots or None)}

    @cached_property
    def _times(self) -> dict[int, tuple[float, float]]:
        """Queued run -> seconds from now to its begin and to its end, when each place goes to the next in line."""
        rows = Run.objects.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING))
        rows = rows.select_related("sandbox", "environment__pattern").prefetch_related("stages")
        active = {run.pk: run for run in rows}
        limits = [get_settings().max_parallel_runs or inf, self._slots or inf]
        ends: dict[int | None, list[float]] = defaultdict(list)  # of each sandbox; None: of all
        for run in active.values():
            if run.status == RunStatus.RUNNING:
                end = _left(run.stages.all(), self.usual(run))
                ends[run.sandbox_id].append(end)
                ends[None].append(end)
        found = {}
        for pk in self._turns:
            if (one := active.get(pk)) is None:  # it left the queue meanwhile
                continue
            begin = max(
                _free_at(ends[one.sandbox_id], one.sandbox.max_parallel_runs),
                _free_at(ends[None], min(limits)),
                inf if one.not_before or not self._slots else 0.0,
            )
            end = begin + _left(one.stages.all(), self.usual(one))
            ends[one.sandbox_id].append(end)
            ends[None].append(end)
            found[pk] = (begin, end)
        return found


def _free_at(ends: Sequence[float], places: float) -> float:
    """When fewer than `places` of those that end at these times still work."""
    return sorted(ends)[-int(places)] if len(ends) >= places else 0.0


def _left(stages: Iterable[Stage], usual: Mapping[str, float]) -> float:
    """Seconds that the stages which are not over still take; infinite when that is not known."""
    left = 0.0
    for stage in stages:
        if stage.status in (StageStatus.PENDING, StageStatus.RUNNING) and stage.name != PEOPLE:
            left += max(0.0, usual.get(stage.name, inf) - (stage.seconds or 0.0))
    return left


def _known(seconds: float) -> float | None:
    return seconds if isfinite(seconds) else None
