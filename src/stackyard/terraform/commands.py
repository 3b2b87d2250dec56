"""Terraform's commands on one work folder, as child processes whose JSON output becomes typed events while they run."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from stackyard.errors import Unavailable
from stackyard.terraform.deathwatch import DEATHWATCH
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.drift import Drifted, drift_in
from stackyard.terraform.engine import Engine
from stackyard.terraform.events import Diagnostic, Event, parse_diagnostic, parse_event, plain_diagnostic
from stackyard.terraform.plan import Plan
from stackyard.terraform.processes import Process
from stackyard.terraform.state import State
from stackyard.terraform.workdir import Workdir

PASSED = ("PATH", "LANG", "TZ", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
          "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE")  # fmt: skip
"""What of our own environment Terraform may see. Credentials and variables are given explicitly, per command."""

POLL_SECONDS = 0.03
LOCK_WAIT = "-lock-timeout=30s"
SECRET_NAME = re.compile(r"SECRET|TOKEN|PASSWORD|PG_CONN_STR|^TF_VAR_(?!stackyard_)", re.IGNORECASE)
SPACE = 100_000
"""With fewer bytes left on the disk Terraform cannot write what it has to say."""
SHORTEST_SECRET = 10
"""Hiding shorter values would blank ordinary words out of the log."""


def child_environment(workdir: Workdir, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a Terraform process: an allow-list, our fixed switches, and what the caller gives."""
    return {
        **{name: os.environ[name] for name in PASSED if name in os.environ},
        "HOME": str(workdir.home),
        "TF_CLI_CONFIG_FILE": str(workdir.cli_config),
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
        **given,
    }


def secrets_in(given: Mapping[str, str]) -> tuple[str, ...]:
    """The values of an environment that no log may show: those with a secret's name, and passwords in addresses."""
    found = {value for name, value in given.items() if SECRET_NAME.search(name)}
    for address in tuple(found):
        with contextlib.suppress(ValueError):  # no address
            password = urlsplit(address).password or ""
            found |= {password, unquote(password)}
    return tuple(sorted((value for value in found if len(value) >= SHORTEST_SECRET), key=len, reverse=True))


