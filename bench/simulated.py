"""A Terraform that only waits, behind the public executor interface, and a worker that carries runs with it.

`python -m bench.simulated` is a worker whose sandboxes with the executor `simulated` build nothing. Each command of it
leaves its begin and end in a file, by the clock that all processes of a machine share, so that what overlapped can be
seen afterwards, whatever the database says.
"""

import asyncio
import json
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard.executors.interfaces import Executor, Note, Place, Purpose
from stackyard.executors.registry import register
from stackyard.settings import Settings
from stackyard.terraform.commands import Terraform
from stackyard.terraform.engine import Engine
from stackyard.terraform.events import Event
from stackyard.terraform.plan import Change, Plan
from stackyard.terraform.state import Resource, State
from stackyard.terraform.workdir import Workdir

TRACES = "traces"
"""Folder of the traces below the data folder: one file per worker, one line of JSON per begin and end."""

ADDRESS = "aws_sqs_queue.simulated"


class WaitingTerraform(Terraform):
    """Terraform's commands, each a short wait. `pace`: seconds of an apply, on average; the others take less."""

    traces: Path
    pace: float

    async def init(self, backend: Mapping[str, str] | None = None) -> None:
        (self.workdir.code / ".terraform").mkdir(exist_ok=True)
        self.workdir.lock_file.write_text("# no providers\n")
        await self._wait("init", 0.1)

    async def plan(self, *, destroy: bool = False, refresh_only: bool = False) -> Plan:
        await self._wait("plan", 0.2)
        self.workdir.plan_file.write_text("simulated")
        return Plan((Change(ADDRESS, "aws_sqs_queue", "", "create"),), content="simulated")

    async def apply(self) -> None:
        await self._wait("apply", 1.0)

    async def destroy(self) -> None:
        await self._wait("destroy", 1.0)

    async def state(self) -> State:
        return State((Resource(ADDRESS, "aws_sqs_queue", "simulated", "", "simulated"),))

    async def seed_state(self, lineage: str) -> None:
        await self._wait("state", 0.05)

    async def push_errored_state(self) -> bool:
        return False

    async def _wait(self, command: str, share: float) -> None:
        if self.before is not None:
            await self.before()
        self._trace("begin", command)
        try:
            await asyncio.sleep(self.pace * share * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        finally:
            self._trace("end", command)

    def _trace(self, what: str, command: str) -> None:
        line = {"folder": self.workdir.root.name, "what": what, "command": command, "at": time.monotonic()}
        file = os.open(self.traces / f"{os.getpid()}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
        finally:
            os.close(file)


@dataclass(frozen=True)
class WaitingExecutor:
    """The executor of the simulation."""

    traces: Path
    pace: float

    def terraform(
        self,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        purpose: Purpose,
        attached: Mapping[str, Any] | None,
        on_event: Callable[[Event], None],
        on_process: Note,
    ) -> Terraform:
        """As the interface says."""
        workdir.prepare()
        engine = Engine("simulated", "0", ("false",))
        made = WaitingTerraform(engine, workdir, env, on_event=on_event, on_process=on_process)
        made.traces, made.pace = self.traces, self.pace
        return made


@register("simulated")
def waiting_executor(settings: Settings, place: Place) -> Executor:
    """By the environment: BENCH_PACE is how many seconds an apply takes on average."""
    traces = settings.data.resolve() / TRACES
    traces.mkdir(parents=True, exist_ok=True)
    return WaitingExecutor(traces, float(os.environ.get("BENCH_PACE", "1")))


if __name__ == "__main__":
    from stackyard.cli.server.commands import worker

    worker()
