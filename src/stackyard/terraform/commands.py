"""Terraform's commands on one work folder, as child processes whose JSON output becomes typed events while they run."""

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stackyard.errors import Unavailable
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.engine import Engine
from stackyard.terraform.events import Diagnostic, Event, parse_diagnostic, parse_event
from stackyard.terraform.plan import Plan
from stackyard.terraform.processes import Process, die_with_parent
from stackyard.terraform.state import State
from stackyard.terraform.workdir import Workdir

PASSED = ("PATH", "LANG", "TZ", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
          "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_CA_BUNDLE")  # fmt: skip
"""What of our own environment Terraform may see. Credentials and variables are given explicitly, per command."""

POLL_SECONDS = 0.03
LOCK_WAIT = "-lock-timeout=30s"


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


class Terraform:
    """One work folder's Terraform. One command at a time; failures raise TerraformFailed."""

    def __init__(
        self,
        engine: Engine,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        on_event: Callable[[Event], None] = lambda event: None,
        on_process: Callable[[Process | None], None] = lambda process: None,
        backend_config: Sequence[str] = (),
    ) -> None:
        self.engine = engine
        self.workdir = workdir
        self._env = dict(env)
        self._on_event = on_event
        self._on_process = on_process
        self._backend_config = tuple(f"-backend-config={item}" for item in backend_config)
        self._child: asyncio.subprocess.Process | None = None
        self._cancelled = False

    async def init(self) -> None:
        """Providers, modules and backend."""
        await self._run("init", "-json", "-input=false", "-no-color", *self._backend_config)

    async def validate(self) -> list[Diagnostic]:
        """What Terraform finds wrong with the code, warnings included."""
        found = await self._json("validate", "-json", "-no-color", accept=(0, 1))
        return [parse_diagnostic(d) for d in found.get("diagnostics", ())]

    async def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> Plan:
        """Make and save a plan; returns what it would do."""
        switches = ["-destroy"] * destroy + ["-refresh-only"] * refresh_only
        out = f"-out={self.workdir.plan_file}"
        await self._run("plan", "-json", "-input=false", "-no-color", LOCK_WAIT, out, *switches)
        return Plan.from_json(await self._json("show", "-json", "-no-color", str(self.workdir.plan_file)))

    async def apply(self) -> None:
        """Apply the saved plan, and nothing but it."""
        await self._run("apply", "-json", "-input=false", "-no-color", LOCK_WAIT, str(self.workdir.plan_file))

    async def destroy(self) -> None:
        """Destroy what the state knows."""
        await self._run("apply", "-json", "-destroy", "-auto-approve", "-input=false", "-no-color", LOCK_WAIT)

    async def state(self) -> State:
        """What stands."""
        return State.from_json(await self._json("show", "-json", "-no-color"))

    async def seed_state(self, lineage: str) -> None:
        """Give a new environment an empty state with a lineage of its own.

        The `pg` backend takes one database-wide lock while it *creates* a state, and does not wait for it: several
        first applies at once fail. Pushing an empty state waits, so afterwards every apply finds its state there.
        """
        if json.loads(await self._text("state", "pull") or "{}").get("lineage"):
            return
        seed = self.workdir.root / "seed.tfstate"
        identity = str(uuid.uuid5(uuid.NAMESPACE_OID, lineage))
        empty = {"version": 4, "terraform_version": "1.9.0", "serial": 1, "lineage": identity}
        seed.write_text(json.dumps({**empty, "outputs": {}, "resources": []}))
        await self._run("state", "push", LOCK_WAIT, str(seed))

    async def push_errored_state(self) -> bool:
        """Save the state that an apply could not save because its backend was away; True when there was one."""
        if not self.workdir.errored_state.exists():
            return False
        await self._run("state", "push", LOCK_WAIT, str(self.workdir.errored_state))
        self.workdir.errored_state.unlink()
        return True

    async def force_unlock(self, lock_id: str) -> None:
        """Release a lock whose holder is dead."""
        await self._run("force-unlock", "-force", lock_id)

    async def cancel(self, grace_seconds: float) -> None:
        """Stop the running command, as `Process.end` does."""
        child = self._child
        if child is not None and child.returncode is None:
            await Process.of(child.pid).end(grace_seconds)
            await child.wait()

    async def _run(self, command: str, *arguments: str) -> None:
        """Run a command whose output are events; raise its error diagnostics when it fails."""
        errors: list[Diagnostic] = []
        plain: list[str] = []
        output = self.workdir.output(command)
        async with self._process(output, command, *arguments) as child:
            async for line in _follow(output, child):
                event = parse_event(line)
                if event.diagnostic is not None and event.diagnostic.severity == "error":
                    errors.append(event.diagnostic)
                elif event.kind == "log" and event.message:
                    plain.append(event.message)
                self._on_event(event)
        if child.returncode:
            if not errors and plain:
                errors = [Diagnostic("error", plain[-1], " ".join(plain[-6:-1]))]
            raise TerraformFailed(command, errors, child.returncode)

    async def _text(self, command: str, *arguments: str, accept: Sequence[int] = (0,)) -> str:
        """Run a command whose whole output is the answer. It may hold secrets: the file goes at once."""
        output = self.workdir.output("answer")
        try:
            async with self._process(output, command, *arguments) as child:
                await child.wait()
            text = output.read_text(encoding="utf-8", errors="replace")
        finally:
            output.unlink(missing_ok=True)
        if child.returncode not in accept:
            raise TerraformFailed(command, [Diagnostic("error", text.strip()[-600:])], child.returncode or 1)
        return text

    async def _json(self, command: str, *arguments: str, accept: Sequence[int] = (0,)) -> dict[str, Any]:
        text = await self._text(command, *arguments, accept=accept)
        try:
            answer: dict[str, Any] = json.loads(text)
        except ValueError:
            raise Unavailable(f"terraform {command} did not answer in JSON: {text.strip()[:200]}") from None
        return answer

    @contextlib.asynccontextmanager
    async def _process(self, output: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        self.workdir.prepare()
        with output.open("wb") as sink:
            child = await asyncio.create_subprocess_exec(
                *self.engine.command,
                *arguments,
                cwd=self.workdir.code,
                env=child_environment(self.workdir, self._env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._child = child
        self._on_process(Process.of(child.pid))
        try:
            yield child
        finally:
            if child.returncode is None:
                await self.cancel(0)
            self._child = None
            self._on_process(None)


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
