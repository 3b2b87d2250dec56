"""`stackyard env`: create, watch and destroy environments."""

import sys
import uuid
from pathlib import Path
from typing import Any

import typer

from stackyard.cli.client import Client, events, part
from stackyard.cli.failures import RunFailed
from stackyard.cli.output import JsonOption, narrow, print_json, say, table, value_text, when
from stackyard.errors import Invalid, NotFound

app = typer.Typer(help="Create, watch and destroy environments.", no_args_is_help=True)

Environment = typer.Argument(help="Slug (<product>-<name>) or uid.", show_default=False)
ESSENTIAL = {"NAME", "STATUS", "FQDN", "EXPIRES"}
"""Columns of the list that a narrow terminal shows."""

Wait = typer.Option(False, "--wait", help="Show the run until it has ended; exit 1 when it fails.")


@app.command()
def create(
    product: str = typer.Argument(help="Name of one of your products.", show_default=False),
    pattern: str = typer.Argument(help="Name of a pattern.", show_default=False),
    name: str = typer.Argument(help="A DNS label; the environment is called <product>-<name>.", show_default=False),
    assignments: list[str] = typer.Option(
        [], "--set", metavar="PATH=VALUE", help="A setting, such as container.cpu=512. May be given many times."
    ),
    settings: Path | None = typer.Option(None, "--settings", help="A YAML file of settings; --set goes before it."),
    sandbox: str = typer.Option("", "--sandbox", help="Which sandbox. Without: the one with the most room."),
    expires: str = typer.Option(
        "", "--expires", metavar="WHEN", help="Days, a date such as 2027-01-31, or never. Without: as usual there."
    ),
    wait: bool = Wait,
    idempotency_key: str = typer.Option(
        "", "--idempotency-key", help="The same key and wish, sent again, make nothing new."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Create an environment."""
    client = Client.from_environment()
    wish = {
        "product": product,
        "pattern": pattern,
        "name": name,
        "sandbox": sandbox,
        "settings": _settings(client, pattern, assignments, settings),
        **({"expires": expires} if expires else {}),
    }
    accepted = client.post("/environments", wish, idempotency_key=idempotency_key or str(uuid.uuid4()))
    go_on(client, accepted, wait=wait, as_json=as_json)


@app.command("list")
def list_(
    text: str = typer.Argument("", help="Words in slug, FQDN, titles or account id."),
    status: str = typer.Option("", help="creating, ready, changing, destroying, failed, attention or destroyed."),
    product: str = typer.Option("", help="Name of a product."),
    sandbox: str = typer.Option("", help="Name of a sandbox."),
    gone: bool = typer.Option(False, "--gone", help="Also those that are gone."),
    expiring: bool = typer.Option(
        False, "--expiring", help="Those that expire within 7 days or have expired, the next to go first."
    ),
    limit: int = typer.Option(100, min=1, max=10_000, help="How many at most."),
    as_json: bool = JsonOption,
) -> None:
    """List environments, newest first."""
    client = Client.from_environment()
    query = {"text": text, "status": status, "product": product, "sandbox": sandbox, "gone": gone, "expiring": expiring}
    items, count = client.pages("/environments", limit, **query)
    if as_json:
        print_json({"items": items, "count": count})
        return
    columns = ("NAME", "STATUS", "PATTERN", "FQDN", "ACCOUNT", "OWNER", "CREATED", "EXPIRES")
    shown = [n for n, column in enumerate(columns) if column in ESSENTIAL or not narrow()]
    rows = [_row(item) for item in items]
    table([columns[n] for n in shown], [[row[n] for n in shown] for row in rows], status="STATUS")
    if not items and any(query.values()):
        typer.echo("None fits. `stackyard env list` alone shows all that stand.", err=True)
    elif not items:
        typer.echo("None. `stackyard env create PRODUCT PATTERN NAME` makes one.", err=True)
    elif count > len(items):
        typer.echo(f"{len(items)} of {count}; --limit shows more.", err=True)


@app.command()
def show(environment: str = Environment, as_json: bool = JsonOption) -> None:
    """Show an environment: where it stands, what it is made of, its outputs."""
    found = Client.from_environment().get(f"/environments/{part(environment)}")
    if as_json:
        print_json(found)
        return
    _describe(found)


@app.command()
def logs(
    environment: str = Environment,
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on until the run has ended; exit 1 when it fails."),
    as_json: bool = JsonOption,
) -> None:
    """Print the log of an environment's latest run."""
    from stackyard.cli.follow import line, lines, watch

    client = Client.from_environment()
    run = client.get(f"/environments/{part(environment)}")["run"]
    if run is None:
        raise NotFound(f"{environment} has no run yet.")
    if not follow:
        answers = list(events(client, run["id"]))
        listed = [event for answer in answers for event in answer["events"]]
        if as_json:
            print_json({**answers[-1], "events": listed})
        else:
            for event in listed:
                say(line(event))
        return
    ended = lines(client, run["id"]) if as_json else watch(client, run["id"])
    require_success(ended)


@app.command()
def destroy(
    environment: str = Environment,
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Destroy an environment and everything that it is made of."""
    client = Client.from_environment()
    if not yes:
        _confirm(client, environment)
    accepted = client.delete(f"/environments/{part(environment)}")
    go_on(client, accepted, wait=wait, as_json=as_json)


def _settings(client: Client, pattern: str, assignments: list[str], file: Path | None) -> dict[str, Any]:
    """The settings of the command line, typed by what the pattern's parameters are."""
    if not assignments and file is None:
        return {}
    from stackyard.cli.values import read_settings

    parameters = client.get(f"/patterns/{part(pattern)}")["parameters"]
    return read_settings(parameters, assignments, file)


def go_on(client: Client, accepted: Any, *, wait: bool, as_json: bool) -> None:
    """After a wish was accepted: say so, or watch until it has come true."""
    environment, run = accepted["environment"], accepted["run"]
    if not wait:
        if as_json:
            print_json(accepted)
        else:
            say(f"{environment['slug']}: {run['kind']} accepted, run {run['id']}.")
            say(f"`stackyard env logs -f {environment['slug']}` follows it.")
        return
    from stackyard.cli.answering import follow

    ended = follow(client, run["id"], to_stderr=as_json)
    final = client.get(f"/environments/{part(environment['uid'])}")
    if as_json:
        print_json(final)
    elif ended["status"] == "succeeded":
        _describe(final)
    require_success(ended)


def require_success(run: Any) -> None:
    """RunFailed with the reason unless the run succeeded; Conflict while it waits for approval."""
    if run["status"] == "waiting":
        from stackyard.cli.answering import unanswered

        raise unanswered(run)
    if run["status"] != "succeeded":
        reason = run["error"] or "No reason was given."
        reason += "".join(f"\n  {problem['field']}: {problem['message']}" for problem in run["problems"])
        raise RunFailed(
            f"The {run['kind']} of {run['environment']} {_ENDED.get(run['status'], run['status'])}: {reason}",
            hint=run["hint"],
        )


_ENDED = {"failed": "failed", "cancelled": "was cancelled", "attention": "needs attention"}


def _confirm(client: Client, environment: str) -> None:
    if not sys.stdin.isatty():
        raise Invalid.field("--yes", "Nobody can be asked here; say --yes to destroy without a question.")
    found = client.get(f"/environments/{part(environment)}")
    name = f" ({found['fqdn']})" if found["fqdn"] else ""
    typer.confirm(f"Destroy {found['slug']}{name} for good?", abort=True, err=True)


def _row(item: Any) -> tuple[str, ...]:
    return (
        item["slug"],
        item["status"],
        f"{item['pattern']['name']} {item['pattern']['version']}",
        item["fqdn"],
        item["sandbox"]["account_id"],
        item["owner"],
        when(item["created_at"]),
        when(item["expires_at"]) or "never",
    )


def _describe(found: Any) -> None:
    say(f"{found['slug']}: {found['status']}")
    sandbox = found["sandbox"]
    facts = {
        "FQDN": found["fqdn"],
        "Pattern": f"{found['pattern']['name']} {found['pattern']['version']}",
        "Product": f"{found['product']} ({found['department']})" if found["product"] else "",
        "Sandbox": f"{sandbox['name']}, account {sandbox['account_id']}, {sandbox['region']}",
        "Owner": found["owner"],
        "Created": when(found["created_at"]),
        "Ready": when(found["ready_at"]),
        "Destroyed": when(found["destroyed_at"]),
        "Expires": "" if found["destroyed_at"] else when(found["expires_at"]) or "never",
        "Code": found["commit"],
        "Resources": str(len(found["resources"])),
    }
    for title, value in facts.items():
        if value:
            say(f"  {title:<10} {value}")
    gone = found["destroyed_at"] is not None
    for title in ("settings",) if gone else ("settings", "outputs"):
        if found[title]:
            say(f"  {title.capitalize()}")
            for name, value in sorted(found[title].items()):
                say(f"    {name} = {value_text(value)}")
    if found["hops"] and not gone:
        from stackyard.cli.proof import say_path

        planned = any(hop.get("planned") for hop in found["hops"])
        say(f"  Path, {'planned' if planned else 'proven ' + when(found['proven_at'])}")
        say_path(found["hops"], indent="    ")
    run = found["run"]
    if run is not None:
        say(f"  Latest run: {run['kind']} {run['id']}, {run['status']}")
        for stage in run["stages"]:
            took = f"{stage['seconds']:.1f} s" if stage["seconds"] is not None else ""
            say(f"    {stage['status']:<8} {stage['title']:<28} {took}")
        if run["error"]:
            say(f"    {run['error']} {run['hint']}".rstrip())
