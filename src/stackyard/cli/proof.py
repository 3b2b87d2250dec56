"""`stackyard env verify`."""

from collections.abc import Sequence
from typing import Any

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment
from stackyard.cli.failures import RunFailed
from stackyard.cli.output import JsonOption, narrow, print_json, say, table

WORDS = {True: "holds", False: "broken", None: "not asked"}

PLANNED = {True: "fits", False: "broken", None: "unknown"}


class BrokenPath(RunFailed):
    """A hop of the path does not hold."""


def verify(
    environment: str = Environment,
    live: bool | None = typer.Option(
        None, "--live/--no-live", help="Look the name up and open it, too. Without: unless the sandbox is emulated."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Prove the path from host name to the last part, hop by hop; exit 1 when a hop is broken."""
    found = Client.from_environment().post(f"/environments/{part(environment)}/verify", {"live": live})
    if as_json:
        print_json(found)
    else:
        _show(found)
    broken = next((hop for hop in found["hops"] if hop["ok"] is False), None)
    if broken is not None:
        raise BrokenPath(f"{broken['title']} of {found['environment']}: {broken['found']}", hint=broken["fix"])


def say_path(hops: Sequence[Any], *, indent: str = "  ") -> None:
    """The hops of an environment, a line for each; what was found only where a hop does not hold."""
    for hop in hops:
        word = (PLANNED if hop.get("planned") else WORDS)[hop["ok"]]
        reason = f" {hop['found']} {hop['fix']}".rstrip() if hop["ok"] is False else ""
        say(f"{indent}{word:<9} {hop['title']}{reason}")


def _show(found: Any) -> None:
    rows: list[tuple[str, ...]] = [
        (WORDS[h["ok"]], h["title"], h["checked"], h["found"], f"{h['seconds']:.2f} s") for h in found["hops"]
    ]
    columns: tuple[str, ...] = ("STATUS", "HOP", "CHECKED", "FOUND", "TOOK")
    if narrow():
        columns, rows = (*columns[:2], *columns[3:]), [(*row[:2], *row[3:]) for row in rows]
    table(columns, rows, status="STATUS")
    if not found["kept"]:
        typer.echo("Not kept: a run of the environment is going on, or there was nothing to prove.", err=True)
    if found["holds"] and found["kept"] and found["status"] == "attention":
        typer.echo("The path holds now. `stackyard env retry` brings the environment out of attention.", err=True)
