"""Many environments in many sandboxes, built by workers that may be killed, and what has to be true afterwards.

The same code makes the load simulation (bench/load.py) and the small one of the test suite.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.simulated import TRACES

PATTERN = {
    "pattern.yaml": "name: simulated\nversion: 1.0.0\ntitle: Simulated\ndescription: Builds nothing.\n"
    "fills:\n  name: environment.name\n  tags: environment.tags\n",
    "locals.tf": 'locals {\n  # Name.\n  name = ""\n\n  # Tags.\n  tags = {}\n\n  # Size.\n  size = 1\n}\n',
    "main.tf": 'terraform {\n  required_version = ">= 1.5"\n}\n',
    "README.md": "# Simulated\n",
}
ROOT = Path(__file__).resolve().parents[1]


def write_pattern(folder: Path) -> None:
    """The one pattern of the simulation, as a catalogue."""
    (folder / "simulated").mkdir(parents=True)
    for name, text in PATTERN.items():
        (folder / "simulated" / name).write_text(text)


@dataclass(frozen=True)
class Crowd:
    """Who asks for what: `environments` over `sandboxes`, five sandboxes to a department, `cap` runs in each."""

    environments: int
    sandboxes: int
    cap: int = 4

    def ask(self) -> list[int]:
        """Write organisation and requests; returns the ids of the runs. Needs a Django that is set up."""
        from django.contrib.auth.models import User

        from stackyard.cmdb.models import Department, Membership, Product, Role, Sandbox, SandboxStatus
        from stackyard.environments.create import create
        from stackyard.environments.requests import CreateRequest

        boxes: list[tuple[User, str, str]] = []
        for number in range(self.sandboxes):
            account = f"{800000000000 + number}"
            department, _ = Department.objects.get_or_create(name=f"d{number // 5}", title=f"Department {number // 5}")
            product, _ = Product.objects.get_or_create(
                name=f"p{number // 5}", defaults={"title": "Product", "department": department}
            )
            user, made = User.objects.get_or_create(username=f"u{number // 5}")
            if made:
                Membership.objects.create(user=user, department=department, role=Role.REQUESTER)
            zone = f"s{number}.dev.example.com"
            box = Sandbox.objects.create(
                name=f"s{number}",
                department=department,
                account_id=account,
                region="eu-central-1",
                role_arn=f"arn:aws:iam::{account}:role/stackyard",
                zone_name=zone,
                emulated=True,
                status=SandboxStatus.READY,
                facts=_facts(zone),
                executor="simulated",
                max_parallel_runs=self.cap,
            )
            boxes.append((user, product.name, box.name))
        return [
            create(user, CreateRequest(product, "simulated", f"e{n}", sandbox=box), via="api").pk
            for n, (user, product, box) in ((n, boxes[n % self.sandboxes]) for n in range(self.environments))
        ]


def _facts(zone: str) -> dict[str, object]:
    from dataclasses import fields

    from stackyard.aws.facts import BaselineFacts

    values: dict[str, object] = {f.name: ["x"] if f.name.endswith("_ids") else "x" for f in fields(BaselineFacts)}
    return {**values, "zone_name": zone, "vpc_cidr": "10.0.0.0/16"}


@dataclass
class Workers:
    """Workers as processes, which can be killed and are replaced, as a supervisor would do."""

    environment: Mapping[str, str]
    log: Path
    alive: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    # Process id -> when it was killed, by the monotonic clock.
    killed: dict[int, float] = field(default_factory=dict)

    def start(self, number: int) -> None:
        """So many more."""
        for _ in range(number):
            with self.log.open("ab") as log:
                self.alive.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "bench.simulated"],
                        cwd=ROOT,
                        env={**os.environ, **self.environment},
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                )

    def kill_one(self) -> None:
        """Without any warning; another takes its place."""
        one = self.alive.pop(random.randrange(len(self.alive)))  # noqa: S311 - no secret
        one.kill()
        one.wait()
        self.killed[one.pid] = time.monotonic()
        self.start(1)

    def stop(self) -> None:
        """End all of them, in good order where they let us."""
        for one in self.alive:
            one.send_signal(signal.SIGTERM)
        for one in self.alive:
            try:
                one.wait(15)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()


def carry(workers: Workers, runs: Sequence[int], *, kill_every: float = 0, patience: float = 600) -> float:
    """Wait until these runs have ended, and kill a worker every so many seconds; returns how long it took."""
    from stackyard.cmdb.models import Run
    from stackyard.cmdb.models.run import ACTIVE

    begin = last = time.monotonic()
    while Run.objects.filter(pk__in=runs, status__in=ACTIVE).exists():
        if time.monotonic() - begin > patience:
            raise TimeoutError(f"Not all runs ended within {patience} s; see {workers.log}.")
        if kill_every and time.monotonic() - last > kill_every:
            workers.kill_one()
            last = time.monotonic()
        time.sleep(0.2)
    return time.monotonic() - begin


def judge(crowd: Crowd, runs: Sequence[int], data: Path, killed: Mapping[int, float]) -> dict[str, Any]:
    """What became of it: `not succeeded`, `overlaps` and `caps broken` have to be 0."""
    from stackyard.cmdb.models import Run

    rows = list(Run.objects.filter(pk__in=runs))
    in_sandbox: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for run in rows:
        if run.started_at and run.finished_at:
            in_sandbox[run.sandbox_id].append((run.started_at.timestamp(), run.finished_at.timestamp()))
    statuses = Counter(run.status for run in rows)
    return {
        "succeeded": statuses["succeeded"],
        "not succeeded": len(runs) - statuses["succeeded"],
        "takeovers": sum(run.takeovers for run in rows),
        "at work at once, at most": most_at_once([span for spans in in_sandbox.values() for span in spans]),
        "overlaps": overlaps(data / TRACES, killed),
        "caps broken": sum(most_at_once(spans) > crowd.cap for spans in in_sandbox.values()),
    }


def most_at_once(spans: Collection[tuple[float, float]]) -> int:
    """How many of these intervals share a moment at most. One that ends when another begins does not share it."""
    moments = sorted([(end, -1) for _, end in spans] + [(begin, 1) for begin, _ in spans])
    most = now = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most


def overlaps(traces: Path, killed: Mapping[int, float]) -> int:
    """How often two commands worked on one environment at the same time. A command without an end ended when its
    worker was killed."""
    spans: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for file in traces.glob("*.jsonl"):
        begun: dict[str, float] = {}
        for line in file.read_text().splitlines():
            entry = json.loads(line)
            uid = entry["folder"].partition("-")[0]
            if entry["what"] == "begin":
                begun[uid] = entry["at"]
            else:
                spans[uid].append((begun.pop(uid), entry["at"]))
        for uid, begin in begun.items():
            spans[uid].append((begin, killed[int(file.stem)]))
    return sum(sum(second[0] < first[1] for first, second in pairwise(sorted(found))) for found in spans.values())
