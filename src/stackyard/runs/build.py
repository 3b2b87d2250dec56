"""Build the context of a run from the database; after a takeover first make sure that the old Terraform is dead."""

import asyncio
import shutil

from stackyard.cmdb.models import Environment, PatternVersion, Run, Sandbox
from stackyard.cmdb.sealing import unseal
from stackyard.database.connection import database_url
from stackyard.executors.local import LocalExecutor
from stackyard.patterns.workspace import secret_variables
from stackyard.runs.context import RunContext, access_to
from stackyard.runs.database import in_database
from stackyard.runs.lease import Lease, guarded
from stackyard.runs.log import RunLog
from stackyard.settings import Settings
from stackyard.terraform.events import Event
from stackyard.terraform.processes import Process
from stackyard.terraform.workdir import Workdir


async def build_context(lease: Lease, settings: Settings) -> RunContext:
    """Everything that the stages need."""
    run = await in_database(_load, lease.run_id)
    environment, sandbox = run.environment, run.environment.sandbox
    pattern: PatternVersion = environment.pattern
    if lease.taken_over and run.process:
        await Process.from_dict(run.process).end(settings.grace_seconds)
    workdir = Workdir(settings.data.resolve() / "work" / f"{environment.uid}-{run.pk}")
    if lease.taken_over:
        await asyncio.to_thread(_empty, workdir)
    access = access_to(sandbox, settings)
    secrets = secret_variables(unseal(environment.sealed))
    log = RunLog(lease, hidden=secrets.values())
    executor = LocalExecutor.from_settings(settings, emulated=sandbox.emulated)
    terraform = executor.terraform(
        workdir,
        {**_environment_variables(environment, sandbox, settings), **secrets},
        on_event=lambda event: _log_event(log, event),
        on_process=_ProcessKeeper(lease).keep,
    )
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
    )


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


def _environment_variables(environment: Environment, sandbox: Sandbox, settings: Settings) -> dict[str, str]:
    """What Terraform's process gets beside the allow-list: access to AWS and to its state."""
    access = access_to(sandbox, settings)
    variables = {**access.environment(f"stackyard-{environment.uid}"), **access.terraform_variables()}
    if environment.backend == "pg":
        variables["PG_CONN_STR"] = database_url(settings)
        variables["PG_SCHEMA_NAME"] = environment.state_name
    return variables


def _log_event(log: RunLog, event: Event) -> None:
    if event.message:
        log.write(event.message, level=event.level, address=event.address)


class _ProcessKeeper:
    """Keeps the run row's note of the present Terraform process, so that a later worker can confirm its death."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._last: asyncio.Task[None] | None = None

    def keep(self, process: Process | None) -> None:
        """Write the note, one after the other, in the order of the calls."""
        self._last = asyncio.get_running_loop().create_task(self._write(process, self._last))

    async def _write(self, process: Process | None, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait({before})
        await in_database(guarded, self._lease, process=process.as_dict() if process else None)
