"""Terraform's processes: started so that they end with their parent, and named so that another worker can end them."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stackyard.terraform.deathwatch import start_time

_PROGRAMS = frozenset({"terraform", "tofu", "stackyard.terraform.embedded"})


@dataclass(frozen=True)
class Process:
    """A process and its group. A number alone is not enough: numbers are used again, hosts boot again.

    `parent` is the worker that started it; 0 when that is not known.
    """

    host: str
    boot: str
    pid: int
    started: int
    parent: int = 0

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process with this number, running or just ended."""
        return cls(socket.gethostname(), _boot(), pid, start_time(pid), _parent(pid))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Process":
        """From what `as_dict` gave."""
        pid, started, parent = (int(data.get(name, 0)) for name in ("pid", "started", "parent"))
        return cls(str(data["host"]), str(data["boot"]), pid, started, parent)

    def as_dict(self) -> dict[str, Any]:
        """For a row."""
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it ran on this machine since its last boot; only then can it be looked at."""
        return self.host == socket.gethostname() and self.boot == _boot()

    def alive(self) -> bool:
        """Whether it, or anything of its group, still runs here."""
        if not self.is_here:
            return False
        now = start_time(self.pid)
        return now == self.started if now else any(_group_members(self.pid))

    @classmethod
    def in_folder(cls, folder: Path) -> "list[Process]":
        """Those that work in `folder` or below it on this machine, also such as nobody has noted in a row."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    place = (entry / "cwd").readlink()
                except OSError:  # it has ended, or belongs to somebody else
                    continue
                if place.is_relative_to(folder) and (process := cls.of(int(entry.name))).started:
                    found.append(replace(process, parent=0))
        return found

    async def end(self, grace_seconds: float, tell: Callable[[str], None] = lambda step: None) -> None:
        """Stop it whoever started it: SIGINT, grace, second SIGINT, a last grace, then SIGKILL; returns when it is
        gone.

        After the first SIGINT Terraform ends what is in flight and saves its state; a wait for steady state ignores it
        (222 s were seen), which the second ends. The second also gives up what AWS is making at that moment, so a
        grace of 0 can leave things behind that no state knows. On another host nothing can be ended or confirmed:
        there the lock on the state stands between the two. One whose parent died has had its first SIGINT by that (see
        `deathwatch`). One that only reads is killed at once: there is nothing to save, and the pipe to a worker
        that was stopped would keep it from ending in order. `tell` hears of each step, in words.
        """
        if self.only_reads():
            return await self._kill()
        first = True
        for patience, step in (
            (grace_seconds, "Terraform is asked to stop (SIGINT); it ends what is in flight and saves its state."),
            (max(10.0, grace_seconds), "Terraform still works: asked a second time, it gives up what is in flight."),
        ):
            if not self._leader_runs():
                break
            if first and self._orphaned():
                tell("Terraform was asked to stop when its worker died; it is waited for.")
            else:
                tell(step)
                self.interrupt()
            first = False
            if await self._leader_gone_within(patience):
                break
        else:
            tell("Terraform did not stop: it is killed.")
        await self._kill()

    async def _kill(self) -> None:
        while self.alive():  # also what it left behind, such as providers
            self.kill_group()
            await asyncio.sleep(0.05)

    def only_reads(self) -> bool:
        """Whether it is a Terraform whose command changes nothing and holds no lock."""
        if not self._leader_runs():
            return False
        try:
            words = Path(f"/proc/{self.pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        program = next((n for n, word in enumerate(words) if Path(word).name in _PROGRAMS), len(words))
        return words[program + 1 : program + 2] in (["show"], ["validate"]) or (
            words[program + 1 : program + 3] == ["state", "pull"]
        )

    async def _leader_gone_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while self._leader_runs():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    def kill_group(self) -> None:
        """End it and its providers at once. Only for a process whose own worker is gone."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def interrupt(self) -> None:
        """Ask it to stop in good order, as Ctrl-C does. Its providers follow it."""
        if self._leader_runs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)

    def _orphaned(self) -> bool:
        now = _parent(self.pid)
        return now != self.parent if self.parent else now == 1

    def _leader_runs(self) -> bool:
        """0 stands for a process that had ended when it was looked at."""
        return self.is_here and self.started != 0 and start_time(self.pid) == self.started


def _parent(pid: int) -> int:
    """The process that started it, or has taken it over from that one; 0 when there is no such process."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _group_members(group: int) -> list[int]:
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                members.append(int(entry.name))
    return members


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
