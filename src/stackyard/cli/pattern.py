"""`stackyard pattern`: what can be built."""

from typing import Any

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.output import JsonOption, print_json, say, table

app = typer.Typer(help="See what can be built, and what can be set.", no_args_is_help=True)


@app.command("list")
def list_(as_json: bool = JsonOption) -> None:
    """List patterns."""
    found = Client.from_environment().get("/patterns")
    if as_json:
        print_json(found)
        return
    table(("NAME", "VERSION", "TITLE"), [(p["name"], p["version"], p["title"]) for p in found["items"]])
    for name, reason in found["broken"].items():
        typer.echo(f"{name} cannot be used: {reason}", err=True)


@app.command()
def show(
    pattern: str = typer.Argument(help="Name of a pattern.", show_default=False),
    readme: bool = typer.Option(False, "--readme", help="Print its README as well."),
    as_json: bool = JsonOption,
) -> None:
    """Show a pattern: what it builds, what it needs, and every setting with its default and rule."""
    found = Client.from_environment().get(f"/patterns/{part(pattern)}")
    if as_json:
        print_json(found)
        return
    say(f"{found['title']} ({found['name']} {found['version']})")
    say(found["description"])
    say(f"Needs of a sandbox: {', '.join(found['needs']) or 'nothing'}")
    say()
    rows = [(p["path"], p["kind"], _value(p["default"]), _rule(p)) for p in found["parameters"]]
    table(("SETTING", "KIND", "DEFAULT", "RULE"), rows)
    if readme:
        say()
        say(found["readme"])


def _rule(parameter: Any) -> str:
    """The rule of a parameter in a few words."""
    rules = []
    if parameter["locked"]:
        rules.append("fixed by the platform team")
    if parameter["enum"]:
        rules.append("one of " + ", ".join(_value(v) for v in parameter["enum"]))
    if parameter["min"] is not None:
        rules.append(f"at least {parameter['min']:g}")
    if parameter["max"] is not None:
        rules.append(f"at most {parameter['max']:g}")
    if parameter["pattern"]:
        rules.append(f"matches {parameter['pattern']}")
    if parameter["unit"]:
        rules.append(parameter["unit"])
    return "; ".join(rules)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
