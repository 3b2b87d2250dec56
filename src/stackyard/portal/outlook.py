"""What is to be expected of a run, as people are told: a bar of its stages, and a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from stackyard.cmdb.models import Run, RunStatus, StageStatus
from stackyard.runs.eta import Outlook

WIDTH = 1000
"""Of the bar's own coordinates."""

LEAST = 12
"""So wide is a stage at least, however short it is: otherwise it could not be seen."""

OVER = (StageStatus.DONE, StageStatus.SKIPPED, StageStatus.FAILED)


class _Step(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class Segment:
    """A stage in the bar; `x` and `width` in its coordinates, as wide as its share of the whole time. `filled`: how
    much of it is done."""

    name: str
    title: str
    status: str
    x: float
    width: float
    filled: float


def segments_of(steps: Sequence[_Step], usual: Mapping[str, float]) -> list[Segment]:
    """The stages side by side. What is not known counts as the mean of what is; all alike when nothing is."""
    known = [usual[s.name] for s in steps if s.name in usual]
    mean = (sum(known) / len(known) if known else 0.0) or 1.0
    seconds = [usual.get(s.name, mean) for s in steps]
    whole = sum(seconds) or 1.0
    spare = WIDTH - LEAST * len(steps)
    segments, x = [], 0.0
    for step, took in zip(steps, seconds, strict=True):
        width = LEAST + spare * took / whole
        filled = round(width, 1) if step.status in OVER else 0.0
        segments.append(Segment(step.name, step.title, step.status, round(x, 1), round(width, 1), filled))
        x += width
    return segments


def in_words(run: Run, outlook: Outlook) -> str:
    """One sentence for a run that goes on; empty for one that has ended."""
    if not run.is_active:
        return ""
    if run.cancel_requested_at is not None:
        return "It is being stopped."
    if run.status == RunStatus.WAITING:
        return "It waits for approval."
    if run.status == RunStatus.QUEUED:
        return _in_line(run, outlook)
    if outlook.left is None:
        return "No estimate yet: this is the first run of its kind."
    return f"{roughly(outlook.left).capitalize()}."


def _in_line(run: Run, outlook: Outlook) -> str:
    if not outlook.workers:
        return "No worker is at work, so it waits until one is started."
    before = (outlook.position or 1) - 1
    where = "Next in line" if before == 0 else f"{before} run{'' if before == 1 else 's'} before it"
    if outlook.wait is None:
        return f"{where}; when it begins is not known yet."
    begins = "begins in a moment" if outlook.wait < 5 else f"begins in about {_time(outlook.wait)}"
    ends = "" if outlook.left is None else f", done in about {_time(outlook.left)}"
    return f"{where}; {begins}{ends}."


def roughly(seconds: float) -> str:
    """What is left, no more exact than it can be known."""
    return "nearly done" if seconds < 15 else f"about {_time(seconds)} left"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds / 10)) * 10} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
