"""`stackyard env change`, `retry` and `back`, `stackyard run approve` and `reject`."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from stackyard.cli.answering import approved, asked, follow, show_plan, somebody_is_there, ways
from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment, Wait, go_on, require_success
from stackyard.cli.output import JsonOption, print_json, printable, say
from stackyard.cli.run import RunId
from stackyard.errors import Invalid, Problem

COLOURS = {"+": "green", "-": "red", "@": "cyan"}

Confirm = typer.Option(
    "",
    "--confirm",
    metavar="NAME",
    help="Follow the run, and approve also a plan that takes things away: the environment's slug.",
)


def change(
    environment: str = Environment,
    assignments: list[str] = typer.Option(
        [], "--set", metavar="PATH=VALUE", help="A setting, such as container.cpu=512; repeatable."
    ),
    unset: list[str] = typer.Option(
        [], "--unset", metavar="PATH", help="Back to the pattern's default, or an entry of a map away; repeatable."
    ),
    settings: Path | None = typer.Option(None, "--settings", help="A YAML file of settings; --set goes before it."),
    diff: bool = typer.Option(False, "--diff", help="Show what would become of the code, and do nothing."),
    plan_only: bool = typer.Option(False, "--plan-only", help="End after Terraform's plan."),
    ask: bool = typer.Option(False, "--ask", help="Wait for approval, whatever the plan."),
    confirm: str = Confirm,
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Change an environment that stands, starting from its own recorded code.

    A plan that takes something away waits for approval: on a terminal you are asked, else --confirm says yes.
    """
    client = Client.from_environment()
    address = f"/environments/{part(environment)}"
    edit = _edit(client, address, assignments, unset, settings)
    previewed = client.post(f"{address}/preview", edit)
    if previewed["problems"]:
        raise Invalid(Problem(p["field"], p["message"]) for p in previewed["problems"])
    if diff and as_json:
        print_json(previewed)
        return
    show_diff(previewed["diff"], to_stderr=as_json)
    if diff:
        return
    wish = {**edit, "plan_only": plan_only, "confirm": ask}
    accepted = client.post(f"{address}/change", wish, idempotency_key=str(uuid.uuid4()))
    if wait or plan_only or confirm:
        through(client, accepted, confirm=confirm, as_json=as_json)
    else:
        go_on(client, accepted, wait=False, as_json=as_json)


def retry(
    environment: str = Environment, confirm: str = Confirm, wait: bool = Wait, as_json: bool = JsonOption
) -> None:
    """Plan and apply what is newest in the record: after a failed change, or an edit by hand."""
    _again(environment, "retry", confirm=confirm, wait=wait, as_json=as_json)


def back(environment: str = Environment, confirm: str = Confirm, wait: bool = Wait, as_json: bool = JsonOption) -> None:
    """Go back to the code of the last run that succeeded."""
    _again(environment, "back", confirm=confirm, wait=wait, as_json=as_json)


def approve(
    run_id: int = RunId,
    confirm: str = typer.Option(
        "", "--confirm", metavar="NAME", help="The environment's slug, for a destructive plan."
    ),
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Let a waiting run apply the plan that it waits with."""
    client = Client.from_environment()
    run = client.get(f"/runs/{run_id}")
    if run["status"] == "waiting":
        show_plan(run["plan"], to_stderr=as_json)
    found = approved(client, run, confirm or _yes(run))
    if wait:
        found = follow(client, run_id, to_stderr=as_json)
    if as_json:
        print_json(found)
    else:
        say(f"Run {run_id}: {found['status']}.")
    if wait:
        require_success(found)


def reject(run_id: int = RunId, as_json: bool = JsonOption) -> None:
    """End a waiting run; nothing of its plan is applied."""
    found = Client.from_environment().post(f"/runs/{run_id}/reject")
    if as_json:
        print_json(found)
    else:
        say(f"Run {run_id}: {found['status']}. Nothing was applied.")


def _yes(run: Any) -> str:
    """The answer of whoever came to approve a run, asked for where it can be."""
    if run["status"] != "waiting":
        return ""  # the server says so
    if somebody_is_there():
        answer = asked(run)
        if answer is None:
            raise typer.Abort
        return answer
    if run["plan"].get("destructive"):
        raise Invalid([Problem("--confirm", "This plan takes things away.")], hint=ways(run))
    return ""


def _again(environment: str, what: str, *, confirm: str, wait: bool, as_json: bool) -> None:
    client = Client.from_environment()
    accepted = client.post(f"/environments/{part(environment)}/{what}")
    if wait or confirm:
        through(client, accepted, confirm=confirm, as_json=as_json)
    else:
        go_on(client, accepted, wait=False, as_json=as_json)


def through(client: Client, accepted: Any, *, confirm: str, as_json: bool) -> None:
    """Follow a run to its end, and through the question that its plan may ask."""
    run = follow(client, accepted["run"]["id"], confirm=confirm, plan=True, to_stderr=as_json)
    if as_json:
        print_json(run)
    require_success(run)
    if not as_json:
        untouched = any(s["name"] == "apply" and s["status"] == "skipped" for s in run["stages"])
        say(f"{run['environment']}: {run['kind']} succeeded{'; nothing was applied' if untouched else ''}.")


def _edit(
    client: Client, address: str, assignments: Sequence[str], unset: Sequence[str], file: Path | None
) -> dict[str, Any]:
    """`set` and `unset` as the API takes them, typed by the parameters of the version that built the environment.

    An entry of a map (`container.environment.MODE=dev`) goes alone: the server adds it to what is recorded.
    """
    if not assignments and not unset and file is None:
        return {"set": {}, "unset": []}
    from stackyard.cli.values import Interface, read_settings

    parameters = client.get(f"{address}/settings")["parameters"]
    interface = Interface.of(parameters)
    entries = dict[str, Any]()
    others = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if equals and interface.map_above(path.strip()):
            entries[interface.address(path.strip())] = text
        else:
            others.append(assignment)
    wished = {**read_settings(parameters, others, file), **entries}
    return {"set": wished, "unset": [interface.address(path) for path in unset]}


def show_diff(lines: Sequence[str], *, to_stderr: bool) -> None:
    """A unified diff, in colour where that is shown."""
    for line in lines[2:]:
        typer.secho(printable(line), fg=COLOURS.get(line[:1]), err=to_stderr)
    if not lines:
        typer.echo("The code stays as it is.", err=to_stderr)
