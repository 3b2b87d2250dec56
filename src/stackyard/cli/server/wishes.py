"""`stackyard job decide` and `stackyard job make`: what the shipped workflows of GitHub Actions call."""

import json
import os
import re
from pathlib import Path

import typer

from stackyard.errors import Invalid, StackyardError, shown
from stackyard.settings import Settings


def decide(
    event: Path = typer.Argument(help="File with the event, as in GITHUB_EVENT_PATH.", show_default=False),
    checkout: Path = typer.Argument(help="Checkout of the repository of environment code.", show_default=False),
    outputs: Path | None = typer.Option(None, help="Also write NAME=VALUE lines to this file, as in GITHUB_OUTPUT."),
) -> None:
    """Say what an event asks for: `what`, `environment`, `deletes`, and the `account` and `region` that it is in.

    Nothing for an issue that the form did not make. What is wrong with it is the output `problem`."""
    from stackyard.executors.requested import State, find_code, make_job, read_event

    told: dict[str, str] = {}
    try:
        wish = read_event(_event(event))
        if wish is not None:
            job, _ = make_job(wish, find_code(checkout, wish.environment), State(""), run=0)
            told = {"what": wish.what, "environment": wish.environment, "deletes": "yes" if wish.deletes else "no"}
            told |= {"account": job.account_id, "region": job.region}
    except StackyardError as error:
        told = {"problem": shown(error, 1000)}
        raise
    finally:
        lines = "".join(f"{name}={value}\n" for name, value in told.items())
        typer.echo(lines, nl=False)
        if outputs is not None:
            with outputs.open("a", encoding="utf-8") as file:
                file.write(lines)


def make(
    what: str = typer.Argument(help="create, change or destroy.", show_default=False),
    environment: str = typer.Argument(help="Name of the environment, such as shop-dev.", show_default=False),
    checkout: Path = typer.Argument(help="Checkout of the repository of environment code.", show_default=False),
    folder: Path = typer.Argument(help="Where the job goes: a new folder.", show_default=False),
    bucket: str = typer.Option("", help="Bucket of the state. Without: stackyard-builds-<account>-<region>-results."),
    deletes: str = typer.Option("no", help="yes: a change may take things away."),
    secrets: str = typer.Option("", help="Secret of Secrets Manager with the job's variables."),
    package: Path | None = typer.Option(None, help="Also pack the job into this zip, for a build in AWS."),
) -> None:
    """Make a job of what the workflow was asked for. It asks AWS for the state: a create must find nothing there."""
    from stackyard.aws.state_bucket import own_state
    from stackyard.cli.server.prepare import read_settings
    from stackyard.executors.job import JOB_FILE, pack, read_job, write_json
    from stackyard.executors.requested import State, copy_code, find_code, make_job, read_event, require_fitting

    settings = read_settings()
    wish = read_event({"inputs": {"what": what, "environment": environment, "deletes": deletes}})
    assert wish is not None
    code = find_code(checkout, wish.environment)
    first, _ = make_job(wish, code, State(""), run=0)
    state = State(
        bucket or f"stackyard-builds-{first.account_id}-{first.region}-results",
        settings.aws_endpoint,
        _locks(settings),
    )
    job, key = make_job(wish, code, state, run=int(os.environ.get("GITHUB_RUN_NUMBER") or 0), secrets=secrets)
    require_fitting(wish, own_state(state.bucket, key, job.region))
    if folder.exists() and any(folder.iterdir()):
        raise Invalid.field(str(folder), "The folder for the job is not empty.")
    copy_code(code, folder)
    write_json(folder / JOB_FILE, job.as_dict())
    read_job(folder)
    if package is not None:
        pack(package, job, folder / "code")
    typer.echo(f"{wish.what} {wish.environment} in account {job.account_id}: {', '.join(job.steps)}.")


def _locks(settings: Settings) -> bool:
    """Whether Terraform's `s3` backend locks with an object beside the state: since 1.10."""
    from stackyard.terraform.engine import find_engine

    return tuple(int(n) for n in re.findall(r"\d+", find_engine(settings.engine).version)[:2]) >= (1, 10)


def _event(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid.field("EVENT", f"It cannot be read: {shown(error)}.") from None
