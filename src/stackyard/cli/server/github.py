"""`stackyard github`: forms, a look whether all is in order, and who is who. On the server's machine."""

from collections.abc import Callable
from pathlib import Path

import typer

from stackyard.errors import StackyardError, Unusable
from stackyard.settings import Settings

app = typer.Typer(help="GitHub as front door and log, on the server's machine.", no_args_is_help=True)


@app.command("form")
def form(
    folder: Path = typer.Option(Path(".github/ISSUE_TEMPLATE"), "--folder", help="Where to write them."),
    push: bool = typer.Option(False, "--push", help="Commit them to the repository of issues instead."),
) -> None:
    """Write the issue forms from today's patterns, products and sandboxes. Commit them to the repository, or --push."""
    from stackyard.cli.server.prepare import prepared

    with prepared() as settings:
        from stackyard.github.forms import PUSH_PERMISSIONS, push_forms, write_forms
        from stackyard.github_api.connection import Connection
        from stackyard.patterns.catalogue import Catalogue

        if push:
            _require_configured(settings)
            there = Connection(settings, settings.github_repository, PUSH_PERMISSIONS)
            for name, written in push_forms(there, Catalogue.from_settings()).items():
                typer.echo(f"{name}: {'committed' if written else 'as it was'}")
        else:
            for path in write_forms(folder, Catalogue.from_settings()):
                typer.echo(str(path))


@app.command("check")
def check() -> None:
    """Say whether GitHub can be reached as configured, and what waits for it. Exit 1 when something is wrong."""
    from stackyard.cli.server.prepare import prepared

    with prepared() as settings:
        from stackyard.cli.output import say
        from stackyard.github.client import Client
        from stackyard.github.keeper import standing

        _require_configured(settings)
        client, wrong = Client(settings), False
        asked: list[tuple[str, Callable[[], str]]] = [
            ("Speaks as", lambda: client.login),
            ("Issues of", client.usable),
        ]
        if settings.record_pull_requests:
            from stackyard.github.pull_client import PullClient

            pulls = PullClient(settings)
            asked.append(("Pull requests of", lambda: pulls.fits(settings.record_remote)))
        for title, look in asked:
            try:
                say(f"{title}: {look()}")
            except StackyardError as error:
                wrong = True
                say(f"{title}: {error}")
        hooks = "taken at /github/webhook" if settings.github_webhook_secret else "not taken: no secret is set"
        say(f"Webhooks: {hooks}")
        polls = f"every {settings.github_poll_seconds:g} s" if settings.github_poll_seconds else "never"
        say(f"Polling: {polls}")
        for line in standing():
            say(line)
    if wrong:
        raise typer.Exit(1)


@app.command("person")
def person(
    name: str = typer.Argument(help="Sign-in name.", show_default=False),
    login: str = typer.Argument("", help="Login on GitHub; left out, the person has none any more."),
) -> None:
    """Say who somebody is on GitHub. What they ask for there is done with their rights here."""
    from stackyard.cli.server.prepare import prepared

    with prepared():
        from stackyard.cli.server.people import known_as

        known_as(name, login)
    typer.echo(f"{name} is {login} on GitHub." if login else f"{name} is nobody on GitHub.")


def _require_configured(settings: Settings) -> None:
    from stackyard.github_api.connection import is_configured

    if not is_configured(settings):
        raise Unusable(
            "GitHub is not configured.", hint="Set STACKYARD_GITHUB_REPOSITORY, and a token or an App's id and key."
        )
