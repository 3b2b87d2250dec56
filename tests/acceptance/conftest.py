"""Real processes for user stories: a worker of its own, a portal on a port, a browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

WORKER = "stackyard-test-worker"
StartWorker = Callable[..., "subprocess.Popen[bytes]"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture
def start_worker(transactional_db: None) -> Iterator[StartWorker]:
    """Starts a worker as a process of its own, on the test database, with a short lease. Arguments are a command that
    starts the command that follows it.

    It is gone, with its sessions in the database, before the tables are emptied for the next test.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(*before: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "STACKYARD_LEASE_SECONDS": "3", "PGAPPNAME": WORKER}
        child = subprocess.Popen(
            [*before, sys.executable, "-m", "stackyard.cli", "worker"], env=environment, start_new_session=True
        )
        started.append(child)
        return child

    yield start
    for child in started:
        if child.poll() is None:
            child.send_signal(signal.SIGCONT)
            child.kill()
            child.wait()
    if started:
        _end_sessions()


def _await_quiet() -> None:
    """A request that a closing browser gave up may still be at work in its thread, and hold locks."""
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state IN ('active', 'idle in transaction')"
    )
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(busy)
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.05)


def _end_sessions() -> None:
    """A killed client's session lives on until the server notices, and may hold locks."""
    theirs = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(f"SELECT count(pg_terminate_backend(pid)) {theirs}", [WORKER])
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.05)


@pytest.fixture
def portal(transactional_db: None) -> Iterator[str]:
    """The whole ASGI application on a free port of this machine; its address."""
    import uvicorn

    from stackyard.site.asgi import application

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(
            uvicorn.Config(application, log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()
        _await_quiet()


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A real Chromium, headless."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    # Playwright's synchronous interface runs an event loop in this thread, in which Django refuses the ORM.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield chromium
        chromium.close()


LONG = frozenset(
    {
        "test_backup_and_restore.py",
        "test_change.py",
        "test_expiry_and_drift.py",
        "test_faults.py",
        "test_further_names.py",
        "test_no_secret_gets_out.py",
        "test_pattern_in_ci.py",
        "test_sandbox.py",
        "test_upgrade_of_a_sandbox.py",
        "test_what_follows_from_an_error.py",
    }
)
"""Stories of minutes each, beside those that go the same ways more quickly: they are in `make test-all`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them before they are selected."""
    for item in items:
        if item.path.name in LONG:
            item.add_marker(pytest.mark.long)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of faults, when there were any."""
    reports = [r for found in terminalreporter.stats.values() for r in found if hasattr(r, "user_properties")]
    told = [dict(r.user_properties) for r in reports if getattr(r, "when", "") == "call"]
    rows = sorted(((*t["fault"], "yes" if t.get("held") else "NO") for t in told if "fault" in t), key=str)
    if not rows:
        return
    head = ("run", "stage", "fault", "ended", "environment", "takeovers", "tries", "seconds", "all holds")
    widths = [max(len(str(row[n])) for row in (head, *rows)) for n in range(len(head))]
    terminalreporter.section("faults")
    for row in (head, *rows):
        terminalreporter.write_line("  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)))
