"""`stackyard pattern`: what can be built. `import` and `lint` work on files of this machine, without a server."""

from pathlib import Path
from typing import Any

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.output import JsonOption, print_json, say, table, value_text

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
    rows = [(p["path"], p["kind"], value_text(p["default"]), _rule(p)) for p in found["parameters"]]
    table(("SETTING", "KIND", "DEFAULT", "RULE"), rows)
    if readme:
        say()
        say(found["readme"])


@app.command()
def schema(pattern: str = typer.Argument(help="Name of a pattern.", show_default=False)) -> None:
    """Print the JSON Schema of a pattern's settings."""
    print_json(Client.from_environment().get(f"/patterns/{part(pattern)}/schema"))


@app.command("import")
def import_(
    directory: Path = typer.Argument(metavar="DIR", help="A Terraform root module.", show_default=False),
    name: str = typer.Option("", "--name", help="Name of the pattern; without it, the folder's.", show_default=False),
    into: Path = typer.Option(None, "--into", help="Folder of patterns; without it, the server's setting."),
) -> None:
    """Turn a Terraform root module into a pattern: copy it as it is and write a first pattern.yaml."""
    from stackyard.cli.pattern_files import import_folder

    import_folder(directory, name, into)


@app.command()
def lint(
    directory: Path = typer.Argument(metavar="DIR", help="A pattern's folder.", show_default=False),
    static: bool = typer.Option(False, "--static", help="Read the files only; do not ask Terraform."),
    as_json: bool = JsonOption,
) -> None:
    """Check a pattern's files. Exit code 1 when there are errors."""
    from stackyard.cli.pattern_files import lint_folder

    lint_folder(directory, static=static, as_json=as_json)


@app.command("test")
def try_out(
    pattern: str = typer.Argument(help="A pattern's name in the catalogue, or its folder.", show_default=False),
    settings: list[str] = typer.Option(
        [], "--set", metavar="PATH=VALUE", help="A setting of all variants; repeatable."
    ),
    choices: list[str] = typer.Option(
        [], "--matrix", metavar="PATH=V1,V2", help="Values to be tried, each with each other; repeatable."
    ),
    change: str = typer.Option(
        "", "--change", metavar="PATH=VALUE", help="The change to try; without it, one is chosen."
    ),
    sandbox: str = typer.Option("", "--sandbox", help="Test in this sandbox; without it, on an emulator of its own."),
    jobs: int = typer.Option(0, "--jobs", min=0, help="How many variants at a time (4)."),
    junit: Path = typer.Option(None, "--junit", metavar="FILE", help="Write JUnit XML here.", show_default=False),
    mark: bool = typer.Option(False, "--mark", help="Tell the server, so that the catalogue shows it."),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> None:
    """Build a pattern for real, prove it, change it, destroy it, and prove that nothing is left.

    Exit code 1 when a step failed. What was built is always destroyed.
    """
    from stackyard.cli.pattern_test import test_and_report

    test_and_report(
        pattern,
        sets=settings,
        choices=choices,
        change=change,
        sandbox=sandbox,
        jobs=jobs,
        junit=junit,
        mark=mark,
        as_json=as_json,
    )


def _rule(parameter: Any) -> str:
    """The rule of a parameter in a few words."""
    rules = ["required"] if parameter["required"] else []
    if parameter["locked"]:
        rules.append("fixed by the platform team")
    if parameter["enum"]:
        rules.append("one of " + ", ".join(value_text(v) for v in parameter["enum"]))
    if parameter["min"] is not None:
        rules.append(f"at least {parameter['min']:g}")
    if parameter["max"] is not None:
        rules.append(f"at most {parameter['max']:g}")
    if parameter["pattern"]:
        rules.append(f"matches {parameter['pattern']}")
    if parameter["unit"]:
        rules.append(parameter["unit"])
    return "; ".join(rules)
