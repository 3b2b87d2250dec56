"""Build the context of a run from the database; after a takeover first make sure that the old Terraform is dead."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from stackyard.cmdb.models import Environment, Run, Sandbox, Stage
from stackyard.cmdb.sealing import unseal
from stackyard.database.connection import state_url
from stackyard.errors import LeaseLost
from stackyard.executors.interfaces import Noted, Place, Purpose
from stackyard.executors.registry import REMOTE, executor_for
from stackyard.patterns.workspace import secret_variables
from stackyard.runs.backend import state_bucket, state_key
from stackyard.runs.context import RunContext, access_to
from stackyard.runs.database import in_database
from stackyard.runs.gap import unread
from stackyard.runs.lease import Lease, guarded, renew
from stackyard.runs.log import RunLog
from stackyard.runs.versions import passport_in, version_that_built
from stackyard.settings import Settings
from stackyard.terraform.commands import secrets_in
from stackyard.terraform.events import Event
from stackyard.terraform.processes import Process
from stackyard.terraform.workdir import Workdir


async def build_context(lease: Lease, settings: Settings) -> RunContext:
    """Everything that the stages need."""
    run = await in_database(_load, lease.run_id)
    environment, sandbox = run.environment, run.environment.sandbox
    workdir = Workdir(settings.data.resolve() / "work" / f"{environment.uid}-{run.pk}")
    notes: list[str] = []
    if lease.taken_over:
        async with _held(lease):
            await _end_old_terraform(run, workdir, settings.grace_seconds, notes.append)
        await asyncio.to_thread(_empty, workdir)
    # After approval the work folder holds what was planned, which an upgrade has brought to another version.
    pattern = await in_database(version_that_built, environment, passport_in(workdir.code))
    access = access_to(sandbox, settings)
    sealed = unseal(environment.sealed)
    secrets = secret_variables(sealed)
    log = RunLog(lease, hidden=[*secrets.values(), *_texts_in(sealed)])
    variables = {**_environment_variables(environment, sandbox, settings), **secrets}
    if lease.taken_over:
        log.stage, lines = await in_database(unread, run, workdir, secrets_in(variables), log.clean)
        for line in lines:
            _log_event(log, line)
    for note in notes:
        log.write(note, level="warning")
    executor = executor_for(_executor_of(environment), settings, Place(access, sandbox.executor_options))
    terraform = executor.terraform(
        workdir,
        variables,
        purpose=_purpose(run, settings),
        attached=run.process,
        on_event=lambda event: _log_event(log, event),
        on_process=_ProcessKeeper(run, lease).keep,
    )
    terraform.before = lambda: in_database(renew, lease)
    return RunContext(
        run=run,
        environment=environment,
        sandbox=sandbox,
        pattern=pattern,
        lease=lease,
        log=log,
        settings=settings,
        executor=executor,
        terraform=terraform,
        workdir=workdir,
        access=access,
        earlier_seconds=await in_database(_worked, run.pk),
    )


@contextlib.asynccontextmanager
async def _held(lease: Lease) -> AsyncIterator[None]:
    """Renew the lease while nothing else does it yet: the old Terraform may need longer to end than a lease lasts."""

    async def renewing() -> None:
        while True:
            await in_database(renew, lease)
            await asyncio.sleep(lease.seconds / 3)

    task = asyncio.create_task(renewing())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _end_old_terraform(run: Run, workdir: Workdir, grace_seconds: float, tell: Callable[[str], None]) -> None:
    """Make sure that nothing of the silent worker works on the state any more, before anything else begins.

    On this machine everything is ended that is noted in the row or works in the run's folder. A job that an executor
    has out goes on: this worker follows it. On another machine nothing can be seen: there its lease is long over
    (`claim`), by which its worker has ended it, and Terraform's own lock on the state stands between the two.
    """
    here = run.process if run.process and "executor" not in run.process else None
    noted = [Process.from_dict(here)] if here else []
    for process in (*noted, *await asyncio.to_thread(Process.in_folder, workdir.root)):
        await process.end(grace_seconds, tell)
    host = here["host"] if here else socket.gethostname()
    if host != socket.gethostname():
        tell(
            f"The worker before was on {host}, which cannot be looked at from here. Its lease is long over; Terraform "
            "begins when the lock on the state is free."
        )


def _texts_in(value: Any) -> Iterator[str]:
    """Every text in a secret that is a list or an object."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(item)


def _worked(run_id: int) -> float:
    """Seconds that the ended stages of a run took, without approval."""
    ended = Stage.objects.filter(run_id=run_id, finished_at__isnull=False).exclude(name="approve")
    return sum(stage.seconds or 0.0 for stage in ended)


def _empty(workdir: Workdir) -> None:
    """Take the old code away, but keep a state that could not be saved: what it alone knows would be lost in AWS."""
    if workdir.errored_state.exists():
        workdir.errored_state.replace(workdir.rescued_state)
    shutil.rmtree(workdir.code, ignore_errors=True)


def _load(run_id: int) -> Run:
    return Run.objects.select_related(
        "environment__product",
        "environment__sandbox__department",
        "environment__pattern",
        "environment__owner",
        "approved_by",
    ).get(pk=run_id)


def _executor_of(environment: Environment) -> str:
    """The sandbox's, unless the state lies where the executor cannot reach it: that of a baseline, which makes what
    executors need, and of environments from before the sandbox had this executor."""
    name = environment.sandbox.executor
    return "local" if name in REMOTE and (environment.is_baseline or environment.backend != "s3") else name


def _purpose(run: Run, settings: Settings) -> Purpose:
    environment = run.environment
    if environment.backend != "s3":
        return Purpose(run.pk, environment.slug, environment.uid)
    bucket = state_bucket(settings, environment.sandbox)
    return Purpose(run.pk, environment.slug, environment.uid, bucket, state_key(environment))


def _environment_variables(environment: Environment, sandbox: Sandbox, settings: Settings) -> dict[str, str]:
    """What Terraform's process gets beside the allow-list: access to AWS and to its state."""
    access = access_to(sandbox, settings)
    variables = {**access.environment(f"stackyard-{environment.uid}"), **access.terraform_variables()}
    if environment.backend == "pg":
        variables["PG_CONN_STR"] = state_url(settings)
        variables["PG_SCHEMA_NAME"] = environment.state_name
    return variables


def _log_event(log: RunLog, event: Event) -> None:
    if event.message:
        log.write(event.message, level=event.level, address=event.address)


class _ProcessKeeper:
    """Keeps the run row's note of the present Terraform process, so that a later worker can confirm its death."""

    def __init__(self, run: Run, lease: Lease) -> None:
        self._lease = lease
        self._last: asyncio.Task[None] | None = None
        self._builds = {build["key"]: build for build in run.builds}

    def keep(self, noted: Noted | None) -> "asyncio.Task[None]":
        """Write the note, one after the other, in the order of the calls."""
        self._last = asyncio.get_running_loop().create_task(self._write(noted, self._last))
        return self._last

    async def _write(self, noted: Noted | None, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait({before})
        row = noted.as_dict() if noted else None
        if row and (links := row.get("reference", {}).get("links")):
            key = row["reference"]["key"]
            self._builds[key] = {"key": key, "executor": row["executor"], "step": row["step"], "links": links}
        with contextlib.suppress(LeaseLost):  # the next guarded write says so to those who have to stop
            await in_database(guarded, self._lease, process=row, builds=list(self._builds.values()))
