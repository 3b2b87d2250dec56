"""The lines that a silent worker's Terraform still wrote, and nobody put into the run's log."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from stackyard.cmdb.models import Run, RunEvent, Stage, StageStatus
from stackyard.terraform.events import Event, parse_event
from stackyard.terraform.workdir import Workdir

COMMANDS = {"init": "init", "plan": "plan", "apply": "apply", "destroy": "apply"}
"""Stage -> the command whose output tells of it."""


def unread(run: Run, workdir: Workdir, hidden: Sequence[str], clean: Callable[[str], str]) -> tuple[str, list[Event]]:
    """The stage at which the worker fell silent, and what its Terraform said there and the log lacks, in its order.

    A line that stands twice must be in the log twice. `hidden` are Terraform's secrets, `clean` is what the log does to
    its lines. Reads the database.
    """
    stage = Stage.objects.filter(run=run, status=StageStatus.RUNNING).order_by("position").last()
    command = COMMANDS.get(stage.name, "") if stage else ""
    if stage is None or not command or stage.started_at is None:
        return "", []
    rows = RunEvent.objects.filter(run=run, stage=stage.name, at__gte=stage.started_at)
    told = Counter(rows.values_list("message", flat=True))
    found = []
    for event in _said(workdir, command, hidden):
        line = clean(event.message)
        if told[line] > 0:
            told[line] -= 1
        else:
            found.append(event)
    return stage.name, found


def _said(workdir: Workdir, command: str, hidden: Sequence[str]) -> Iterator[Event]:
    try:
        text = workdir.output(command).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        if line.strip() and (event := parse_event(line, hidden)).message:
            yield event
