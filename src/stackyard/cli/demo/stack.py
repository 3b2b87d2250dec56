"""The demo's processes: PostgreSQL, emulator, server and worker, started together and ended together.

The emulator keeps AWS in memory. When it goes, whatever Terraform knew is gone with it, so the demo always starts from
an empty database, record and state; only the unpacked AWS provider stays in the data folder.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO

import httpx

from stackyard.cli.demo.address import free_port
from stackyard.errors import Conflict, Unavailable

EMPTIED = ("postgres", "record", "work", "logs")
"""What a new demo starts without."""

STOP_SECONDS = 15


class DemoStack:
    """Start everything on entering, end everything on leaving, in the opposite order."""

    def __init__(
        self, data: Path, port: int, *, fail_at: Sequence[str] = (), tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.data = data.resolve()
        self.port = free_port(port)
        self.token = ""
        self._fail_at = fail_at
        self._tell = tell
        self.children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._lock: IO[str] | None = None
        self._users: IO[str] | None = None

    @property
    def url(self) -> str:
        """Where the portal answers."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "DemoStack":
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def watch(self) -> None:
        """Return when a child has ended by itself, with Unavailable that names it and its log."""
        while True:
            for name, child in self.children:
                if child.poll() is not None:
                    raise Unavailable(f"The {name} ended with status {child.returncode}.\n{self.log_tail(name)}")
            time.sleep(0.5)

    def log_tail(self, name: str) -> str:
        """The last lines that a child wrote."""
        path = self.data / "logs" / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-15:]) if path.exists() else ""

    def _start(self) -> None:
        from stackyard.aws.emulator.process import Emulator
        from stackyard.database.embedded import EmbeddedPostgres

        self._take_folder()
        self._postgres = EmbeddedPostgres(self.data / "postgres")
        self._empty()
        self._users = self._postgres.hold()  # a backup of the demo, or a token, must not end its database
        os.environ["STACKYARD_DATA"] = str(self.data)  # builds that the emulator does find Terraform's provider there
        self._tell("Starting PostgreSQL and the AWS emulator")
        with ThreadPoolExecutor() as pool:
            postgres = pool.submit(self._postgres.start)
            self._emulator = Emulator.start(log=self.data / "logs" / "emulator.log")
            postgres.result()
        self._configure()
        self._tell("Writing the example organisation and two sandboxes")
        self._prepare()
        self._tell("Starting server and worker")
        self._child("server", "serve", "--port", str(self.port))
        self._child("worker", "worker")
        self._await_server()
        for action in self._fail_at:
            self._emulator.fail(action)

    def _take_folder(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._lock = (self.data / "demo.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                f"Another demo is running on {self.data}.", hint="Stop it, or give this one a folder with --data."
            ) from None

    def _empty(self) -> None:
        self._postgres.stop()  # one that an earlier demo was killed beside
        shutil.rmtree(self._postgres.root, ignore_errors=True)  # not always below our folder
        for name in EMPTIED:
            shutil.rmtree(self.data / name, ignore_errors=True)
        (self.data / "logs").mkdir()

    def _configure(self) -> None:
        """Settings of this process and its children."""
        os.environ.update(
            DATABASE_URL=self._postgres.url(),
            STACKYARD_AWS_ENDPOINT=self._emulator.endpoint,
            DJANGO_SETTINGS_MODULE="stackyard.site.settings",
        )

    def _prepare(self) -> None:
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        from stackyard.aws.emulator.seed import seed_baseline
        from stackyard.aws.sessions import SandboxAccess
        from stackyard.cli.demo.loading import load
        from stackyard.cli.demo.organisation import SANDBOXES

        with ThreadPoolExecutor() as pool:
            seeded = {
                box.name: pool.submit(
                    seed_baseline,
                    SandboxAccess(box.account_id, box.region, box.role_arn, "", self._emulator.endpoint),
                    zone_name=box.zone_name,
                    vpc_cidr=box.vpc_cidr,
                )
                for box in SANDBOXES
            }
            call_command("migrate", verbosity=0)
            self.token = load({name: done.result() for name, done in seeded.items()})
        connections.close_all()

    def _child(self, name: str, *command: str) -> None:
        log = (self.data / "logs" / f"{name}.log").open("wb")
        # A session of its own: Ctrl-C on the terminal reaches only this process, which then ends the others in order.
        child = subprocess.Popen(
            [sys.executable, "-m", "stackyard.cli", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        log.close()
        self.children.append((name, child))

    def _await_server(self) -> None:
        for _ in range(300):
            for name, child in self.children:
                if child.poll() is not None:
                    raise Unavailable(f"The {name} did not start.\n{self.log_tail(name)}")
            try:
                answer = httpx.get(f"{self.url}/api/health", timeout=10)
                if answer.status_code == httpx.codes.OK:
                    return
                if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                    break
            except (OSError, httpx.HTTPError):
                pass
            time.sleep(0.1)
        raise Unavailable(f"The server did not answer.\n{self.log_tail('server')}")

    def _end(self) -> None:
        for _, child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for _, child in self.children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if hasattr(self, "_emulator"):
            self._emulator.stop()
        if hasattr(self, "_postgres"):
            self._postgres.stop()
        if self._users is not None:
            self._users.close()
        if self._lock is not None:
            self._lock.close()
