"""What a person waits for: the first log line after Create, the list with 10,000 environments; and what it weighs."""

import json
import os
import re
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from bench.yard import await_end, p95, yard
from stackyard.cli.client import Client
from stackyard.cli.demo.organisation import PASSWORD
from stackyard.cli.demo.stack import DemoStack

CREATES = 20
ENVIRONMENTS = 10_000
REQUESTS = 60


def run() -> dict[str, Any]:
    """All figures of one running yard."""
    with yard() as (stack, client):
        browser = _sign_in(stack)
        lines = [_first_line(stack, client, browser, number) for number in range(CREATES)]
        weight = _peak_memory(stack)
        _fill(stack)
        pages, waits = _timed(browser, "/environments/")
        searches, _ = _timed(browser, "/environments/?q=b77")
        health, health_waits = _timed(browser, "/api/health")
    return {
        "Create to first log line, median s": statistics.median(lines),
        "Create to first log line, p95 s (aim 0.5)": p95(lines),
        "server + worker, peak resident MB (aim 350)": sum(weight.values()),
        "of which": json.dumps(weight),
        f"list of {ENVIRONMENTS} environments, server time, p95 ms (aim 50)": p95(pages),
        f"list of {ENVIRONMENTS} environments, server time, median ms": statistics.median(pages),
        "the same with a search, p95 ms": p95(searches),
        "baseline: an answer that asks the database once, server time, median ms": statistics.median(health),
        "the list as a client on this machine waits for it, median ms": statistics.median(waits),
        "ratio to the baseline as a client waits for it": statistics.median(waits) / statistics.median(health_waits),
    }


def _sign_in(stack: DemoStack) -> httpx.Client:
    browser = httpx.Client(base_url=stack.url, follow_redirects=True, timeout=30)
    page = browser.get("/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    answer = browser.post(
        "/login/",
        data={"username": "pat", "password": PASSWORD, "csrfmiddlewaretoken": token[1]},
        headers={"Referer": stack.url},
    )
    answer.raise_for_status()
    return browser


def _first_line(stack: DemoStack, client: Client, browser: httpx.Client, number: int) -> float:
    """Seconds from the request to the first line in the live log; then the run is cancelled and waited for."""
    begin = time.perf_counter()
    accepted = client.post("/environments", {"product": "shop", "pattern": "ecs-worker", "name": f"l{number}"})
    run_id = accepted["run"]["id"]
    with browser.stream("GET", f"/live/runs/{run_id}") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: ") and json.loads(line[6:]).get("events"):
                seconds = time.perf_counter() - begin
                break
    client.post(f"/runs/{run_id}/cancel")
    await_end(client, run_id)
    return seconds


def _peak_memory(stack: DemoStack) -> dict[str, float]:
    """Peak resident memory of server and worker in MB, as the kernel kept it (VmHWM), without Terraform."""
    found = {}
    for name, child in stack.children:
        status = Path(f"/proc/{child.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak is not None
        found[name] = round(int(peak[1]) / 1024, 1)
    return found


def _fill(stack: DemoStack) -> None:
    """Write the environments straight into the demo's database."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

    def write() -> None:
        from django.contrib.auth.models import User

        from stackyard.cmdb.models import Environment, PatternVersion, Product, Sandbox

        pattern, sandbox = PatternVersion.objects.first(), Sandbox.objects.first()
        product, owner = Product.objects.first(), User.objects.first()
        assert pattern is not None
        assert sandbox is not None
        assert product is not None
        assert owner is not None
        Environment.objects.bulk_create(
            Environment(
                product=product, name=f"b{n}", slug=f"{product.name}-b{n}", sandbox=sandbox, pattern=pattern,
                fqdn=f"{product.name}-b{n}.{sandbox.zone_name}", owner=owner, status="ready",
            )
            for n in range(ENVIRONMENTS)
        )  # fmt: skip

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()


def _timed(browser: httpx.Client, path: str) -> tuple[list[float], list[float]]:
    """Milliseconds of each request, after five that warm up: in the server, by its Server-Timing header, and in all."""
    inside, times = [], []
    for number in range(REQUESTS + 5):
        begin = time.perf_counter()
        answer = browser.get(path).raise_for_status()
        if number >= 5:
            times.append((time.perf_counter() - begin) * 1000)
            inside.append(float(answer.headers["Server-Timing"].rpartition("=")[2]))
    return inside, times
