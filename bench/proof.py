"""How long the path of a web application with database takes to be proven, asked for over the API of a running server.

The emulator answers in the place of AWS, so this is the work of the proof and not the way to AWS.
"""

import os
import statistics
import time
from typing import Any

from bench.yard import await_end, p95, yard

PROOFS = int(os.environ.get("BENCH_PROOFS", "20"))


def run() -> dict[str, Any]:
    """Build it once, prove it again and again; returns seconds, and how many hops there were."""
    with yard() as (_, client):
        wish = {"product": "shop", "pattern": "ecs-web-db", "name": "proof"}
        ended = await_end(client, client.post("/environments", wish)["run"]["id"])
        if ended["status"] != "succeeded":
            raise RuntimeError(ended["error"])
        seconds = []
        for _ in range(PROOFS + 1):
            begin = time.perf_counter()
            found = client.post("/environments/shop-proof/verify", {})
            seconds.append(time.perf_counter() - begin)
            if not found["holds"]:
                raise RuntimeError(str([hop for hop in found["hops"] if hop["ok"] is False]))
        first, *others = seconds
        return {
            "hops": len(found["hops"]),
            "proofs": PROOFS,
            "first proof of a server, s": first,
            "median s (aim under 3)": statistics.median(others),
            "95th percentile s": p95(others),
        }
