"""A job done on this machine, by the same Terraform commands as in a worker: what a build elsewhere comes down to."""

import asyncio
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stackyard.errors import Cancelled, Conflict, Invalid, StackyardError
from stackyard.executors.job import ERRORED_STATE, PLAN_FILE, RESULT_FILE, Job, Result, write_json
from stackyard.executors.local import LocalExecutor
from stackyard.settings import Settings
from stackyard.terraform.commands import SHORTEST_SECRET, secrets_in
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.events import Event
from stackyard.terraform.plan import Plan
from stackyard.terraform.workdir import Workdir

EVENTS_FILE, PLAN_JSON = "events.jsonl", "plan.json"
LEFT = (EVENTS_FILE, PLAN_JSON, PLAN_FILE, ERRORED_STATE, RESULT_FILE)
"""What a job may leave in its folder for results."""

GIVEN = re.compile(
    r"TF_VAR_\w+|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|REGION|DEFAULT_REGION|ROLE_ARN|ROLE_SESSION_NAME"
    r"|WEB_IDENTITY_TOKEN_FILE|CONTAINER_\w+|EC2_METADATA_DISABLED|ENDPOINT_URL\w*)"
)
"""What the build's own environment hands on to Terraform: secret variables, and the ways to the build's role."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What asks a job to stop. GitHub's runner sends both, some seconds apart, before it kills."""

ENDS = {"succeeded": "The job succeeded.", "failed": "The job failed.", "cancelled": "The job was cancelled."}
TAKES_AWAY = ("delete", "replace")


def harmless(text: str) -> list[str]:
    """A text as lines that are no commands to GitHub's runner: those begin with `::`, or have `##[` somewhere in
    them. https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs"""
    lines = (line.replace("##[", "## [") for line in re.split(r"[\r\n]+", text.strip("\r\n")))
    return [re.sub(r"^(\s*):(?=:)", r"\1: ", line) for line in lines]


def harmless_json(data: Mapping[str, Any]) -> str:
    """JSON in a line that is no command to GitHub's runner, either."""
    return json.dumps(data).replace("##[", "#\\u0023[")  # outside of its texts JSON has no such letters


def stands(plan: Mapping[str, Any]) -> bool:
    """Whether the state had managed resources when this plan (as `show -json` tells it) was made."""
    changes = [c for c in plan.get("resource_changes") or () if c.get("mode") == "managed"]
    return any(c["change"].get("before") is not None for c in changes)


def given_environment(job: Job, own: Mapping[str, str]) -> dict[str, str]:
    """What Terraform gets: of the build's `own` environment what is meant for it, and the job's variables. A secret
    variable is the build's, whatever the job says."""
    passed = {name: value for name, value in own.items() if GIVEN.fullmatch(name)}
    region = {"AWS_REGION": job.region} if job.region else {}
    secret = {name: value for name, value in passed.items() if name.startswith("TF_VAR_")}
    return {**passed, **region, **job.variables, **secret}


def hidden_texts(env: Mapping[str, str]) -> tuple[str, ...]:
    """The values that no text may show, and their parts: the texts in a value that is JSON, lines, and all of them as
    they stand between quotes."""
    found = {*secrets_in(env)}
    for value in tuple(found):
        with suppress(ValueError, RecursionError):
            found |= set(_texts_in(json.loads(value)))
    found |= {line.strip() for value in found for line in value.splitlines()}
    found |= {json.dumps(value, ensure_ascii=False)[1:-1] for value in found}
    return tuple(sorted((text for text in found if len(text) >= SHORTEST_SECRET), key=len, reverse=True))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(part)


