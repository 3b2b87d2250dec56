"""`stackyard job`: what a build on another machine calls. It needs neither the server nor its database."""

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import typer

from stackyard.cli.server import wishes

app = typer.Typer(help="Terraform's part of a run, on the machine of a build.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Terraform's part of a run, on the machine of a build."""


@app.command("run")
def run(
    folder: Path = typer.Argument(help="The job: job.json, code/ and what its steps need.", show_default=False),
    out: Path | None = typer.Option(None, help="Where events and results go; left out: `out` in the job's folder."),
    as_json: bool = typer.Option(False, "--json", help="Each event as a line of JSON, for whoever follows the build."),
) -> None:
    """Do the steps of a job with Terraform. Exit 1 when they failed or were cancelled, 2 when the job is no good."""
    # Held back until Terraform can be ended in good order, and again after that: a result is always written.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    from stackyard.cli.output import printable
    from stackyard.cli.server.prepare import read_settings
    from stackyard.executors.job import read_job
    from stackyard.executors.running import run_job

    job, settings = read_job(folder), read_settings()

    def say(line: str) -> None:
        typer.echo(line if as_json else printable(line))

    result = run_job(job, folder, out or folder / "out", settings, say, as_json=as_json)
    raise typer.Exit(0 if result.status == "succeeded" else 1)


@app.command("build")
def build(
    folder: Path = typer.Argument(help="The job: job.json, code/ and what its steps need.", show_default=False),
) -> None:
    """Do a job as a build elsewhere does: with the secrets that it names, and its results brought to where it says."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    from stackyard.aws.own_job import Events, deliver, secrets_given
    from stackyard.cli.server.prepare import read_settings
    from stackyard.executors.job import read_job
    from stackyard.executors.running import run_job

    job, settings, out = read_job(folder), read_settings(), folder / "out"
    own = {**os.environ, **(secrets_given(job.secrets) if job.secrets else {})}
    with ExitStack() as stack:
        say: Callable[[str], None] = typer.echo
        if job.live:
            events = stack.enter_context(Events(job.results, lambda: os.kill(os.getpid(), signal.SIGTERM)))
            say = _to_both(typer.echo, events.say)
        result = run_job(job, folder, out, settings, say, own, as_json=True)
    if job.results:
        deliver(out, job.results)
    raise typer.Exit(0 if result.status == "succeeded" else 1)


def _to_both(first: Callable[[str], None], second: Callable[[str], None]) -> Callable[[str], None]:
    def say(line: str) -> None:
        second(line)
        first(line)

    return say


app.command("decide")(wishes.decide)
app.command("make")(wishes.make)
