"""What the control plane itself takes: queue, a run without Terraform's time, a worker's death, the live log.

The workers are real processes; Terraform is the one that only waits, here for next to nothing.
"""

import asyncio
import json
import os
import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.crowd import Crowd, Workers, carry, write_pattern
from bench.databases import server
from bench.yard import p95

RUNS = 30
DEATHS = 3
VIEWERS = 200
FAST_LINES = 20_000
LINES, LINES_PER_SECOND = 500, 50


def run() -> dict[str, Any]:
    """All figures, on one embedded PostgreSQL."""
    with server("embedded") as (url, data):
        write_pattern(data / "patterns")
        os.environ["STACKYARD_PATTERNS"] = str(data / "patterns")
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        settings = {"DATABASE_URL": url, "STACKYARD_DATA": str(data), "BENCH_PACE": "0"}
        workers = Workers(settings, data / "workers.log")
        slow = Workers({**settings, "BENCH_PACE": "60"}, data / "workers.log")
        try:
            workers.start(2)
            figures = _waits_and_overhead(workers)
            workers.stop()
            figures |= _deaths(slow)
        finally:
            workers.stop()
            slow.stop()
        figures |= asyncio.run(_live_log())
        connections.close_all()
    return figures


def _waits_and_overhead(workers: Workers) -> dict[str, Any]:
    """One run after the other, so that there is always a free slot."""
    from stackyard.cmdb.models import Run, Sandbox
    from stackyard.environments.create import create
    from stackyard.environments.requests import CreateRequest

    (warm,) = Crowd(environments=1, sandboxes=1).ask()
    carry(workers, [warm])
    user, box = Run.objects.get(pk=warm).requested_by, Sandbox.objects.get()
    waits, takes = [], []
    for number in range(RUNS):
        wish = CreateRequest("p0", "simulated", f"q{number}", sandbox=box.name)
        made = create(user, wish, via="api")
        carry(workers, [made.pk])
        made.refresh_from_db()
        assert made.started_at is not None
        assert made.finished_at is not None
        waits.append((made.started_at - made.created_at).total_seconds())
        takes.append((made.finished_at - made.created_at).total_seconds())
    return {
        "queue wait with free slots, p50 s": statistics.median(waits),
        "queue wait with free slots, p95 s (aim 1)": p95(waits),
        "a whole run without Terraform, median s (aim 2)": statistics.median(takes),
        "a whole run without Terraform, p95 s": p95(takes),
    }


def _deaths(workers: Workers) -> dict[str, Any]:
    """Kill the worker that carries a run, with default settings; until another goes on with it."""
    from stackyard.cmdb.models import Run, Sandbox, Stage
    from stackyard.environments.create import create
    from stackyard.environments.requests import CreateRequest

    workers.start(2)
    user, box = Run.objects.all()[0].requested_by, Sandbox.objects.get()
    gone = []
    for number in range(DEATHS):
        made = create(user, CreateRequest("p0", "simulated", f"k{number}", sandbox=box.name), via="api")
        stage = Stage.objects.filter(run=made, name="init", status="running")
        while not stage.exists():
            time.sleep(0.05)
        pid = int(Run.objects.get(pk=made.pk).worker.partition(":")[2])
        (one,) = [w for w in workers.alive if w.pid == pid]
        workers.alive.remove(one)
        one.kill()
        one.wait()
        killed = time.time()
        again = Stage.objects.filter(run=made, run__takeovers=1, name="render", status="done")
        while not again.exists():
            time.sleep(0.05)
        gone.append(time.time() - killed)
        workers.start(1)
    return {
        "from a worker's death until its run goes on, median s": statistics.median(gone),
        "from a worker's death until its run goes on, longest s (aim 30)": max(gone),
    }


async def _live_log() -> dict[str, Any]:
    """One run that writes: first as fast as it can, then at a lively pace with 200 who watch it, each through the ASGI
    route with its check of the session."""
    from stackyard.cmdb.models import Run, RunStatus
    from stackyard.runs.database import in_database
    from stackyard.runs.lease import Lease
    from stackyard.runs.live import with_live_log
    from stackyard.runs.log import RunLog

    watched = await in_database(lambda: Run.objects.order_by("-pk")[0])
    token, cookie = uuid.uuid4(), await in_database(_signed_in)
    until = datetime.now(UTC) + timedelta(hours=1)
    row = Run.objects.filter(pk=watched.pk)
    await in_database(lambda: row.update(status=RunStatus.RUNNING, token=token, lease_until=until))
    lease = Lease(watched.pk, token, 3600)

    fast = RunLog(lease)
    pump, begin = asyncio.create_task(fast.pump()), time.perf_counter()
    for number in range(FAST_LINES):
        fast.write(f"aws_sqs_queue.this[{number}]: Still creating... [10s elapsed]")
        if number % 500 == 0:
            await asyncio.sleep(0)
    fast.close()
    await pump
    ingested = time.perf_counter() - begin

    seen = await in_database(lambda: watched.events.order_by("-pk").values_list("pk", flat=True)[0])
    route = with_live_log(_nothing)
    delays: list[float] = []
    viewers = [asyncio.create_task(_watch(route, watched.pk, seen, cookie, delays)) for _ in range(VIEWERS)]
    await asyncio.sleep(3)
    log = RunLog(lease)
    pump = asyncio.create_task(log.pump())
    for number in range(LINES):
        log.write(f"line {time.time()} {number}")
        await asyncio.sleep(1 / LINES_PER_SECOND)
    log.close()
    await pump
    begin = time.perf_counter()
    while len(delays) < LINES * VIEWERS and time.perf_counter() - begin < 60:
        await asyncio.sleep(0.1)
    for viewer in viewers:
        viewer.cancel()
    await asyncio.gather(*viewers, return_exceptions=True)
    return {
        "events ingested per second": FAST_LINES / ingested,
        "viewers of one run": VIEWERS,
        "lines per second": LINES_PER_SECOND,
        "lines delivered of those written": len(delays) / (LINES * VIEWERS),
        "delay of a line until a viewer has it, p50 s": statistics.median(delays),
        "delay of a line until a viewer has it, p95 s": p95(delays),
    }


async def _watch(route: Any, run_id: int, after: int, cookie: str, delays: list[float]) -> None:
    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        now = time.time()
        for line in message.get("body", b"").decode().splitlines():
            if line.startswith("data: "):
                events = json.loads(line[6:]).get("events", ())
                delays.extend(now - float(e["message"].split()[1]) for e in events if e["message"].startswith("line "))

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/live/runs/{run_id}",
        "query_string": f"after={after}".encode(),
        "headers": [(b"cookie", cookie.encode())],
    }
    await route(scope, receive, send)


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError


def _signed_in() -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User.objects.order_by("pk")[0]
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"sessionid={session.session_key}"
