"""`stackyard sandbox`: AWS accounts of departments, and the common components in them."""

import json
import secrets
import sys
from pathlib import Path
from typing import Any

import typer
import yaml

from stackyard.cli import change as changes
from stackyard.cli.client import Client, part
from stackyard.cli.env import Wait, go_on
from stackyard.cli.failures import RunFailed
from stackyard.cli.output import JsonOption, print_json, printable, say, table, value_text
from stackyard.errors import Invalid, NotFound

app = typer.Typer(help="Add, check, bootstrap and retire sandboxes. Mostly for platform staff.", no_args_is_help=True)

Name = typer.Argument(help="Name of the sandbox.", show_default=False)
Yes = typer.Option(False, "--yes", "-y", help="Do not ask.")
Assignments = typer.Option(
    [], "--set", metavar="PATH=VALUE", help="A setting, such as network.nat_per_zone=true; repeatable."
)
Own = typer.Option(
    [], "--own", metavar="NAME=ID", help="The account's own component, such as vpc_id=vpc-0123; repeatable."
)
WORDS = {True: "fine", False: "missing", None: "unknown"}


class Unfit(RunFailed):
    """A check found that something is missing."""


@app.command()
def add(
    name: str = Name,
    department: str = typer.Argument(help="Name of the department that it is for.", show_default=False),
    account: str = typer.Argument(help="AWS account id, twelve digits.", show_default=False),
    region: str = typer.Argument(help="AWS region, such as eu-central-1.", show_default=False),
    zone: str = typer.Argument(help="DNS zone for host names, such as shop.dev.example.com.", show_default=False),
    role: str = typer.Option("", "--role", help="The role to take. Without: the account's role 'stackyard'."),
    external_id: str | None = typer.Option(
        None, "--external-id", help="What the role asks for. Without: a new one. Empty: none."
    ),
    pool: str = typer.Option("", "--pool", help="Address pool that its network comes from. Without: the only one."),
    parent_zone: str = typer.Option("", "--parent-zone", help="Id of the hosted zone that delegates to its zone."),
    parent_role: str = typer.Option("", "--parent-role", help="Role that writes into that zone."),
    parent_external_id: str = typer.Option("", "--parent-external-id", help="What that role asks for."),
    own: list[str] = Own,
    emulated: bool = typer.Option(False, "--emulated", help="It lives on the bundled AWS emulator."),
    max_environments: int | None = typer.Option(None, "--max-environments", help="How many may stand in it."),
    issues: str | None = typer.Option(
        None, "--issues", metavar="OWNER/NAME", help="Repository of its issues, or none. Without: the installation's."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Register an AWS account as a sandbox. AWS is not asked yet: `check` does that."""
    client = Client.from_environment()
    wish = {
        "name": name,
        "department": department,
        "account_id": account,
        "region": region,
        "zone_name": zone,
        "role_arn": role or f"arn:aws:iam::{account}:role/stackyard",
        "external_id": secrets.token_urlsafe(18) if external_id is None else external_id,
        "pool": pool or ("" if own else _only_pool(client)),
        "parent_zone_id": parent_zone,
        "parent_role_arn": parent_role,
        "parent_external_id": parent_external_id,
        "emulated": emulated,
        "max_environments": max_environments,
        "issues": issues,
        "facts": _own(own) if own else None,
    }
    made = client.post("/sandboxes", {key: value for key, value in wish.items() if value is not None})
    if as_json:
        print_json(made)
        return
    say(f"{made['name']}: account {made['account_id']} for {made['department']}, {made['zone_name']}.")
    say(f"Create its role: `stackyard sandbox policies {name}` prints what it needs.")
    say(f"Then `stackyard sandbox check {name}`{'' if own else f' and `stackyard sandbox bootstrap {name}`'}.")


@app.command("list")
def list_(as_json: bool = JsonOption) -> None:
    """List the sandboxes, and how full each is."""
    items, count = Client.from_environment().pages("/sandboxes", 10_000)
    if as_json:
        print_json({"items": items, "count": count})
        return
    rows = [
        (
            *(i["name"], i["status"], i["account_id"], i["region"], i["department"], i["zone_name"]),
            f"{i['environments']} of {i['max_environments']}",
        )
        for i in items
    ]
    table(("NAME", "STATUS", "ACCOUNT", "REGION", "DEPARTMENT", "ZONE", "ENVIRONMENTS"), rows, status="STATUS")
    if not items:
        typer.echo("None. `stackyard sandbox add` makes one.", err=True)


@app.command()
def show(name: str = Name, as_json: bool = JsonOption) -> None:
    """Show a sandbox: its account, its rules, its common components."""
    found = Client.from_environment().get(f"/sandboxes/{part(name)}")
    if as_json:
        print_json(found)
    else:
        _describe(found)


@app.command()
def policies(name: str = Name, as_json: bool = JsonOption) -> None:
    """Print the trust and permission policies that its role needs, to be created in the account."""
    found = Client.from_environment().get(f"/sandboxes/{part(name)}/policies")
    if as_json:
        print_json(found)
        return
    for item in found:
        typer.secho(printable(item["title"]), bold=True, err=True)
        typer.echo(json.dumps(item["policy"], indent=2))


@app.command()
def check(name: str = Name, as_json: bool = JsonOption) -> None:
    """Ask AWS what is missing, in plain words; exit 1 when something is. Changes nothing in the account."""
    found = Client.from_environment().post(f"/sandboxes/{part(name)}/check")
    if as_json:
        print_json(found)
    else:
        rows = [(WORDS[f["ok"]], f["title"], f["found"]) for f in found["findings"]]
        table(("STATUS", "WHAT", "FOUND"), rows, status="STATUS")
        for finding in found["findings"]:
            if finding["ok"] is not True and finding["fix"]:
                typer.echo(printable(f"{finding['title']}: {finding['fix']}"), err=True)
    missing = [finding["title"] for finding in found["findings"] if finding["ok"] is False]
    if missing:
        raise Unfit(f"{name} is not fit to be built in: {', '.join(missing)}.")


@app.command()
def bootstrap(
    name: str = Name,
    assignments: list[str] = Assignments,
    settings: Path | None = typer.Option(None, "--settings", help="A YAML file of settings; --set goes before it."),
    cidr: str = typer.Option("", "--cidr", help="Block of its network, out of the pool. Without: the lowest free one."),
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Build the common components: network, load balancer, cluster, DNS zone, certificate."""
    from stackyard.cli.values import read_settings

    client = Client.from_environment()
    address = f"/sandboxes/{part(name)}"
    chosen = {}
    if assignments or settings is not None:
        chosen = read_settings(client.get(f"{address}/baseline")["parameters"], assignments, settings)
    wish = {"settings": chosen, **({"vpc_cidr": cidr} if cidr else {})}
    go_on(client, client.post(f"{address}/bootstrap", wish), wait=wait, as_json=as_json)


@app.command()
def change(
    name: str = Name,
    assignments: list[str] = Assignments,
    unset: list[str] = typer.Option([], "--unset", metavar="PATH", help="Back to the usual value; repeatable."),
    diff: bool = typer.Option(False, "--diff", help="Show what would become of the code, and do nothing."),
    plan_only: bool = typer.Option(False, "--plan-only", help="End after Terraform's plan."),
    confirm: str = typer.Option(
        "", "--confirm", metavar="NAME", help="Approve also a plan that takes things away: baseline-<sandbox>."
    ),
    wait: bool = Wait,
    as_json: bool = JsonOption,
) -> None:
    """Change the settings of the common components that stand. As `stackyard env change` does."""
    found = Client.from_environment().get(f"/sandboxes/{part(name)}")
    baseline = found["baseline"]
    if baseline is None:
        hint = "Those in its facts were built by somebody else." if found["facts"] else "Bootstrap it first."
        raise NotFound(f"{name} has no common components that Stackyard built.", hint=hint)
    changes.change(
        environment=baseline["uid"],
        assignments=assignments,
        unset=unset,
        settings=None,
        diff=diff,
        plan_only=plan_only,
        ask=False,
        confirm=confirm,
        wait=wait,
        as_json=as_json,
    )


@app.command()
def edit(
    name: str = Name,
    assignments: list[str] = typer.Option(
        [], "--set", metavar="FIELD=VALUE", help="A field as `show --json` names it, such as max_environments=20."
    ),
    own: list[str] = Own,
    as_json: bool = JsonOption,
) -> None:
    """Change a sandbox's own fields: role, pool, rules. What something there was built with stays as it is."""
    client = Client.from_environment()
    address = f"/sandboxes/{part(name)}"
    now = client.get(address)
    wish: dict[str, Any] = {key: _as(now.get(key), text) for key, text in _pairs(assignments, "--set")}
    if own:
        wish["facts"] = _own(own)
    if not wish:
        raise Invalid.field("--set", "Say what to change, such as max_environments=20.")
    changed = client.patch(address, wish)
    if as_json:
        print_json(changed)
    else:
        _describe(changed)


@app.command("destroy-baseline")
def destroy_baseline(name: str = Name, yes: bool = Yes, wait: bool = Wait, as_json: bool = JsonOption) -> None:
    """Destroy the common components. Refused while an environment lives in the sandbox."""
    client = Client.from_environment()
    _confirm(yes, f"Destroy the common components of {name} for good?")
    go_on(client, client.delete(f"/sandboxes/{part(name)}/baseline"), wait=wait, as_json=as_json)


@app.command()
def retire(name: str = Name, yes: bool = Yes, as_json: bool = JsonOption) -> None:
    """Take a sandbox out of use. Account and zone stay taken."""
    client = Client.from_environment()
    _confirm(yes, f"Retire {name}?")
    _told(client.post(f"/sandboxes/{part(name)}/retire"), "is retired", as_json=as_json)


@app.command()
def reinstate(name: str = Name, as_json: bool = JsonOption) -> None:
    """Take a retired sandbox back."""
    found = Client.from_environment().post(f"/sandboxes/{part(name)}/reinstate")
    _told(found, "is back; check it, then bootstrap it", as_json=as_json)


def _told(found: Any, what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        say(f"{found['name']} {what}.")


def _confirm(yes: bool, question: str) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid.field("--yes", "Nobody can be asked here; say --yes to go on without a question.")
    typer.confirm(question, abort=True, err=True)


def _only_pool(client: Client) -> str:
    """The pool, when there is no choice; else an empty text, and a person adds it later."""
    items, count = client.pages("/address-pools", 2)
    if count > 1:
        names = ", ".join(item["name"] for item in items)
        raise Invalid.field("--pool", f"There is more than one; choose, for example of {names}.")
    return str(items[0]["name"]) if items else ""


def _own(assignments: list[str]) -> dict[str, Any]:
    """Ids of components; those of subnets are lists, separated by commas."""
    return {
        key: [p.strip() for p in value.split(",") if p.strip()] if key.endswith("_ids") else value
        for key, value in _pairs(assignments, "--own")
    }


def _pairs(assignments: list[str], option: str) -> list[tuple[str, str]]:
    found = []
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals or not key.strip():
            raise Invalid.field(option, f"'{assignment}' is not NAME=VALUE.")
        found.append((key.strip(), value.strip()))
    return found


def _as(now: Any, text: str) -> Any:
    """A value of the kind that the field has now; as it was written when it is none, so that the server says so."""
    if isinstance(now, bool):
        return {"true": True, "false": False}.get(text.lower(), text)
    if isinstance(now, list | dict):
        try:
            return yaml.safe_load(text or str(type(now)()))
        except yaml.YAMLError:
            return text
    return int(text) if isinstance(now, int) and text.lstrip("-").isdecimal() else text


def _describe(found: Any) -> None:
    say(f"{found['name']}: {found['status']}")
    baseline = found["baseline"]
    strange = "there already, built by no run" if found["facts"] else "none yet"
    built = "the account's own" if found["own_baseline"] else strange
    facts = {
        "Account": f"{found['account_id']}, {found['region']}{', emulated' if found['emulated'] else ''}",
        "Department": found["department"],
        "Role": found["role_arn"],
        "Zone": found["zone_name"],
        "Parent zone": f"{found['parent_zone_id']} {found['parent_role_arn']}".strip(),
        "Host names": found["fqdn_rule"],
        "Address pool": found["pool"],
        "Environments": f"{found['environments']} of {found['max_environments']}, "
        f"{found['max_parallel_runs']} runs at a time",
        "Lifetime": f"{found['lifetime_days']} days, at most {found['max_lifetime_days']}",
        "Executor": " ".join([found["executor"], *(f"{k}={v}" for k, v in found["executor_options"].items())]),
        "Issues": found["issues"] or "as the installation has it",
        "Approvals": f"{len(found['approvals'])} rules beside the usual one" if found["approvals"] else "",
        "Components": f"{baseline['slug']}, {baseline['status']}" if baseline else built,
    }
    for title, value in facts.items():
        if value:
            say(f"  {title:<13} {value}")
    for name, value in sorted(found["facts"].items()):
        say(f"    {name} = {value_text(value)}")
