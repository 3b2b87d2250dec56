"""Terraform on machines of somebody else: each command that works on AWS is a job that a builder does there.

For the stages of a run it is a Terraform like any other: the same checks, approvals and proofs. `init` runs here,
without the backend, for the provider lock that the record keeps; plan, apply and destroy are jobs; the state is read
where it lies. What is out is noted before it begins, so that another worker follows the same job to its end.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

from stackyard.errors import Cancelled, Conflict, StackyardError, Unavailable
from stackyard.executors.interfaces import Builder, Note, Purpose
from stackyard.executors.job import Job, Step, pack
from stackyard.github_api.connection import Away
from stackyard.terraform.commands import Terraform
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.drift import Drifted, drift_in
from stackyard.terraform.engine import Engine
from stackyard.terraform.events import Diagnostic, Event, parse_event
from stackyard.terraform.plan import Plan
from stackyard.terraform.state import State
from stackyard.terraform.workdir import Workdir

LONGEST_PAUSES = 20
SECRET_PREFIX, NO_SECRET = "TF_VAR_", ("TF_VAR_stackyard_endpoint",)


@dataclass(frozen=True)
class Out:
    """A job that is out, as a row notes it. `reference` is the builder's own."""

    executor: str
    step: str
    reference: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For a row."""
        return {"executor": self.executor, "step": self.step, "reference": dict(self.reference)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Out":
        """From what `as_dict` gave."""
        return cls(str(data["executor"]), str(data["step"]), dict(data["reference"]))


class RemoteTerraform(Terraform):
    """One run's Terraform at a builder. `state_text` reads the state where it lies, "" when there is none; `unlock`
    deletes a lock on it, whose holder is dead when no job of this run is out."""

    builder: Builder
    executor: str
    purpose: Purpose
    account: Mapping[str, Any]
    state_text: Callable[[], str]
    unlock: Callable[[], None]
    attached: Out | None = None
    pause_seconds: float = 2.0

    def __init__(
        self,
        engine: Engine,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        on_event: Callable[[Event], None],
        on_process: Note,
        grace_seconds: float,
    ) -> None:
        super().__init__(engine, workdir, env, on_event=on_event, grace_seconds=grace_seconds)
        self._note = on_process
        self._backend: Mapping[str, str] = {}
        self._out: Out | None = None
        self._stopping = False
        self._clearing = asyncio.Lock()  # what asks a job to stop may leave something that is to be cleared

    async def init(self, backend: Mapping[str, str] | None = None) -> None:
        """Providers and modules, for the lock file; the backend is for the builder's machine."""
        self._backend = dict(backend or {})
        await self._run("init", "-json", "-input=false", "-no-color", "-backend=false")

    async def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> Plan:
        """Make and save a plan there; returns what it would do."""
        await self._job("plan", refresh_only=refresh_only)
        self._result("plan.tfplan").replace(self.workdir.plan_file)
        return Plan.from_json(json.loads(self._result("plan.json").read_text(encoding="utf-8")))

    async def drift(self, clean: Callable[[str], str]) -> tuple[Drifted, ...]:
        """What differs in AWS from what was applied, by the saved plan."""
        return drift_in(json.loads(self._result("plan.json").read_text(encoding="utf-8")), clean)

    async def apply(self) -> None:
        """Apply the saved plan there, and nothing but it."""
        await self._job("apply")

    async def destroy(self) -> None:
        """Destroy there what the state knows."""
        await self._job("destroy")

    async def state(self) -> State:
        """What stands."""
        return State.from_json(json.loads(await asyncio.to_thread(self.state_text) or "{}"))

    async def seed_state(self, lineage: str) -> None:
        """A bucket needs no state to begin with."""

    async def push_errored_state(self) -> bool:
        """It goes with the next job, which saves it before anything else."""
        return False

    async def force_unlock(self, lock_id: str) -> None:
        """Release a lock whose holder is dead."""
        await asyncio.to_thread(self.unlock)

    @property
    def going_on(self) -> str:
        """The command that an earlier worker handed over, and that may still go on; empty: none."""
        return self.attached.step if self.attached else ""

    @property
    def works(self) -> bool:
        """Whether a job is out, or a command runs here."""
        return self._out is not None or super().works

    async def cancel(self, grace_seconds: float, tell: Callable[[str], None] = lambda step: None) -> None:
        """Ask the job to stop, and wait for its end."""
        await super().cancel(grace_seconds, tell)
        if self._out is None:
            return
        tell(f"{self.builder.name} is asked to stop the build; Terraform there ends what is in flight.")
        self._stopping, asked = True, False
        while self._out is not None:
            async with self._clearing:
                if not asked and self._out is not None:
                    with suppress(Unavailable):  # it is asked again
                        asked = await asyncio.to_thread(self.builder.stop, self._out.reference)
            await asyncio.sleep(0.1 if asked else self.pause_seconds)

    async def end_attached(self) -> None:
        """Stop the job that an earlier worker handed over, and wait for its end; what it left is kept."""
        out, self.attached = self.attached, None
        if out is None:
            return
        if not await asyncio.to_thread(self.builder.was_begun, out.reference):
            return await self._forget(out)
        self._out = out
        stopping = asyncio.create_task(self.cancel(0, self._say))
        try:
            with suppress(Cancelled, TerraformFailed):  # so it ends
                await self._end(await self._follow(out))
        finally:
            self._out = None
            await stopping

    async def leave(self, grace_seconds: float) -> None:
        """Let the job go on: whoever has the run next follows it."""
        await super().cancel(grace_seconds)

    async def _job(self, step: Step, *, refresh_only: bool = False) -> None:
        out, self.attached = self.attached, None
        self._out = out
        try:
            if out is not None and not await asyncio.to_thread(self.builder.was_begun, out.reference):
                await self._forget(out)
                out = None
            elif out is not None and out.step != step:  # never two on one state
                await self._forget(await self._follow(out))
                out = None
            elif out is not None:
                self._say(f"The build goes on; following it again: {self._link(out)}")
            out = await self._follow(out or await self._begin(step, refresh_only))
        finally:
            self._out = None
        await self._end(out)

    async def _begin(self, step: Step, refresh_only: bool) -> Out:
        if self.before is not None:
            await self.before()
        await asyncio.to_thread(self.unlock)
        name = f"{self.purpose.uid}-{self.purpose.run}-{step}-{token_hex(4)}"
        key = self.builder.key(name)
        secrets = {n: v for n, v in self._env.items() if n.startswith(SECRET_PREFIX) and n not in NO_SECRET}
        secret = f"stackyard/{name}" if secrets else ""
        package = await asyncio.to_thread(self._pack, step, key, refresh_only, secret)
        out = Out(self.executor, step, {"key": key, "secret": secret, "asked": datetime.now(UTC).isoformat()})
        await self._noted(out)
        self._out = out
        try:
            if secret:
                await asyncio.to_thread(self.builder.hand_over, secret, secrets)
            reference = await self._patiently(partial(self.builder.begin, out.reference, package))
        except StackyardError:
            if not await asyncio.to_thread(self.builder.was_begun, out.reference):
                self._stopping = False
                await self._forget(out)
                raise
            reference = dict(out.reference)  # the answer got lost, and all the same it was begun
        package.unlink()
        out = self._out = Out(self.executor, step, reference)
        await self._noted(out)
        self._say(f"Handed to {self.builder.name}.")
        if reference.get("links"):
            self._say(f"The build: {self._link(out)}")
        return out

    async def _patiently(self, begin: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What the builder answers, also when it is away for a while. Cancelled when the job is to stop meanwhile."""
        tries = 0
        while not self._stopping:
            try:
                return await asyncio.to_thread(begin)
            except Away as away:
                if not tries:
                    self._say(str(away))
                tries += 1
                pause = max(away.seconds or 0.0, min(tries, LONGEST_PAUSES) * self.pause_seconds)
                end = asyncio.get_running_loop().time() + pause
                while not self._stopping and asyncio.get_running_loop().time() < end:
                    await asyncio.sleep(0.1)
        raise Cancelled("The build was stopped before it began.")

    def _pack(self, step: Step, key: str, refresh_only: bool, secret: str) -> Path:
        """The job as a zip: what the build reads."""
        plain = {n: v for n, v in self._env.items() if n in NO_SECRET or n in ("AWS_REGION", "TF_APPEND_USER_AGENT")}
        job = Job(
            run=self.purpose.run,
            environment=self.purpose.environment,
            uid=self.purpose.uid,
            steps=(step,),
            on_failure="keep",  # what follows from a failure is decided by the run
            only_adds=False,
            refresh_only=refresh_only,
            backend=dict(self._backend),
            variables=plain,
            secrets=secret,
            results=self.builder.results(key),
            live=self.builder.live,
            **self.account,
        )
        package, errored = self.workdir.root / "job.zip", self.workdir.errored_state
        pack(
            package,
            job,
            self.workdir.code,
            plan=self.workdir.plan_file if step == "apply" else None,
            errored_state=errored if errored.exists() else None,
        )
        return package

    async def _follow(self, out: Out) -> Out:
        """Pass on what the job says, until it has ended."""
        self._out = out
        linked, after_end, notice = bool(out.reference.get("links")), 0, out.reference.get("notice")
        while after_end < 2:  # the last lines of a log may come after the end
            before = out.reference
            reference, lines = await asyncio.to_thread(self.builder.look, before)
            out = self._out = Out(out.executor, out.step, reference)
            for line in lines:
                self._pass_on(line)
            if reference.get("links") and not linked:
                linked = True
                self._say(f"The build: {self._link(out)}")
            if reference.get("notice") and reference["notice"] != notice:
                notice = reference["notice"]
                self._say(notice)
            if reference != before:
                await self._noted(out)
            after_end += bool(reference.get("ended"))
            await asyncio.sleep(0 if after_end > 1 else self.pause_seconds)
        return out

    async def _end(self, out: Out) -> None:
        """Fetch what the job left, and raise what it failed with."""
        folder = self.workdir.root / "out"
        shutil.rmtree(folder, ignore_errors=True)
        there = await asyncio.to_thread(self.builder.collect, out.reference, folder)
        result: dict[str, Any] = json.loads((folder / "result.json").read_text(encoding="utf-8")) if there else {}
        if there:  # else the job may never have begun, and what it was to save is only here
            self.workdir.errored_state.unlink(missing_ok=True)
        if (folder / "errored.tfstate").exists():
            (folder / "errored.tfstate").replace(self.workdir.errored_state)
        await self._forget(out)
        if self._stopping or result.get("status") == "cancelled":
            self._stopping = False
            raise Cancelled("The build was stopped.")
        if not result:
            error = Conflict if out.reference.get("final") else Unavailable  # the second is tried again
            raise error(
                str(out.reference.get("why") or "The build left no result."),
                hint=f"Its log says more: {self._link(out)}",
            )
        if result["status"] != "succeeded":
            found = [Diagnostic(**{**d, "references": tuple(d.get("references", ()))}) for d in result["diagnostics"]]
            if not found:
                found = [Diagnostic("error", str(result.get("error", "")))]
            raise TerraformFailed(str(result.get("step") or out.step), found, 1)

    async def _forget(self, out: Out) -> None:
        """Nothing is out any more; what went out is deleted, because a saved plan holds values in clear."""
        async with self._clearing:
            self._out = None
            await asyncio.to_thread(self.builder.clear, out.reference)
        await self._noted(None)

    async def _noted(self, out: Out | None) -> None:
        written = self._note(out)
        if written is not None:
            await written

    def _pass_on(self, line: str) -> None:
        """A line of the job's log: an event of ours in JSON, or whatever else the build said."""
        try:
            data = json.loads(line)
            event = Event(str(data["kind"]), str(data["level"]), str(data["message"]), str(data.get("address", "")))
        except (ValueError, KeyError, TypeError):
            event = parse_event(line, self._hidden)
        self._on_event(event)

    def _say(self, text: str) -> None:
        self._on_event(Event("log", "info", text))

    def _link(self, out: Out) -> str:
        links: Mapping[str, str] = out.reference.get("links") or {}
        return next(iter(links.values()), self.builder.name)

    def _result(self, name: str) -> Path:
        return self.workdir.root / "out" / name
