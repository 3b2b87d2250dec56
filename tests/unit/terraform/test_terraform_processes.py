"""A process is known again by more than its number."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stackyard.terraform.deathwatch import DEATHWATCH
from stackyard.terraform.processes import Process

STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: None)
print("ready", flush=True)
while True: time.sleep(60)
"""
WITH_CHILD = """
import subprocess
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
"""
PARENT = """
import subprocess, sys, threading, time
from stackyard.terraform.deathwatch import DEATHWATCH
for _ in range({threads}): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
child = subprocess.Popen(
    {command!r}, stdout=subprocess.PIPE, preexec_fn=DEATHWATCH.watched(), start_new_session=True, text=True
)
child.stdout.readline()
{more}
print(child.pid, flush=True)
time.sleep(60)
"""
COUNTS = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: print("asked", file=open(sys.argv[1], "a")))
print("ready", flush=True)
end = time.monotonic() + 2
while time.monotonic() < end: time.sleep(0.001)
"""
IN_THE_BACKGROUND = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
"""What `stackyard worker &` in a script comes to: the shell lets it ignore SIGINT."""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(*command: str) -> "subprocess.Popen[str]":
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_it_survives_a_row_and_knows_whether_it_runs(start: Start) -> None:
    child = start("sleep", "60")
    process = Process.from_dict(Process.of(child.pid).as_dict())
    assert process == Process.of(child.pid)
    assert process.alive()
    child.kill()
    child.wait()
    assert not process.alive()


def test_a_process_that_ended_before_it_was_looked_at_is_dead(start: Start) -> None:
    child = start("true")
    child.wait()
    process = Process.of(child.pid)
    assert not process.alive()
    asyncio.run(asyncio.wait_for(process.end(30), 5))


def test_a_zombie_is_dead(start: Start) -> None:
    child = start("sleep", "60")
    process = Process.of(child.pid)
    os.kill(child.pid, signal.SIGKILL)
    _until(lambda: not process.alive())
    assert child.returncode is None, "nobody has waited for it yet"


@pytest.mark.parametrize("other", [{"boot": "another"}, {"host": "another"}, {"started": 1}])
def test_the_same_number_elsewhere_or_later_is_another_process(start: Start, other: dict[str, object]) -> None:
    child = start("sleep", "60")
    process = replace(Process.of(child.pid), **other)  # type: ignore[arg-type]
    assert not process.alive()
    process.interrupt()
    process.kill_group()
    asyncio.run(process.end(0))
    assert child.poll() is None


def test_what_it_left_behind_counts_and_is_ended(start: Start) -> None:
    leader = start(sys.executable, "-c", WITH_CHILD)
    process = Process.of(leader.pid)
    assert leader.stdout is not None
    orphan = Process.of(int(leader.stdout.readline()))
    leader.wait()
    assert process.alive()
    asyncio.run(process.end(0))
    assert not process.alive()
    assert not orphan.alive()


def test_one_that_ignores_both_requests_is_killed(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    child = start(sys.executable, "-c", STUBBORN)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    process = Process.of(child.pid)
    asked: list[int] = []
    interrupt = Process.interrupt
    monkeypatch.setattr(Process, "interrupt", lambda self: (asked.append(1), interrupt(self)))
    monkeypatch.setattr(Process, "_leader_gone_within", _at_once)
    asyncio.run(process.end(30))
    assert len(asked) == 2
    assert child.wait() == -signal.SIGKILL


async def _at_once(self: Process, seconds: float) -> bool:
    return False


def test_one_that_was_interrupted_by_the_death_of_its_parent_is_not_asked_at_once_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second SIGINT would make Terraform give up what AWS is making."""
    child = start("sleep", "60")
    orphan = replace(Process.of(child.pid), parent=1)
    assert Process.from_dict(orphan.as_dict()) == orphan
    asked: list[int] = []
    told: list[str] = []
    monkeypatch.setattr(Process, "interrupt", lambda self: asked.append(1))
    monkeypatch.setattr(Process, "_leader_gone_within", _at_once)
    asyncio.run(orphan.end(30, told.append))
    assert len(asked) == 1
    assert "waited for" in told[0]
    assert "killed" in told[-1]


