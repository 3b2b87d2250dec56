"""From an issue to its run: a webhook over the emulated GitHub, a real server and worker, Terraform that only waits."""

import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from tests.github_emulator import BOT, RIKA, SECRET, GithubEmulator, form, free_port

from bench.crowd import Crowd, Workers, carry, write_pattern
from bench.databases import server
from bench.yard import p95

ISSUES = 10


def run() -> dict[str, Any]:
    """Seconds from opening an issue until a worker began its run."""
    with server("embedded") as (url, data):
        write_pattern(data / "patterns")
        github = GithubEmulator.start(data)
        settings = {
            "DATABASE_URL": url,
            "STACKYARD_DATA": str(data),
            "STACKYARD_PATTERNS": str(data / "patterns"),
            "STACKYARD_GITHUB_URL": github.url,
            "STACKYARD_GITHUB_REPOSITORY": github.repository,
            "STACKYARD_GITHUB_TOKEN": f"token-{BOT}",
            "STACKYARD_GITHUB_WEBHOOK_SECRET": SECRET,
            "STACKYARD_GITHUB_POLL_SECONDS": "0",
            "BENCH_PACE": "0",
        }
        os.environ.update(settings)
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        workers = Workers(settings, data / "workers.log")
        try:
            with _portal(settings, data / "portal.log") as address:
                workers.start(1)
                github.hook(f"{address}/github/webhook")
                return _waits(github, workers)
        finally:
            workers.stop()
            github.stop()
            connections.close_all()


def _waits(github: GithubEmulator, workers: Workers) -> dict[str, Any]:
    from stackyard.cmdb.models import GithubCursor, GithubLogin, Run

    (warm,) = Crowd(environments=1, sandboxes=1).ask()
    GithubLogin.objects.create(user=Run.objects.get(pk=warm).requested_by, login=RIKA)
    carry(workers, [warm])
    while not GithubCursor.objects.exists():
        time.sleep(0.05)
    waits = []
    for number in range(ISSUES):
        begin = datetime.now(UTC)
        github.open("New environment", form(product="p0", pattern="simulated", name=f"g{number}"))
        wanted = Run.objects.filter(via="github", environment__name=f"g{number}", started_at__isnull=False)
        while not (found := list(wanted.all())):  # a query set asks once
            if (datetime.now(UTC) - begin).total_seconds() > 60:
                raise RuntimeError(f"no run for issue {number + 1}: {github.comments(number + 1)}")
            time.sleep(0.02)
        assert found[0].started_at is not None
        waits.append((found[0].started_at - begin).total_seconds())
        carry(workers, [found[0].pk])
    return {
        "issues": ISSUES,
        "issue opened to run started, p50 s": statistics.median(waits),
        "issue opened to run started, p95 s (aim 2)": p95(waits),
    }


@contextlib.contextmanager
def _portal(settings: dict[str, str], log: Path) -> Iterator[str]:
    port = free_port()
    command = [str(Path(sys.executable).with_name("stackyard")), "serve", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=file, stderr=file)
    address = f"http://127.0.0.1:{port}"
    try:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{address}/healthz").is_success:
                    break
            if process.poll() is not None:
                raise RuntimeError(log.read_text()[-500:])
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(15)
