"""`stackyard env change`, `retry` and `back`, `stackyard run approve` and `reject`."""

import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment, Wait, go_on, require_success
from stackyard.cli.output import JsonOption, print_json, printable, say
from stackyard.cli.run import RunId
from stackyard.errors import Invalid

COLOURS = {"+": "green", "-": "red", "@": "cyan"}
SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "replace": ("±", "red"), "delete": ("-", "red")}


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
    confirm: str = typer.Option(
        "", "--confirm", metavar="NAME", help="Approve also a plan that takes things away: the environment's slug."
    ),
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Change an environment that stands, starting from its own recorded code.

    A plan that takes something away waits for approval: on a terminal you are asked, else --confirm says yes.
    """
    client = Client.from_environment()
    address = f"/environments/{part(environment)}"
    edit = {"set": _typed(client, address, assignments, settings), "unset": unset}
    previewed = client.post(f"{address}/preview", edit)
    if previewed["problems"]:
        from stackyard.errors import Problem

        raise Invalid(Problem(p["field"], p["message"]) for p in previewed["problems"])
    if diff and as_json:
        print_json(previewed)
        return
    _show_diff(previewed["diff"], to_stderr=as_json)
    if diff:
        return
    wish = {**edit, "plan_only": plan_only, "confirm": ask}
    accepted = client.post(f"{address}/change", wish, idempotency_key=str(uuid.uuid4()))
    if not (wait or plan_only):
        go_on(client, accepted, wait=False, as_json=as_json)
        return
    _through(client, accepted, confirm=confirm, as_json=as_json)


def retry(environment: str = Environment, wait: bool = Wait, as_json: bool = JsonOption) -> None:
    """Plan and apply what is newest in the record: after a failed change, or an edit by hand."""
    _again(environment, "retry", wait=wait, as_json=as_json)


def back(environment: str = Environment, wait: bool = Wait, as_json: bool = JsonOption) -> None:
    """Go back to the code of the last run that succeeded."""
    _again(environment, "back", wait=wait, as_json=as_json)


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
    if not as_json:
        show_plan(run["plan"])
    yes = confirm or _asked(run)
    found = client.post(f"/runs/{run_id}/approve", {"confirmation": yes, "digest": run["plan"].get("digest", "")})
    if wait:
        from stackyard.cli.follow import watch

        found = watch(client, run_id, to_stderr=as_json)
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


def show_plan(plan: Any, *, to_stderr: bool = False) -> None:
    """A plan for people: one line for each resource, what is lost in red, and the sum."""
    changes = plan.get("changes", [])
    for item in changes:
        sign, colour = SIGNS.get(item["action"], ("?", "yellow"))
        lost = " (what is in it is lost)" if item.get("destructive") else ""
        what = f": {', '.join(item['attributes'])}" if item["attributes"] else ""
        text = printable(f"  {sign} {item['address']}{what}{lost}")
        typer.secho(text, fg=colour if item.get("destructive") or item["action"] != "replace" else "yellow",
                    err=to_stderr)  # fmt: skip
    typer.echo(f"Plan: {plan.get('summary', 'none')}.", err=to_stderr)


def _again(environment: str, what: str, *, wait: bool, as_json: bool) -> None:
    client = Client.from_environment()
    accepted = client.post(f"/environments/{part(environment)}/{what}")
    if wait:
        _through(client, accepted, confirm="", as_json=as_json)
    else:
        go_on(client, accepted, wait=False, as_json=as_json)


def _through(client: Client, accepted: Any, *, confirm: str, as_json: bool) -> None:
    """Follow a run to its end, and through the question that its plan may ask."""
    from stackyard.cli.follow import watch

    run_id = accepted["run"]["id"]
    run = watch(client, run_id, to_stderr=as_json, until_waiting=True)
    show_plan(run["plan"], to_stderr=as_json)
    if run["status"] == "waiting":
        yes = confirm or _asked(run)
        client.post(f"/runs/{run_id}/approve", {"confirmation": yes, "digest": run["plan"].get("digest", "")})
        run = watch(client, run_id, to_stderr=as_json)
    if as_json:
        print_json(run)
    require_success(run)


def _asked(run: Any) -> str:
    """The slug, typed by a person; an empty text when the plan takes nothing away."""
    if not run["plan"].get("destructive"):
        if sys.stdin.isatty():
            typer.confirm("Apply this plan?", abort=True, err=True)
        return ""
    if not sys.stdin.isatty():
        raise Invalid.field(
            "--confirm",
            f"This plan takes things away. Run {run['id']} waits: `stackyard run approve {run['id']} "
            f"--confirm {run['environment']}`, or `stackyard run reject {run['id']}`.",
        )
    typed: str = typer.prompt(f"This plan takes things away. Type {run['environment']} to apply it", err=True)
    return typed.strip()


def _typed(client: Client, address: str, assignments: Sequence[str], file: Path | None) -> dict[str, Any]:
    """The settings, typed by the parameters of the version that built the environment.

    An entry of a map (`container.environment.MODE=dev`) goes as it is: the server adds it to what is recorded.
    """
    if not assignments and file is None:
        return {}
    from stackyard.cli.values import Interface, read_settings

    parameters = client.get(f"{address}/settings")["parameters"]
    interface = Interface.of(parameters)
    entries = dict[str, Any]()
    others = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if equals and interface.map_above(path.strip()):
            entries[path.strip()] = text
        else:
            others.append(assignment)
    return {**read_settings(parameters, others, file), **entries}


def _show_diff(lines: Sequence[str], *, to_stderr: bool) -> None:
    for line in lines[2:]:
        typer.secho(printable(line), fg=COLOURS.get(line[:1]), err=to_stderr)
    if not lines:
        typer.echo("The code stays as it is.", err=to_stderr)