def test_processes_are_found_by_the_folder_that_they_work_in(start: Start, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    child = subprocess.Popen(["sleep", "60"], cwd=inside)
    try:
        assert [p.pid for p in Process.in_folder(tmp_path)] == [child.pid]
        assert Process.in_folder(tmp_path / "elsewhere") == []
    finally:
        child.kill()
        child.wait()
    assert Process.in_folder(tmp_path) == []


def parent_of(*command: str, threads: int = 0, more: str = "") -> str:
    return PARENT.format(threads=threads, command=list(command), more=more)


@pytest.mark.parametrize("before", ["", IN_THE_BACKGROUND])
def test_the_child_is_interrupted_when_its_parent_is_killed(start: Start, before: str) -> None:
    parent = start(sys.executable, "-c", before + parent_of("sh", "-c", "echo ready; exec sleep 60"))
    assert parent.stdout is not None
    child = Process.of(int(parent.stdout.readline()))
    assert child.alive()
    parent.kill()
    _until(lambda: not child.alive())


@pytest.mark.parametrize("threads", [0, 24])
def test_it_is_asked_once_however_many_threads_its_parent_had(start: Start, tmp_path: Path, threads: int) -> None:
    """The second SIGINT would make Terraform give up what AWS is making."""
    counts = parent_of(sys.executable, "-c", COUNTS, str(tmp_path / "asked"), threads=threads)
    parent = start(sys.executable, "-c", counts)
    assert parent.stdout is not None
    child = Process.of(int(parent.stdout.readline()))
    parent.kill()
    _until(lambda: not child.alive())
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_who_was_asked_already_is_not_asked_again(start: Start, tmp_path: Path) -> None:
    counts = (sys.executable, "-c", COUNTS, str(tmp_path / "asked"))
    parent = start(sys.executable, "-c", parent_of(*counts, more="DEATHWATCH.forget(child.pid)"))
    assert parent.stdout is not None
    child = Process.of(int(parent.stdout.readline()))
    parent.kill()
    _until(lambda: not child.alive())
    assert not (tmp_path / "asked").exists()


def test_the_watch_ends_with_its_parent(start: Start) -> None:
    watch = "print(DEATHWATCH._watch.pid, flush=True)"
    parent = start(sys.executable, "-c", parent_of("echo", "ready", more=watch))
    assert parent.stdout is not None
    process = Process.of(int(parent.stdout.readline()))
    assert process.alive()
    parent.kill()
    _until(lambda: not process.alive())


def test_a_child_whose_parent_is_gone_already_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = DEATHWATCH.watched()
    ended: list[int] = []
    monkeypatch.setattr(os, "getppid", lambda: 1)
    monkeypatch.setattr(os, "write", lambda *_: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(os, "_exit", ended.append)
    prepare()
    assert ended == [1]


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "at_once"),
    [("show -json /w/plan.tfplan", True), ("state pull", True), ("apply /w/show", False), ("state push x", False)],
)
def test_what_only_reads_is_ended_at_once(command: str, at_once: bool) -> None:
    """Its answer goes to a pipe that nobody empties while its worker is stopped, so it could not end in order."""
    deaf = "trap '' INT; echo ready; while :; do sleep 0.05; done"
    child = subprocess.Popen(
        ["bash", "-c", deaf, "terraform", *command.split()], stdout=subprocess.PIPE, start_new_session=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    steps: list[str] = []

    async def end() -> bool:
        ending = asyncio.create_task(Process.of(child.pid).end(30, steps.append))
        done, _ = await asyncio.wait({ending}, timeout=2)
        ending.cancel()
        return bool(done)

    try:
        assert asyncio.run(end()) is at_once
        assert bool(steps) is not at_once
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
