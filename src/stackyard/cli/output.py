"""What the client commands print: JSON for programs, or tables and lines for people."""

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer

STYLES = {
    "ready": "green",
    "succeeded": "green",
    "done": "green",
    "holds": "green",
    "fine": "green",
    "missing": "red",
    "new": "yellow",
    "unknown": "yellow",
    "failed": "red",
    "broken": "red",
    "attention": "red",
    "creating": "cyan",
    "changing": "cyan",
    "destroying": "cyan",
    "running": "cyan",
    "cancelled": "yellow",
    "waiting": "yellow",
}

JsonOption = typer.Option(False, "--json", help="Print the API's JSON, and nothing else, on standard output.")


def print_json(data: Any) -> None:
    """Data as indented JSON."""
    # ASCII: whatever the data holds, the terminal's encoding can print it.
    typer.echo(json.dumps(data, indent=2))


def say(text: str = "") -> None:
    """A line for people. What is not printable (escape sequences in data) is replaced."""
    typer.echo(printable(text))


def printable(text: str) -> str:
    """Text that cannot steer a terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


WIDE = 120
"""Columns of a terminal from which on there is room for everything."""


def narrow() -> bool:
    """Whether standard output is a terminal that has room only for what matters most."""
    return sys.stdout.isatty() and shutil.get_terminal_size().columns < WIDE


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, status: str = "") -> None:
    """A table; `status` names the column whose words are coloured. Not a terminal: tab-separated, without a head."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(printable(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        cells = [
            Text(printable(cell), style=STYLES.get(cell, "") if column == status else "")
            for column, cell in zip(columns, row, strict=True)
        ]
        made.add_row(*cells)
    Console().print(made)


def value_text(value: Any) -> str:
    """A value of a setting or an output: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def when(moment: str | None) -> str:
    """A moment of the API, to the minute, in UTC."""
    return moment[:16].replace("T", " ") if moment else ""
