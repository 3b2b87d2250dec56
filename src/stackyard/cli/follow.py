"""Watching a run: a live view on a terminal, plain lines anywhere else."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from stackyard.cli.client import Client
from stackyard.cli.output import printable
from stackyard.errors import Unavailable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

POLL_SECONDS = 0.5
PATIENCE_SECONDS = 60.0
"""The server may be started anew while a run is watched; after this long without an answer we give up."""

LAST_LINES = 8
MARKS = {"pending": "·", "running": ">", "done": "✓", "failed": "✗", "skipped": "-"}
STYLES = {"pending": "dim", "running": "cyan", "done": "green", "failed": "red", "skipped": "dim"}


def outlook(run: Any) -> str:
    """What is to be expected of a run, such as `3. in line, about 4 min left`; empty when nothing is known."""
    seconds = run["eta_seconds"]
    if seconds is None:
        left = ""
    elif seconds < 15:
        left = "nearly done"
    else:
        left = f"about {round(seconds, -1)} s left" if seconds < 90 else f"about {round(seconds / 60)} min left"
    place = f"{run['position']}. in line" if run["position"] else ""
    return ", ".join(filter(None, (place, left)))


def line(event: Any) -> str:
    """An event as one line of text."""
    level = "" if event["level"] == "info" else f"{event['level'].upper()} "
    return f"{event['at'][11:19]} {event['stage']:<8} {level}{event['message']}"


Decide = Callable[[Any], bool]
"""Asked when a run waits for approval; false: do not follow it any further."""


def watch(client: Client, run_id: int, *, to_stderr: bool = False, decide: Decide | None = None) -> Any:
    """Show a run until it has ended; returns it as the API gives it. Without `decide` it is followed also while it
    waits for an approval."""
    from rich.console import Console

    console = Console(stderr=to_stderr, highlight=False, markup=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return _live(client, run_id, console, decide)
    return _plain(client, run_id, decide, to_stderr=to_stderr)


def lines(client: Client, run_id: int) -> Any:
    """Follow a run for a program: each event as one line of JSON."""

    def tell(answer: Any) -> None:
        for event in answer["events"]:
            typer.echo(json.dumps(event))
        sys.stdout.flush()

    return _follow(client, run_id, tell)


def _plain(client: Client, run_id: int, decide: Decide | None, *, to_stderr: bool) -> Any:
    def tell(answer: Any) -> None:
        for event in answer["events"]:
            typer.echo(printable(line(event)), err=to_stderr)

    run = _follow(client, run_id, tell, decide)
    for stage in run["stages"]:
        took = f" {stage['seconds']:.1f} s" if stage["seconds"] is not None else ""
        typer.echo(f"{stage['title']}: {stage['status']}{took}", err=to_stderr)
    return run


def _live(client: Client, run_id: int, console: "Console", decide: Decide | None) -> Any:
    from rich.live import Live

    last: deque[str] = deque(maxlen=LAST_LINES)
    with Live(console=console, refresh_per_second=8, transient=False) as live:

        def tell(answer: Any) -> None:
            last.extend(printable(line(event)) for event in answer["events"])
            live.update(_view(answer["run"], last))

        def paused(run: Any) -> bool:
            """The question stands below the view, which goes on after it."""
            live.stop()
            if decide is None or not decide(run):
                return False
            live.start()
            return True

        return _follow(client, run_id, tell, paused if decide else None)


def _view(run: Any, last: "deque[str]") -> "RenderableType":
    from rich.console import Group
    from rich.spinner import Spinner
    from rich.table import Table
    from rich.text import Text

    stages = Table.grid(padding=(0, 2))
    stages.add_row("", Text(f"{run['kind']} {run['environment']}", style="bold"), Text(run["status"]))
    if expected := outlook(run):
        stages.add_row("", Text(expected, style="dim"), "")
    for stage in run["stages"]:
        running = stage["status"] == "running"
        style = STYLES.get(stage["status"], "")
        took = f"{stage['seconds']:.1f} s" if stage["seconds"] is not None else ""
        mark = Spinner("dots", style=style) if running else Text(MARKS.get(stage["status"], " "), style=style)
        stages.add_row(mark, Text(stage["title"], style=style), Text(took, style="dim"))
    log = [Text(text, style="dim", overflow="ellipsis", no_wrap=True) for text in last] if run["active"] else []
    return Group(stages, *log)


def _follow(client: Client, run_id: int, tell: Callable[[Any], None], decide: Decide | None = None) -> Any:
    after, answered = 0, time.monotonic()
    while True:
        try:
            answer = client.get(f"/runs/{run_id}/events", after=after)
        except Unavailable:
            if time.monotonic() - answered > PATIENCE_SECONDS:
                raise
            time.sleep(POLL_SECONDS)
            continue
        answered = time.monotonic()
        tell(answer)
        after = answer["next"]
        if answer["more"]:
            continue
        run = answer["run"]
        if not run["active"] or (run["status"] == "waiting" and decide and not decide(run)):
            return run
        time.sleep(POLL_SECONDS)
