"""`stackyard run`: look at one run, or stop it."""

import typer

from stackyard.cli.client import Client
from stackyard.cli.follow import outlook
from stackyard.cli.output import JsonOption, print_json, say, table, when

app = typer.Typer(help="Look at runs, or stop one.", no_args_is_help=True)

RunId = typer.Argument(min=1, help="Number of the run.", show_default=False)


@app.command("list")
def list_(
    environment: str = typer.Option("", help="Slug of an environment."),
    status: str = typer.Option("", help="queued, running, waiting, succeeded, failed, cancelled or attention."),
    limit: int = typer.Option(50, min=1, max=10_000, help="How many at most."),
    as_json: bool = JsonOption,
) -> None:
    """List runs, newest first."""
    items, count = Client.from_environment().pages("/runs", limit, environment=environment, status=status)
    if as_json:
        print_json({"items": items, "count": count})
        return
    rows = [
        (str(r["id"]), r["environment"], r["kind"], r["status"], r["asked_by"], when(r["created_at"]), outlook(r))
        for r in items
    ]
    table(("RUN", "ENVIRONMENT", "KIND", "STATUS", "BY", "CREATED", "EXPECTED"), rows, status="STATUS")
    if not items:
        typer.echo("None fits." if environment or status else "None yet.", err=True)
    elif count > len(items):
        typer.echo(f"{len(items)} of {count}; --limit shows more.", err=True)


@app.command()
def show(run_id: int = RunId, as_json: bool = JsonOption) -> None:
    """Show a run with its stages and, after a failure, the reason."""
    found = Client.from_environment().get(f"/runs/{run_id}")
    if as_json:
        print_json(found)
        return
    say(f"Run {found['id']}: {found['kind']} of {found['environment']}, {found['status']}")
    say(f"  Asked for by {found['asked_by']}, {when(found['created_at'])}")
    if expected := outlook(found):
        say(f"  {expected}")
    for stage in found["stages"]:
        took = f"{stage['seconds']:.1f} s" if stage["seconds"] is not None else ""
        say(f"  {stage['status']:<8} {stage['title']:<28} {took}")
    if found["plan"]:
        from stackyard.cli.answering import show_plan, ways
        from stackyard.cli.proof import say_path

        show_plan(found["plan"])
        if found["planned_path"]:
            say("Path, planned:")
            say_path(found["planned_path"])
        if found["status"] == "waiting":
            say(ways(found))
    if found["error"]:
        say(f"  {found['error']} {found['hint']}".rstrip())
    for problem in found["problems"]:
        say(f"  {problem['field']}: {problem['message']}")
    for left in found["leftovers"]:
        say(f"  Left over: {left}")


@app.command()
def cancel(
    run_id: int = RunId,
    keep: bool = typer.Option(False, "--keep", help="Leave what a create has built so far, to be destroyed later."),
    as_json: bool = JsonOption,
) -> None:
    """Stop a run in good order; a create takes back what it built, unless it is to be kept."""
    found = Client.from_environment().post(f"/runs/{run_id}/cancel" + ("?keep=true" if keep else ""))
    if as_json:
        print_json(found)
    elif found["active"]:
        say(f"Run {found['id']} is asked to stop. `stackyard env logs -f {found['environment']}` follows it.")
    else:
        say(f"Run {found['id']}: {found['status']}.")
