"""The demo's processes as the thing that is measured: a real server, a real worker, Terraform and the emulator."""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stackyard.cli.client import Client
from stackyard.cli.demo.stack import DemoStack


@contextlib.contextmanager
def yard() -> Iterator[tuple[DemoStack, Client]]:
    """A demo in a folder of its own, and a client that is platform staff there."""
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder:
        Path(folder).chmod(0o755)
        with DemoStack(Path(folder), 8400) as stack:
            yield stack, Client(stack.url, stack.token)


def await_end(client: Client, run_id: int, pause: float = 0.05) -> dict[str, Any]:
    """The run once it has ended, asked for after each pause (seconds)."""
    while True:
        run: dict[str, Any] = client.get(f"/runs/{run_id}")
        if not run["active"]:
            return run
        time.sleep(pause)


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]