class Terraform:
    """One work folder's Terraform. One command at a time; failures raise TerraformFailed.

    `env` is what Terraform gets beside the allow-list. `on_process` hears of every process that begins, and None when
    it has ended. `before` is awaited right before one begins; what it raises keeps it from beginning. A command that is
    given up, because its task is cancelled or a callback raises, is ended in good
    order with `grace_seconds` between the first and the second SIGINT.
    """

    def __init__(
        self,
        engine: Engine,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        on_event: Callable[[Event], None] = lambda event: None,
        on_process: Callable[[Process | None], object] = lambda process: None,
        grace_seconds: float = 30,
    ) -> None:
        self.engine = engine
        self.workdir = workdir
        self._env = dict(env)
        self._hidden = secrets_in(env)
        self._on_event = on_event
        self._on_process = on_process
        self._grace_seconds = grace_seconds
        self.before: Callable[[], Awaitable[object]] | None = None
        self._child: asyncio.subprocess.Process | None = None

    async def init(self, backend: Mapping[str, str] | None = None) -> None:
        """Providers, modules and backend. `backend`: arguments of the backend block, name -> value as in HCL."""
        arguments = [f"-backend-config={name}={value}" for name, value in (backend or {}).items()]
        await self._run("init", "-json", "-input=false", "-no-color", *arguments)

    async def validate(self) -> list[Diagnostic]:
        """What Terraform finds wrong with the code, warnings included."""
        found = await self._json("validate", "-json", "-no-color", accept=(0, 1))
        return [parse_diagnostic(d, self._hidden) for d in found.get("diagnostics", ())]

    async def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> Plan:
        """Make and save a plan; returns what it would do."""
        await self.push_errored_state()
        switches = ["-destroy"] * destroy + ["-refresh-only"] * refresh_only
        out = f"-out={self.workdir.plan_file}"
        await self._run("plan", "-json", "-input=false", "-no-color", LOCK_WAIT, out, *switches)
        return Plan.from_json(await self.saved_plan())

    async def saved_plan(self) -> dict[str, Any]:
        """The saved plan in Terraform's own JSON. It holds values in clear."""
        return await self._json("show", "-json", "-no-color", str(self.workdir.plan_file))

    async def drift(self, clean: Callable[[str], str]) -> tuple[Drifted, ...]:
        """What differs in AWS from what was applied, by the saved plan; `clean` takes secrets out of its texts."""
        return drift_in(await self.saved_plan(), clean)

    async def apply(self) -> None:
        """Apply the saved plan, and nothing but it."""
        await self._run("apply", "-json", "-input=false", "-no-color", LOCK_WAIT, str(self.workdir.plan_file))

    async def destroy(self) -> None:
        """Destroy what the state knows."""
        await self.push_errored_state()
        await self._run("apply", "-json", "-destroy", "-auto-approve", "-input=false", "-no-color", LOCK_WAIT)

    async def state(self) -> State:
        """What stands."""
        return State.from_json(await self._json("state", "pull"))

    async def seed_state(self, lineage: str) -> None:
        """Give a new environment an empty state with a lineage of its own.

        On a state that is not there the `pg` backend takes one database-wide lock, and holds it as long as the plan or
        apply runs: everybody's first apply waits for everybody else's. Pushing an empty state holds it for a moment.
        """
        self.workdir.seed_state.write_text(empty_state(lineage))
        try:
            # Not as events: that it is refused is no news for the log.
            await self._text("state", "push", LOCK_WAIT, str(self.workdir.seed_state))
        except TerraformFailed:
            # Refused, as it should be, when there is a state already: it is newer, or of another lineage.
            if not (await self._json("state", "pull")).get("lineage"):
                raise

    async def push_errored_state(self) -> bool:
        """Save the state that an apply could not save because its backend was away; True when there was one.

        A plan or destroy does it first: on the older state it would forget what that apply made.
        """
        if not self.workdir.errored_state.exists():
            return False
        await self._run("state", "push", LOCK_WAIT, str(self.workdir.errored_state))
        self.workdir.errored_state.unlink()
        return True

    async def force_unlock(self, lock_id: str) -> None:
        """Release a lock whose holder is dead."""
        await self._run("force-unlock", "-force", lock_id)

    @property
    def works(self) -> bool:
        """Whether a command runs."""
        return self._child is not None and self._child.returncode is None

    @property
    def going_on(self) -> str:
        """The command that an earlier worker began and that may still go on; empty: none, as processes end with their
        worker."""
        return ""

    async def end_attached(self) -> None:
        """End the command that an earlier worker began and that still goes on, because nobody will follow it."""

    async def leave(self, grace_seconds: float) -> None:
        """This worker has to let go: end what cannot go on without it."""
        await self.cancel(grace_seconds)

    async def cancel(self, grace_seconds: float, tell: Callable[[str], None] = lambda step: None) -> None:
        """Stop the running command, as `Process.end` does; `tell` hears of each step."""
        child = self._child
        if child is not None and child.returncode is None:
            DEATHWATCH.forget(child.pid)
            await Process.of(child.pid).end(grace_seconds, tell)
            await child.wait()

    async def _run(self, command: str, *arguments: str) -> None:
        """Run a command whose output are events; raise its error diagnostics when it fails."""
        errors: list[Diagnostic] = []
        plain: list[str] = []
        output = self.workdir.output(command)
        async with self._process(output, command, *arguments) as child:
            async for line in _follow(output, child):
                event = parse_event(line, self._hidden)
                if event.diagnostic is not None and event.diagnostic.severity == "error":
                    errors.append(event.diagnostic)
                elif event.kind == "log" and event.message:
                    plain.append(event.message)
                self._on_event(event)
        if child.returncode:
            said = plain_diagnostic("\n".join(plain)) or self._disk_is_full()
            raise TerraformFailed(command, errors or ([said] if said else []), child.returncode)

    async def _text(self, command: str, *arguments: str, accept: Sequence[int] = (0,)) -> str:
        """Run a command that only reads and whose whole output is the answer. It may hold secrets, so it passes through
        a pipe and never lies on the disk, and no message quotes it."""
        async with self._process(None, command, *arguments) as child:
            answer, complaints = await child.communicate()
        text = answer.decode("utf-8", "replace")
        said = plain_diagnostic(complaints.decode("utf-8", "replace"), self._hidden)
        if child.returncode not in accept:
            raise TerraformFailed(command, [said] if said else [], child.returncode or 1)
        return text

    async def _json(self, command: str, *arguments: str, accept: Sequence[int] = (0,)) -> dict[str, Any]:
        text = await self._text(command, *arguments, accept=accept)
        try:
            answer: dict[str, Any] = json.loads(text.strip() or "{}")  # `state pull` says nothing of no state
        except ValueError:
            raise Unavailable(
                f"terraform {command} did not answer in JSON ({len(text)} characters).",
                hint="Try again.",
            ) from None
        return answer

    def _disk_is_full(self) -> Diagnostic | None:
        """Why a command could not even say why it failed."""
        left = shutil.disk_usage(self.workdir.root).free
        words = f"The folder {self.workdir.root} has {left} bytes left."
        return Diagnostic("error", "No space left on device", words) if left < SPACE else None

    @contextlib.asynccontextmanager
    async def _process(self, output: Path | None, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """A running command. What it says goes to the file `output`, errors in between; None: to two pipes."""
        self.workdir.prepare()
        if self.before is not None:
            await self.before()
        self._child = child = await self._start(output, arguments)
        try:
            self._on_process(Process.of(child.pid))
            yield child
        finally:
            if child.returncode is None:
                await self.cancel(self._grace_seconds)
            self._child = None
            DEATHWATCH.forget(child.pid)
            self._on_process(None)

    async def _start(self, output: Path | None, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        with contextlib.ExitStack() as files:
            stdout = files.enter_context(output.open("wb")) if output else asyncio.subprocess.PIPE
            stderr = asyncio.subprocess.STDOUT if output else asyncio.subprocess.PIPE
            try:
                return await asyncio.create_subprocess_exec(
                    *self.engine.command,
                    *arguments,
                    cwd=self.workdir.code,
                    env=child_environment(self.workdir, self._env),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                    preexec_fn=DEATHWATCH.watched(),
                )
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                raise Unavailable(
                    f"{self.engine.name} could not be started: {error}", hint="Run `stackyard doctor` on this machine."
                ) from None


def empty_state(lineage: str) -> str:
    """A state file, format version 4, of nothing. The same `lineage` gives the same one."""
    identity = str(uuid.uuid5(uuid.NAMESPACE_OID, lineage))
    empty = {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": identity}
    return json.dumps({**empty, "outputs": {}, "resources": []})


async def _follow(output: Path, child: asyncio.subprocess.Process) -> AsyncIterator[str]:
    """The lines of a growing file until its writer has ended."""
    rest = b""
    with output.open("rb") as file:
        while True:
            ended = child.returncode is not None
            chunk = file.read()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield line.decode("utf-8", errors="replace")
            if ended and not chunk:
                break
            if not chunk:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(child.wait()), POLL_SECONDS)
    if rest.strip():
        yield rest.decode("utf-8", errors="replace")
