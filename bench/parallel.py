"""Side by side: an environment in each of eight sandboxes at once, against one environment alone.

All real: one worker, Terraform, the provider and the emulator with its waits. `taskset -c 0,1` makes it two cores.
"""

import os
import statistics
import time
from typing import Any

from bench.yard import await_end, yard
from stackyard.cli.client import Client
from stackyard.cli.demo.organisation import SANDBOXES

AT_ONCE = 8
ALONE = 3
PATTERN = "ecs-service"


def run() -> dict[str, Any]:
    """Seconds of one alone and of all at once; both from the first request to the end of the last run."""
    with yard() as (_, client):
        boxes = [SANDBOXES[0].name, *(_sandbox(number) for number in range(1, AT_ONCE))]
        _build(client, boxes[:1], "warm")
        one = statistics.median(_build(client, boxes[:1], f"alone{number}") for number in range(ALONE))
        many = _build(client, boxes, "side")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "one environment alone, median s": one,
        f"{AT_ONCE} at once, one in each sandbox, s": many,
        "ratio (aim at most 2)": many / one,
        "environments per minute at once": AT_ONCE * 60 / many,
    }


def _sandbox(number: int) -> str:
    """One more sandbox of the first one's department, with its common components."""
    from django.db import connections

    from stackyard.aws.emulator.seed import seed_baseline
    from stackyard.cmdb.models import Sandbox
    from stackyard.runs.context import access_to
    from stackyard.settings import Settings

    box = Sandbox.objects.get(name=SANDBOXES[0].name)
    box.pk, box.name, box.account_id = None, f"side-{number}", f"{900000000000 + number}"
    box.zone_name, box.role_arn = f"s{number}.dev.example.com", f"arn:aws:iam::{box.account_id}:role/stackyard"
    access = access_to(box, Settings())
    box.facts = seed_baseline(access, zone_name=box.zone_name, vpc_cidr=f"10.{100 + number}.0.0/16").as_dict()
    box.save()
    connections.close_all()
    return box.name


def _build(client: Client, boxes: list[str], name: str) -> float:
    begin = time.perf_counter()
    wishes = [
        {"product": "shop", "pattern": PATTERN, "name": f"{name}{number}", "sandbox": box}
        for number, box in enumerate(boxes)
    ]
    runs = [client.post("/environments", wish)["run"]["id"] for wish in wishes]
    for run_id in runs:
        ended = await_end(client, run_id)
        if ended["status"] != "succeeded":
            raise RuntimeError(f"{ended['id']}: {ended['error']}")
    return time.perf_counter() - begin
