"""What each executor adds to a create run: the same environment built beside the worker, by CodeBuild, by a workflow.

The runs of the executors alternate on the same emulator. CodeBuild is the emulator's, which does the shipped buildspec
in a shell, and GitHub a stand-in that runs the shipped workflow with `act`: machines are there at once. So this is what
Stackyard and its jobs cost, without the wait for a machine of AWS or GitHub.
"""

import os
import statistics
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.builds import Pipeline
from tests.github_jobs import REPOSITORY, job_environment, serve_jobs

from bench.yard import await_end, yard
from stackyard.aws.sessions import SandboxAccess
from stackyard.cli.client import Client
from stackyard.cli.demo.organisation import SANDBOXES

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
EXECUTORS: dict[str, dict[str, str]] = {
    "local": {},
    "codebuild": {},
    "github-actions": {"repository": REPOSITORY},
}
"""Executor -> its options."""


def run() -> dict[str, Any]:
    """Median seconds of a create of `ecs-worker` through each, and the ratio to `local`. BENCH_RUNS makes it longer."""
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as folder, serve_jobs(Path(folder), {}) as bridge:
        os.environ |= {"STACKYARD_GITHUB_URL": bridge.url, "STACKYARD_GITHUB_TOKEN": "a-token"}
        with yard() as (stack, client):
            box = SANDBOXES[0]
            access = SandboxAccess(box.account_id, box.region, box.role_arn, "", os.environ["STACKYARD_AWS_ENDPOINT"])
            bridge.act.env = job_environment(access.endpoint, stack.data)
            Pipeline.apply(access, Path(folder) / "pipeline", stack.data / "providers")
            seconds: dict[str, list[float]] = {name: [] for name in EXECUTORS}
            for number in range(RUNS + 1):
                for executor, options in EXECUTORS.items():
                    client.patch(f"/sandboxes/{box.name}", {"executor": executor, "executor_options": options})
                    taken = _create(client, f"{executor[0]}{number}")
                    if number:  # the first of each warms up
                        seconds[executor].append(taken)
                    # The bucket of a state cannot change while something stands.
                    _destroy(client, f"shop-{executor[0]}{number}")
    local = statistics.median(seconds["local"])
    figures: dict[str, Any] = {"creates of each": RUNS, "jobs of each elsewhere": "plan, apply"}
    for executor, taken_by in seconds.items():
        median = statistics.median(taken_by)
        figures |= {
            f"{executor}: create run, median s": median,
            f"{executor}: more than local, s": median - local,
            f"{executor}: ratio to local": median / local,
            f"{executor}: all, s": ", ".join(f"{s:.1f}" for s in sorted(taken_by)),
        }
    return figures


def _create(client: Client, name: str) -> float:
    """Seconds from the moment that the request was accepted until all was registered."""
    wish = {"product": "shop", "pattern": "ecs-worker", "name": name}
    ended = await_end(client, client.post("/environments", wish)["run"]["id"], pause=0.5)
    if ended["status"] != "succeeded":
        raise RuntimeError(f"{name}: {ended['error']} {ended['hint']}")
    begin, end = (datetime.fromisoformat(ended[field]) for field in ("created_at", "finished_at"))
    return (end - begin).total_seconds()


def _destroy(client: Client, slug: str) -> None:
    ended = await_end(client, client.delete(f"/environments/{slug}")["run"]["id"], pause=0.5)
    if ended["status"] != "succeeded":
        raise RuntimeError(f"{slug}: {ended['error']} {ended['hint']}")