class Running:
    """One job on this machine. `say` hears every line for people, or with `as_json` each event as in the file; `out`
    gets what the job leaves."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        out: Path,
        executor: LocalExecutor,
        say: Callable[[str], None],
        own: Mapping[str, str] = os.environ,
        *,
        as_json: bool = False,
    ) -> None:
        self._job, self._out, self._say, self._executor = job, out, say, executor
        self._as_json = as_json
        env = given_environment(job, own)
        self._hidden = hidden_texts(env)
        self._workdir = Workdir(folder)
        self._terraform = executor.terraform(self._workdir, env, on_event=self._hear, on_process=self._begun)
        self._terraform.before = self._go_on
        self._stopped = ""
        self._ending: set[asyncio.Task[None]] = set()
        self._step = "init"
        self._changed = False
        self._destroyed = False
        self._saving = False

    async def run(self) -> Result:
        """Do the steps, and write the result. Never raises a StackyardError."""
        self._take_errored_state()
        result = Result("succeeded", self._job.steps[-1])
        try:
            await self._steps()
        except (StackyardError, OSError) as error:
            result = self._failure(error)
        finally:
            self._keep_errored_state()
        await asyncio.gather(*self._ending)
        if result.status == "succeeded":
            result = replace(result, outputs=await self._outputs())
        else:
            await self._save_errored_state()
        result = self._finished(result)
        write_json(self._out / RESULT_FILE, self._clean(result.as_dict()))
        self._tell("error" if result.status == "failed" else "info", f"{ENDS[result.status]} {result.error}".strip())
        return result

    def stop(self, why: str) -> None:
        """End what is at work in good order, and begin nothing more. Asked again, it goes on ending."""
        if self._stopped:
            return
        self._stopped = why
        self._end_command()
        with suppress(OSError):  # a full disk must not keep Terraform from ending
            self._tell("warning", f"{why}: the job is cancelled.")
            # Whoever asked may lose patience and kill us: then this is the result.
            write_json(self._out / RESULT_FILE, self._finished(self._failure(Cancelled(""))).as_dict())

    async def _steps(self) -> None:
        self._tell("info", f"Terraform for {self._job.environment}, run {self._job.run}: {', '.join(self._job.steps)}.")
        await self._terraform.init(self._job.backend)
        self._step = "state"
        if await self._terraform.push_errored_state():
            self._forget_errored_state()
            self._tell("info", "The state that an earlier apply could not save is saved.")
        does = {"plan": self._plan, "apply": self._apply, "destroy": self._terraform.destroy}
        for step in self._job.steps:
            self._step = step
            await does[step]()

    async def _plan(self) -> None:
        await self._terraform.plan(refresh_only=self._job.refresh_only)
        shutil.copyfile(self._workdir.plan_file, _private(self._out / PLAN_FILE))
        await self._look_at_plan()

    async def _look_at_plan(self) -> None:
        """Write the saved plan down for others, and refuse it when it takes away what may only be added to."""
        found = await self._terraform.saved_plan()
        write_json(self._out / PLAN_JSON, found)
        plan = Plan.from_json(found)
        self._tell("info", f"The plan: {plan.summary}.")
        if self._job.on_failure == "destroy" and "apply" in self._job.steps and stands(found):
            # Between the wish for a create and its job another one may have built it.
            raise Conflict(
                "Something of it stands already, and this job would destroy all of that if its apply failed.",
                hint="Nothing was applied. Ask for a change, or take away first what stands.",
            )
        lost = [f"{c.address} ({c.action})" for c in plan.changes if c.action in TAKES_AWAY]
        if self._job.only_adds and lost:
            more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
            raise Conflict(
                f"The plan takes something away, and this job may only add: {', '.join(lost[:5])}{more}.",
                hint="Nothing was applied. Look at the plan; if it is right, ask for it with only_adds false.",
            )

    async def _apply(self) -> None:
        if "plan" not in self._job.steps:
            await self._look_at_plan()
        try:
            await self._terraform.apply()
        except TerraformFailed as error:
            if self._job.on_failure == "destroy" and self._changed and not self._stopped:
                raise await self._taken_back(error) from None
            raise

    async def _taken_back(self, failed: TerraformFailed) -> TerraformFailed:
        """Destroy after an apply that failed half-way; its error, with what became of it."""
        self._tell("error", failed.message)
        self._tell("warning", "The apply failed: what was applied is destroyed.")
        self._keep_errored_state()
        try:
            await self._terraform.destroy()
        except Cancelled:
            raise
        except StackyardError as error:
            if self._stopped:
                raise
            said = error.diagnostics if isinstance(error, TerraformFailed) else ()
            told = TerraformFailed(failed.command, [*failed.diagnostics, *said], failed.status)
            words, hint = (
                f"Destroying what was applied failed, too: {error.message}",
                "Run a job with the step destroy.",
            )
        else:
            self._destroyed = True
            self._forget_errored_state()
            told, words, hint = failed, "What was applied is destroyed again.", failed.hint
        told.message, told.hint = f"{failed.message} {words}", hint
        return told

    async def _outputs(self) -> Mapping[str, Any]:
        """What stands says. That it cannot be read takes nothing back of what succeeded."""
        try:
            return (await self._terraform.state()).outputs
        except StackyardError as error:
            self._tell("warning", f"The outputs could not be read: {error}")
            return {}

    def _failure(self, error: StackyardError | OSError) -> Result:
        if self._stopped:
            return Result("cancelled", self._step, f"{self._stopped}: stopped during {self._step}.")
        if isinstance(error, OSError):
            return Result("failed", self._step, f"This machine failed: {error}")
        diagnostics = error.diagnostics if isinstance(error, TerraformFailed) else ()
        return Result("failed", self._step, error.message, error.hint, diagnostics)

    def _finished(self, result: Result) -> Result:
        engine = self._executor.engine
        return replace(result, destroyed=self._destroyed, engine=f"{engine.name} {engine.version}")

    def _take_errored_state(self) -> None:
        """From the job's folder to where Terraform would have left it; kept in `out` until it is saved."""
        given = self._workdir.root / ERRORED_STATE
        if given.exists():
            given.replace(self._workdir.errored_state)
        self._keep_errored_state()

    def _keep_errored_state(self) -> None:
        """Whatever happens to this machine next, the state that only it has goes with the results."""
        if self._workdir.errored_state.exists():
            shutil.copyfile(self._workdir.errored_state, _private(self._out / ERRORED_STATE))

    def _forget_errored_state(self) -> None:
        if not self._workdir.errored_state.exists():
            (self._out / ERRORED_STATE).unlink(missing_ok=True)

    async def _save_errored_state(self) -> None:
        """Try once more to save what a failed or cancelled apply could not, also when nothing more may begin."""
        if not self._workdir.errored_state.exists():
            return
        self._saving = True
        try:
            await self._terraform.push_errored_state()
        except StackyardError as error:
            self._tell("error", f"The state could not be saved and is left in {ERRORED_STATE}: {error}")
        else:
            self._forget_errored_state()
            self._tell("info", "The state is saved.")

    async def _go_on(self) -> None:
        if self._stopped and not self._saving:
            raise Cancelled("The job was stopped.")

    def _begun(self, process: object | None) -> None:
        if process is not None and self._stopped and not self._saving:
            self._end_command()

    def _end_command(self) -> None:
        tell = self._tell
        ending = asyncio.ensure_future(
            self._terraform.cancel(self._executor.grace_seconds, lambda step: tell("warning", step))
        )
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    def _hear(self, event: Event) -> None:
        self._changed = self._changed or event.kind == "apply_start"
        if event.message:
            self._tell(event.level, event.message, event.address, event.kind)

    def _tell(self, level: str, message: str, address: str = "", kind: str = "job") -> None:
        """One event to the file, and its lines to whoever reads along."""
        event = {"level": level, "message": message, "address": address, "kind": kind}
        told = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **self._clean(event)}
        with (self._out / EVENTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        title = f"{level.capitalize()}: " if level in ("error", "warning") else ""
        for line in [harmless_json(told)] if self._as_json else harmless(title + told["message"]):
            with suppress(OSError, ValueError):  # nobody reads, or not these letters: no reason to end an apply
                self._say(line)

    def _clean(self, value: Any) -> Any:
        """The same without secrets."""
        if isinstance(value, str):
            for text in self._hidden:
                value = value.replace(text, "(hidden)")
            return value
        if isinstance(value, Mapping):
            return {name: self._clean(part) for name, part in value.items()}
        return [self._clean(part) for part in value] if isinstance(value, list | tuple) else value


def run_job(
    job: Job,
    folder: Path,
    out: Path,
    settings: Settings,
    say: Callable[[str], None],
    own: Mapping[str, str] = os.environ,
    *,
    as_json: bool = False,
) -> Result:
    """Do a job whose `folder` was read by `read_job`; what it leaves is in `out`, see LEFT. `say` and `as_json` as for
    `Running`. SIGNALS end it in good
    order. Raises Invalid for an `out` that cannot be used."""
    folder, out = folder.resolve(), out.resolve()
    clear_out(folder, out)
    try:
        executor = LocalExecutor.from_settings(settings, emulated=job.emulated)
    except StackyardError as error:
        result = Result("failed", "init", error.message, error.hint)
        write_json(out / RESULT_FILE, result.as_dict())
        say(f"Error: {error}")
        return result

    async def running() -> Result:
        work = Running(job, folder, out, executor, say, own, as_json=as_json)
        with _stopped_by_signals(work):
            return await work.run()

    return asyncio.run(running())


def clear_out(folder: Path, out: Path) -> None:
    """Make the folder for results, without those of an earlier job. Raises Invalid when it cannot be one."""
    if out == folder or out.is_relative_to(Workdir(folder).code):
        raise Invalid.field("--out", "The results need a folder of their own.")
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in LEFT:
            (out / name).unlink(missing_ok=True)
        _private(out / EVENTS_FILE)
    except OSError as error:
        raise Invalid.field("--out", f"{out} cannot be used: {error.strerror}.") from None


def _private(path: Path) -> Path:
    """A file that only its owner can read, before anything is in it."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path


@contextmanager
def _stopped_by_signals(work: Running) -> Iterator[None]:
    """SIGNALS stop the job, also those that were held back until now."""
    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, work.stop, number.name)
    held = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        for number in SIGNALS:
            loop.remove_signal_handler(number)
