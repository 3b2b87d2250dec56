"""`stackyard github`: forms, a look whether all is in order, and who is who. On the server's machine."""

from collections.abc import Callable
from pathlib import Path

import typer

from stackyard.errors import Invalid, StackyardError, Unusable, shown
from stackyard.settings import Settings

app = typer.Typer(help="GitHub as front door and log, on the server's machine.", no_args_is_help=True)


@app.command("form")
def form(
    folder: Path = typer.Option(Path(".github/ISSUE_TEMPLATE"), "--folder", help="Where to write them."),
    push: bool = typer.Option(False, "--push", help="Commit them to the repository of issues instead."),
    repository: str = typer.Option(
        "", "--repository", metavar="OWNER/NAME", help="One that a sandbox names. Without: the installation's."
    ),
) -> None:
    """Write the issue forms from today's patterns, products and sandboxes. Commit them to the repository, or --push."""
    from stackyard.cli.server.prepare import prepared

    with prepared() as settings:
        from stackyard.github.forms import PUSH_PERMISSIONS, push_forms, write_forms
        from stackyard.github_api.connection import Connection
        from stackyard.patterns.catalogue import Catalogue

        chosen = _named(repository, settings)
        if push:
            _require_configured(settings)
            there = Connection(settings, chosen, PUSH_PERMISSIONS)
            for name, written in push_forms(there, Catalogue.from_settings()).items():
                typer.echo(f"{name}: {'committed' if written else 'as it was'}")
        else:
            for path in write_forms(folder, Catalogue.from_settings(), chosen):
                typer.echo(str(path))


@app.command("check")
def check() -> None:
    """Say whether GitHub can be reached as configured, and what waits for it. Exit 1 when something is wrong."""
    from stackyard.cli.server.prepare import prepared

    with prepared() as settings:
        from stackyard.cli.output import say
        from stackyard.github.client import Client
        from stackyard.github.keeper import standing
        from stackyard.github.repositories import repositories

        _require_configured(settings)
        client, wrong = Client(settings), False
        asked: list[tuple[str, Callable[[], str]]] = [
            ("Speaks as", lambda: client.login),
            *(("Issues of", client.of(name).usable) for name in repositories(settings)),
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


def _named(repository: str, settings: Settings) -> str:
    """The repository, when its issues are those of the installation or of a sandbox."""
    from stackyard.github.repositories import repositories

    if repository and repository.lower() not in repositories(settings):
        said = f"No sandbox names {shown(repository)}: set it with `stackyard sandbox edit`, field issues."
        raise Invalid.field("--repository", said)
    return repository or settings.github_repository


def _require_configured(settings: Settings) -> None:
    from stackyard.github.repositories import repositories
    from stackyard.github_api.connection import has_credentials

    if not has_credentials(settings) or not repositories(settings):
        raise Unusable(
            "GitHub is not configured.", hint="Set STACKYARD_GITHUB_REPOSITORY, and a token or an App's id and key."
        )
