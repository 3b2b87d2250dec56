"""`stackyard demo`."""

import json
import signal
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from stackyard.cli.demo.journey import Summary
    from stackyard.cli.demo.stack import DemoStack


def demo(
    data: Path = typer.Option(Path(".data/demo"), help="Folder for everything that the demo writes."),
    port: int = typer.Option(8000, min=1, max=65535, help="Port of the portal; the next free one if it is taken."),
    pattern: str = typer.Option("", "--try", metavar="PATTERN", help="Create, prove and destroy once, then end."),
    product: str = typer.Option("shop", help="With --try: the product that it is for."),
    assignments: list[str] = typer.Option([], "--set", metavar="PATH=VALUE", help="With --try: a setting."),
    fail_at: list[str] = typer.Option(
        [], metavar="SERVICE:ACTION", help="Let the emulator answer this AWS API action with an error."
    ),
    as_json: bool = typer.Option(False, "--json", help="With --try: print the summary as JSON, and nothing else."),
) -> None:
    """Everything on this machine, with no AWS account: portal, database, an emulated AWS with two sandboxes.

    Starts empty each time and ends all that it started on Ctrl-C.
    """
    from stackyard.aws.emulator.actions import Action
    from stackyard.cli.demo.stack import DemoStack

    for action in fail_at:
        Action.parse(action)
    # A terminal that closes or a supervisor that stops us is as good a reason to tidy up as Ctrl-C, which itself is
    # ignored when a shell started us in the background.
    for reason in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(reason, _interrupt)
    with DemoStack(data, port, fail_at=fail_at, tell=_tell) as stack:
        if pattern:
            _try(stack, pattern, product, assignments, as_json=as_json)
        else:
            _serve(stack, port)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(text: str) -> None:
    typer.echo(f"{text} ...", err=True)


def _serve(stack: "DemoStack", wanted: int) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table

    from stackyard.cli.demo.organisation import DEPARTMENTS, PASSWORD, PEOPLE

    if stack.port != wanted:
        typer.echo(f"Port {wanted} is taken, so the portal is on {stack.port}.", err=True)
    people = Table.grid(padding=(0, 2))
    for person in PEOPLE:
        where = DEPARTMENTS.get(person.department, "everything")
        people.add_row(f"[bold]{person.name}[/]", PASSWORD, f"{person.role.capitalize()}, {where}")
    console = Console()
    console.print(Panel(people, title=f"Stackyard is at [bold]{stack.url}[/]", expand=False, padding=(1, 2)))
    console.print(f"export STACKYARD_URL={stack.url} STACKYARD_TOKEN={stack.token}", soft_wrap=True)
    console.print(f"Logs and data are in {stack.data}. Ctrl-C ends everything.", style="dim", soft_wrap=True)
    try:
        stack.watch()
    except KeyboardInterrupt:
        typer.echo("Ending what was started ...", err=True)


def _try(stack: "DemoStack", pattern: str, product: str, assignments: list[str], *, as_json: bool) -> None:
    from stackyard.cli.client import Client
    from stackyard.cli.demo.journey import travel

    summary = travel(Client(stack.url, stack.token), pattern, product, assignments, _tell)
    if as_json:
        typer.echo(json.dumps(summary.as_dict(), indent=2))
    else:
        _show(summary)
    if not summary.succeeded:
        raise typer.Exit(1)


def _show(summary: "Summary") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(title=f"{summary.environment}: {summary.status}", title_style="bold", show_header=False)
    table.add_row("FQDN", summary.fqdn)
    table.add_row("Account", summary.account_id)
    table.add_row("Pattern", summary.pattern)
    table.add_row("Engine", summary.engine)
    table.add_row("Resources", str(summary.resources))
    for title, stages in (("Create", summary.stages), ("Destroy", summary.destroy_stages)):
        shown = (f"{s['name']} {s['seconds']:.1f} s" for s in stages if s["seconds"] is not None)
        table.add_row(title, ", ".join(shown))
    table.add_row("Left over", str(summary.leftover))
    console.print(table)
    for hop in summary.hops:
        mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[dim]·[/]"}[hop["ok"]]
        console.print(f" {mark} {hop['title']}: {hop['found']}", soft_wrap=True)
    if summary.error:
        console.print(f"[red]{summary.error}[/] {summary.hint}", soft_wrap=True)
