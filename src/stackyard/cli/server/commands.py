"""Commands on the server's machine. Django is imported inside, after the settings are checked."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import typer

users = typer.Typer(help="People and their tokens, on the server's machine.", no_args_is_help=True)

GRACEFUL_SECONDS = 3
"""How long open requests may go on after a stop; a live log would keep the server for ever."""


def serve(
    host: str = typer.Option("127.0.0.1", help="Address to listen on."),
    port: int = typer.Option(8000, min=0, max=65535, help="Port to listen on; 0 takes any free one."),
) -> None:
    """Serve the portal and the API. Starts the embedded PostgreSQL unless DATABASE_URL names another."""
    from stackyard.cli.server.prepare import prepared
    from stackyard.database.connection import bound_transactions

    bound_transactions()
    listening = _listen(host, port)
    _end_on_sigterm()
    with listening, prepared():
        import structlog
        import uvicorn

        config = uvicorn.Config(
            "stackyard.site.asgi:application",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=GRACEFUL_SECONDS,
        )
        address = listening.getsockname()
        structlog.get_logger().info("serving", url=f"http://{_in_url(address[0])}:{address[1]}")
        uvicorn.Server(config).run(sockets=[listening])


def worker() -> None:
    """Carry out runs until stopped. A first Ctrl-C or SIGTERM lets runs at work end."""
    import asyncio

    from stackyard.cli.server.prepare import prepared
    from stackyard.database.connection import bound_transactions

    bound_transactions()
    with prepared() as settings:
        import structlog

        from stackyard.github.keeper import keep_up
        from stackyard.runs.worker import work, worker_name

        structlog.get_logger().info("working", worker=worker_name(), run_slots=settings.run_slots)
        asyncio.run(work(settings, beside=[keep_up]))


def migrate() -> None:
    """Bring the database to this version. Starts the embedded PostgreSQL unless DATABASE_URL names another."""
    from stackyard.cli.server.prepare import missing_migrations, prepared

    with prepared(migrated=False):
        from django.core.management import call_command

        missing = missing_migrations()
        call_command("migrate", verbosity=0, interactive=False)
        typer.echo(f"{len(missing)} migrations applied." if missing else "The database is up to date.")


def backup(
    folder: Path = typer.Argument(help="New folder for the backup.", show_default=False),
) -> None:
    """Write database and record into a folder. Runs may go on meanwhile."""
    from stackyard.cli.server.prepare import prepared

    with prepared() as settings:
        from stackyard.cli.server.backup import make

        label = make(settings, folder)
    typer.echo(f"{folder}: {label.environments} environments, record at {label.record[:10] or 'no commit'}.")
    typer.echo("Keep the secret key elsewhere: without it sealed secrets cannot be read.", err=True)


def restore(
    folder: Path = typer.Argument(help="Folder of a backup.", exists=True, file_okay=False, show_default=False),
    other_key: bool = typer.Option(False, "--other-key", help="Although sealed secrets can then never be read again."),
) -> None:
    """Bring a backup into an empty database and data folder, and up to this version."""
    from stackyard.cli.server.prepare import prepared

    with prepared(migrated=False) as settings:
        from django.core.management import call_command

        from stackyard.cli.server.backup import bring_back

        label = bring_back(settings, folder, other_key=other_key)
        call_command("migrate", verbosity=0, interactive=False)
    typer.echo(f"Restored as of {label.made_at}: {label.environments} environments.")
    if label.active_runs:
        typer.echo(f"{label.active_runs} runs were going on then; the next worker takes them over.", err=True)


def show_settings(
    markdown: bool = typer.Option(False, "--markdown", help="As the page of the documentation, without values."),
) -> None:
    """Print every setting with its present value; secrets are hidden."""
    from stackyard.cli.output import say
    from stackyard.cli.server import reference
    from stackyard.cli.server.prepare import read_settings

    if markdown:
        typer.echo(reference.page(), nl=False)
        return
    for variable, value in reference.current(read_settings()):
        say(f"{variable}={value}")


@users.command("add")
def add_user(
    name: str = typer.Argument(help="Sign-in name.", show_default=False),
    role: str = typer.Option(help="viewer, requester or platform.", show_default=False),
    department: str = typer.Option("", help="Name of the department; not for platform staff."),
    email: str = typer.Option("", help="E-mail address."),
) -> None:
    """Add a person; the password is asked for, or read from standard input when that is no terminal."""
    from stackyard.cli.server.prepare import prepared

    password = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\n")
    )
    with prepared():
        from stackyard.cli.server.people import add_person

        add_person(name, password, role, department, email)
    typer.echo(f"{name} can sign in.")


@users.command("token")
def issue_token(
    name: str = typer.Argument(help="Sign-in name.", show_default=False),
    title: str = typer.Option("command line", "--title", help="What the token is for."),
) -> None:
    """Make an API token for a person and print it. It is shown this once."""
    from stackyard.cli.server.prepare import prepared

    with prepared():
        from stackyard.cli.server.people import issue

        token = issue(name, title)
    typer.echo(token)


def _listen(host: str, port: int) -> Any:
    """A listening socket, taken before anything is started: a port that is taken is said at once."""
    import socket

    from stackyard.errors import Conflict

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (
            os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        )  # below 0: a name's trouble
        raise Conflict(f"Port {port} of {host}: {reason}.", hint="Choose another with --port.") from None


def _end_on_sigterm() -> None:
    """uvicorn shuts down on SIGTERM and then sends it again; that one must run our own endings, too."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
