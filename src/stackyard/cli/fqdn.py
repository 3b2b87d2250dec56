"""`stackyard env fqdn`: further host names of an environment."""

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment, Wait, go_on
from stackyard.cli.output import JsonOption, print_json, table

app = typer.Typer(help="Host names that an environment has beside its first.", no_args_is_help=True)

Fqdn = typer.Argument(help="Host name in the sandbox's zone.", show_default=False)


@app.command()
def add(environment: str = Environment, fqdn: str = Fqdn, wait: bool = Wait, as_json: bool = JsonOption) -> None:
    """Give an environment one more host name: record, listener rule and certificate follow."""
    client = Client.from_environment()
    accepted = client.post(f"/environments/{part(environment)}/fqdns", {"fqdn": fqdn})
    go_on(client, accepted, wait=wait, as_json=as_json)


@app.command()
def remove(environment: str = Environment, fqdn: str = Fqdn, wait: bool = Wait, as_json: bool = JsonOption) -> None:
    """Take a further host name away. Its record goes, so the run waits for approval."""
    client = Client.from_environment()
    accepted = client.delete(f"/environments/{part(environment)}/fqdns/{part(fqdn)}")
    go_on(client, accepted, wait=wait, as_json=as_json)


@app.command("list")
def list_(environment: str = Environment, as_json: bool = JsonOption) -> None:
    """List an environment's host names, the first one first."""
    found = Client.from_environment().get(f"/environments/{part(environment)}/fqdns")
    if as_json:
        print_json(found)
        return
    own = "its own" if found["own_certificate"] else "the sandbox's"
    rows = [(found["fqdn"], "first", own)] if found["fqdn"] else []
    rows += [(n["fqdn"], "further", "its own" if n["own_certificate"] else "the sandbox's") for n in found["further"]]
    table(("HOST NAME", "KIND", "CERTIFICATE"), rows)
    if not rows:
        typer.echo("None: nothing of it is reached from outside.", err=True)
