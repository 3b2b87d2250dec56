"""`stackyard env extend` and `stackyard env drift`."""

from typing import Any

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment, Wait, go_on
from stackyard.cli.output import JsonOption, print_json, say, table, value_text, when
from stackyard.errors import Invalid, Unavailable

DRIFT_FOUND = 1


def extend(
    environment: str = Environment,
    days: int | None = typer.Option(None, "--days", help="So many days more than it has left."),
    until: str = typer.Option("", "--until", metavar="DATE", help="To the end of this day, such as 2027-01-31 (UTC)."),
    never: bool = typer.Option(False, "--never", help="It does not expire any more. Only platform staff may."),
    as_json: bool = JsonOption,
) -> None:
    """Let an environment live longer, up to the sandbox's limit."""
    if (days is not None) + bool(until) + never != 1:
        raise Invalid.field("--days", "Say one of --days, --until and --never.")
    client = Client.from_environment()
    wish = {"days": days} if days is not None else {"until": until} if until else {"never": True}
    found = client.post(f"/environments/{part(environment)}/extend", wish)
    if as_json:
        print_json(found)
    else:
        say(f"{found['slug']} {expiry_text(found)}.")


def drift(
    environment: str = Environment,
    repair: bool = typer.Option(False, "--repair", help="Apply the recorded code again."),
    accept: bool = typer.Option(False, "--accept", help="Let what the last look found count as applied."),
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Look whether AWS still has what was applied. Exit 0: it has. Exit 1: something differs, and it is shown."""
    if repair and accept:
        raise Invalid.field("--repair", "Goes not together with --accept.")
    client = Client.from_environment()
    address = f"/environments/{part(environment)}/drift"
    if repair:
        go_on(client, client.post(f"{address}/repair"), wait=wait, as_json=as_json)
    elif accept:
        seen = client.get(address)["digest"]
        go_on(client, client.post(f"{address}/accept", {"digest": seen}), wait=wait, as_json=as_json)
    elif _look(client, address, as_json=as_json):
        raise typer.Exit(DRIFT_FOUND)


def _look(client: Client, address: str, *, as_json: bool) -> bool:
    from stackyard.cli.follow import watch

    run = watch(client, client.post(address)["run"]["id"], to_stderr=True)
    if run["status"] != "succeeded":
        # Not RunFailed: its exit code would say that something differs.
        reason = run["error"] or f"Run {run['id']} is {run['status']}."
        raise Unavailable(f"{run['environment']} could not be compared. {reason}", hint=run["hint"])
    found = client.get(address)
    if as_json:
        print_json(found)
    elif found["resources"]:
        table(("RESOURCE", "ATTRIBUTE", "APPLIED", "IN AWS"), [row for r in found["resources"] for row in _rows(r)])
        typer.echo("`--repair` puts it back, `--accept` lets it count as applied.", err=True)
    else:
        say(f"{run['environment']}: AWS has what was applied.")
    return bool(found["resources"])


def _rows(resource: Any) -> list[tuple[str, ...]]:
    if resource["action"] == "delete":
        return [(resource["address"], "", "there", "gone")]
    return [(resource["address"], a["path"], _value(a, "before"), _value(a, "after")) for a in resource["attributes"]]


def _value(attribute: Any, side: str) -> str:
    if attribute["sensitive"]:
        return "(hidden)"
    return "(none)" if attribute[side] is None else value_text(attribute[side])


def expiry_text(found: Any) -> str:
    """`expires 2027-01-31 23:59`, or that it does not."""
    return f"expires {when(found['expires_at'])} UTC" if found["expires_at"] else "does not expire"
