"""`stackyard env workflow`: how the application gets to its environment."""

from pathlib import Path

import typer

from stackyard.cli.client import Client, part
from stackyard.cli.env import Environment
from stackyard.cli.output import JsonOption, print_json, say
from stackyard.errors import Invalid


def workflow(
    environment: str = Environment,
    write: Path | None = typer.Option(
        None, "--write", metavar="DIR", help="Write it into `.github/workflows` of this checkout of the application."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Print a GitHub Actions workflow that deploys the application to an environment."""
    made = Client.from_environment().get(f"/environments/{part(environment)}/workflow")
    if write is not None:
        file = _place(write, made["name"])
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(made["text"], encoding="utf-8")
        except OSError as error:
            raise Invalid.field("--write", f"{file} cannot be written: {error.strerror}.") from None
        typer.echo(f"Written: {file}", err=as_json)
    if as_json:
        print_json(made)
    elif write is None:
        say(made["text"].rstrip("\n"))


def _place(checkout: Path, name: str) -> Path:
    if not checkout.is_dir():
        raise Invalid.field("--write", f"There is no folder {checkout}.")
    return checkout / ".github" / "workflows" / Path(name).name
