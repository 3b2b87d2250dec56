"""Faults that are put into a run from outside: what dies, falls silent, is cut off or fills up, and who watches it."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connection
from psycopg import sql

from stackyard.cmdb.models import Run
from stackyard.errors import Conflict
from stackyard.runs.cancel import request_cancel
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker

Worker = "subprocess.Popen[bytes]"
AWAY_SECONDS = 2.0
AS_ROOT = () if os.geteuid() == 0 else ("--user", "--map-root-user")
IN_A_SMALL_ROOM = ("unshare", *AS_ROOT, "--mount", "sh", "-c",
                   'mount -t tmpfs -o size=48m none "$0" && exec "$@"')  # fmt: skip
"""Starts a worker whose work folder lies on a disk of its own, in its own namespace, so that no right is needed."""


def until(condition: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"did not happen: {what}"
        time.sleep(0.02)


class Gate:
    """The way to the emulator, which can be shut: then connections are refused, and those that stand are cut."""

    def __init__(self, endpoint: str) -> None:
        target = urlsplit(endpoint)
        self._target = (str(target.hostname), int(target.port or 80))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._start()

    def shut(self) -> None:
        """From now on nothing gets through."""
        with self._lock:
            # A close alone would leave the thread in accept, and the port listening.
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Everything gets through again, at the same address."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._start()

    def _start(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        pair = {client: server, server: client}
        with client, server:
            with self._lock:
                self._open |= set(pair)
            with contextlib.suppress(OSError):
                while all(self._pass_on(one, pair[one]) for one in select.select(list(pair), [], [])[0]):
                    pass
            with self._lock:
                self._open -= set(pair)

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> bool:
        data = source.recv(65536)
        target.sendall(data)
        return bool(data)


class Witness:
    """Looks at all processes all the time: which Terraforms worked in the folders of one environment at once."""

    def __init__(self) -> None:
        self.doubled: list[str] = []
        self.seen = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.03):
            found: dict[str, list[int]] = defaultdict(list)
            for pid, folder in terraforms():
                found[folder.parent.name.partition("-")[0]].append(pid)
            self.seen = max(self.seen, len(found))
            self.doubled += [f"{uid}: {pids}" for uid, pids in found.items() if len(pids) > 1]


def terraforms() -> Iterator[tuple[int, Path]]:
    """Every Terraform that runs now in a work folder: its number and folder."""
    work = get_settings().data.resolve() / "work"
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
            folder = (entry / "cwd").readlink()
            state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        terraform = command[0].endswith(b"/terraform") or b"stackyard.terraform.embedded" in command
        # Its providers bear its name, too, between fork and exec; but only it leads a session.
        if terraform and session == entry.name and state != "Z" and folder.is_relative_to(work):
            yield int(entry.name), folder


def _leader(run: Run) -> int:
    """The run's Terraform as its row tells."""

    def noted() -> bool:
        run.refresh_from_db()
        return run.process is not None or not run.is_active

    until(noted, "a Terraform of the run")
    return int(run.process["pid"]) if run.process else 0


def kill_worker(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """kill -9, and another worker begins."""
    worker.kill()
    worker.wait()
    start()


def cancel_and_kill(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """Somebody cancels it, and kill -9 comes before the worker has heard of that."""
    with contextlib.suppress(Conflict):  # a destroy is not cancelled
        request_cancel(run.requested_by, run)
    kill_worker(run, worker, start, gate)


def lose_machine(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """Worker, Terraform and work folder are gone at one blow; a worker begins elsewhere."""
    worker.kill()
    folder = get_settings().data.resolve() / "work" / f"{run.environment.uid}-{run.pk}"
    while still := [pid for pid, code in terraforms() if code.is_relative_to(folder)]:
        for pid in still:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        time.sleep(0.02)
    worker.wait()
    shutil.rmtree(folder, ignore_errors=True)
    start()


def stop_worker(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """It sleeps while another worker has the run to its end, and wakes up again."""
    worker.send_signal(signal.SIGSTOP)
    start()
    until(lambda: not Run.objects.get(pk=run.pk).is_active, "the run ends while its first worker sleeps")
    worker.send_signal(signal.SIGCONT)
    worker.terminate()  # it lets what it carries end first
    worker.wait(60)


def kill_terraform(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """kill -9 of Terraform alone, as the kernel does for want of memory."""
    with contextlib.suppress(ProcessLookupError):
        if leader := _leader(run):
            os.kill(leader, signal.SIGKILL)


def kill_provider(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """kill -9 of the AWS provider under a Terraform that lives."""

    def providers() -> list[int]:
        leader = _leader(run)
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and b"terraform-provider-aws" in (entry / "cmdline").read_bytes():
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    found += [int(entry.name)] if parent == leader else []
        return found

    until(lambda: bool(providers()) or not Run.objects.get(pk=run.pk).is_active, "a provider")
    for pid in providers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def cut_aws_off(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """AWS refuses connections for a while."""
    gate.shut()
    try:
        time.sleep(AWAY_SECONDS)
    finally:
        gate.open()


def restart_database(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """All sessions but ours end, and for a while no other begins: so it is for clients when PostgreSQL restarts, and
    the tests beside this one keep their databases."""
    name = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        own = cursor.fetchone()[0]
    address = os.environ["DATABASE_URL"].replace(f"///{name}?", "///postgres?")
    with psycopg.connect(address, autocommit=True) as admin:
        closed = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        admin.execute(closed.format(sql.Identifier(name), sql.Literal(False)))
        try:
            end = time.monotonic() + AWAY_SECONDS
            while time.monotonic() < end:
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                    [name, own],
                )
                time.sleep(0.2)
        finally:
            admin.execute(closed.format(sql.Identifier(name), sql.Literal(True)))
            connection.close()
            connection.close_pool()  # what it kept for later is cut as well


def fill_disk(run: Run, worker: Worker, start: StartWorker, gate: Gate) -> None:
    """No byte more fits into the folder that Terraform works in, until the run has ended."""
    filler = Path(f"/proc/{worker.pid}/root{get_settings().data.resolve()}") / "work" / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def has_small_rooms() -> bool:
    """Whether this machine lets us make a disk of our own."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*IN_A_SMALL_ROOM, "/mnt", "true"], capture_output=True, check=False).returncode == 0


FAULTS = {
    "worker killed": kill_worker,
    "cancelled, worker killed": cancel_and_kill,
    "machine lost": lose_machine,
    "worker asleep": stop_worker,
    "Terraform killed": kill_terraform,
    "provider killed": kill_provider,
    "AWS away": cut_aws_off,
    "database restarted": restart_database,
    "disk full": fill_disk,
}
