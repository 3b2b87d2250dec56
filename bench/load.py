"""500 environments over 50 sandboxes with 8 workers and a Terraform that only waits: on the embedded PostgreSQL and on
an external one, and the same with a worker killed (-9) every few seconds.

Each case is a process of its own: a process has one database. BENCH_ENVIRONMENTS makes it smaller.
"""

import json
import os
import subprocess
import sys
from typing import Any

from bench.crowd import ROOT, Crowd, Workers, carry, judge, write_pattern
from bench.databases import server

ENVIRONMENTS = int(os.environ.get("BENCH_ENVIRONMENTS", "500"))
SANDBOXES, WORKERS = 50, 8
KILL_EVERY = 3.0
CASES = ("embedded", "external", "embedded, workers killed", "external, workers killed")


def run() -> dict[str, Any]:
    """All cases, one after the other."""
    figures: dict[str, Any] = {"environments": ENVIRONMENTS, "sandboxes": SANDBOXES, "workers": WORKERS}
    for case in CASES:
        done = subprocess.run(
            [sys.executable, "-m", "bench.load", case], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{case}: {done.stderr[-2000:]}")
        for name, value in json.loads(done.stdout.splitlines()[-1]).items():
            figures[f"{case}: {name}"] = value
    return figures


def simulate(case: str) -> dict[str, Any]:
    """One case, in this process."""
    kind, _, killing = case.partition(", ")
    crowd = Crowd(ENVIRONMENTS, SANDBOXES)
    with server(kind) as (url, data):
        write_pattern(data / "patterns")
        os.environ["STACKYARD_PATTERNS"] = str(data / "patterns")
        import django
        from django.core.management import call_command
        from django.db import connections

        django.setup()
        call_command("migrate", verbosity=0)
        workers = Workers({"DATABASE_URL": url, "STACKYARD_DATA": str(data)}, data / "workers.log")
        try:
            runs = crowd.ask()  # all of them wait when the first worker starts
            workers.start(WORKERS)
            seconds = carry(workers, runs, kill_every=KILL_EVERY if killing else 0, patience=1200)
        finally:
            workers.stop()
        found = judge(crowd, runs, data, workers.killed)
        connections.close_all()
    return {"seconds": round(seconds, 1), **({"workers killed": len(workers.killed)} if killing else {}), **found}


if __name__ == "__main__":
    print(json.dumps(simulate(sys.argv[1])))
