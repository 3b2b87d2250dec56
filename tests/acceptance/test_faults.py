"""Whatever dies, falls silent, is cut off or fills up, at every stage: nothing lost, doubled or left behind.

`make faults` goes through all stages and faults; `make test` through a chosen dozen. A table is printed at the end.
"""

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.db import connection

from stackyard.aws.inventory import leftovers
from stackyard.cmdb.models import Allocation, Environment, Run, RunEvent, RunStatus
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker
from tests.acceptance.faults import FAULTS, IN_A_SMALL_ROOM, Gate, Witness, has_small_rooms, until
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]

STAGES = {
    "create": ("render", "init", "record", "plan", "check", "apply", "verify", "register"),
    "create that fails": ("destroy", "prove", "release"),
    "change": ("fetch", "edit", "init", "plan", "check", "record", "apply", "verify", "register"),
    "change that fails": ("survey",),
    "destroy": ("fetch", "init", "destroy", "prove", "release"),
}
WITH_TERRAFORM = ("init", "plan", "apply", "destroy")
WITH_PROVIDER = ("plan", "apply", "destroy")


def every_case() -> Iterator[tuple[str, str, str]]:
    for kind, stages in STAGES.items():
        for stage in stages:
            for fault in FAULTS:
                if fault == "Terraform killed" and stage not in WITH_TERRAFORM:
                    continue
                if fault == "provider killed" and stage not in WITH_PROVIDER:
                    continue
                yield kind, stage, fault


CHOSEN = (
    ("create", "record", "worker killed"),
    ("create", "apply", "machine lost"),
    ("create", "apply", "worker asleep"),
    ("create", "plan", "Terraform killed"),
    ("create", "apply", "Terraform killed"),
    ("create", "apply", "provider killed"),
    ("create", "apply", "AWS away"),
    ("create", "apply", "database restarted"),
    ("create", "plan", "disk full"),
    ("create that fails", "destroy", "worker killed"),
    ("change", "apply", "worker killed"),
    ("change", "apply", "cancelled, worker killed"),
    ("destroy", "destroy", "worker killed"),
    ("destroy", "prove", "database restarted"),
)
CASES = list(every_case()) if os.environ.get("STACKYARD_FAULTS") == "all" else CHOSEN


@dataclass(frozen=True)
class Invariants:
    """What is true after every fault."""

    yard: Yard
    environment: Environment
    witness: Witness

    def hold(self) -> None:
        """Assert all of them."""
        self.environment.refresh_from_db()
        assert self.witness.doubled == [], "two Terraforms worked on one state"
        for run in self.environment.runs.order_by("id"):
            self._a_true_end(run)
            self._a_log_without_gap(run)
        self._nothing_unknown()

    def _a_true_end(self, run: Run) -> None:
        assert not run.is_active
        if run.status == RunStatus.ATTENTION:
            assert run.error, "one sentence says what happened"
            assert run.hint, "and one what to do"
            assert "unforeseen" not in run.error, log_of(run)
            assert self.environment.runs.latest("id") != run or self.environment.status == "attention"
        if run.status == RunStatus.FAILED:
            assert run.error
            assert "unforeseen" not in run.error, log_of(run)

    def _a_log_without_gap(self, run: Run) -> None:
        events = list(RunEvent.objects.filter(run=run).order_by("id"))
        for stage in run.stages.filter(status__in=("done", "failed")):
            assert any(e.stage == stage.name for e in events), f"no line of {stage.name}\n{log_of(run)}"
        told = sum(e.message.startswith("Taken over") for e in events)
        assert told <= run.takeovers
        assert told or not run.takeovers or run.status in (RunStatus.ATTENTION, RunStatus.CANCELLED), log_of(run)
        assert [e.at for e in events] == sorted(e.at for e in events)

    def _nothing_unknown(self) -> None:
        env = self.environment
        left = leftovers(
            self.yard.access(env.sandbox),
            tag_key="stackyard:environment",
            tag_value=env.uid,
            name=env.slug,
            fqdn=env.fqdn,
        )
        held = Allocation.objects.filter(environment=env, released_at=None).exists()
        if env.is_gone:
            assert left == [], "it is said to be gone"
            assert not held, "nothing is held for ever"
            return
        assert held, "nothing is released while something may live"
        known = " ".join([json.dumps(env.resources), self._state(), *(json.dumps(r.leftovers) for r in env.runs.all())])
        unknown = [f"{item.kind} {item.id}" for item in left if item.id not in known]
        assert unknown == [], "the CMDB knows everything that stands\n" + log_of(env.runs.latest("id"))

    def _state(self) -> str:
        """Terraform's own state, which lies in the same database."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [f"{self.environment.state_name}.states"])
            if cursor.fetchone()[0] is None:
                return ""
            schema = connection.ops.quote_name(self.environment.state_name)
            cursor.execute(f"SELECT data FROM {schema}.states")  # noqa: S608
            return " ".join(str(row[0]) for row in cursor.fetchall())


@pytest.fixture
def gate(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate(yard.emulator.endpoint)
    for name, value in (("AWS_ENDPOINT", gate.endpoint), ("RETRY_SECONDS", "0.5"), ("GRACE_SECONDS", "5")):
        monkeypatch.setenv(f"STACKYARD_{name}", value)
    yield gate
    gate.shut()


def begin(yard: Yard, kind: str) -> Run:
    """A run of this kind, queued, on an environment as it has to be for that. A worker works already."""
    name = f"f{secrets.token_hex(4)}"  # tests that run beside each other share one record
    if kind.startswith("create"):
        if kind == "create that fails":
            yard.emulator.fail("ecs:CreateService")
        return yard.give_a_number(yard.create(name))
    run = yard.give_a_number(yard.create(name))
    until(ended(run), "the environment stands")
    run.refresh_from_db()
    assert run.status == "succeeded", log_of(run)
    if kind == "destroy":
        return yard.destroy(run.environment)
    if kind == "change that fails":
        yard.emulator.fail("ecs:UpdateService")
    run.environment.refresh_from_db()
    return changes.change(yard.user, run.environment, ChangeRequest(set={"container.memory": 1024}), via="api")


def ended(run: Run) -> Callable[[], bool]:
    return lambda: not Run.objects.get(pk=run.pk).is_active


def at(run: Run, stage: str) -> Callable[[], bool]:
    """Whether the run is at this stage, past it, or has ended without it."""
    reached = run.stages.filter(name=stage, status__in=("running", "done", "failed", "skipped"))
    return lambda: reached.exists() or not Run.objects.get(pk=run.pk).is_active


@pytest.mark.parametrize(("kind", "stage", "fault"), CASES)
def test_a_fault_loses_doubles_and_leaves_nothing(
    yard: Yard,
    gate: Gate,
    start_worker: StartWorker,
    record_property: Callable[[str, object], None],
    kind: str,
    stage: str,
    fault: str,
) -> None:
    small = fault == "disk full"
    if small and not has_small_rooms():
        pytest.skip("this machine gives nobody a disk of their own (unshare)")
    work = get_settings().data.resolve() / "work"
    work.mkdir(exist_ok=True)
    with Witness() as witness:
        worker = start_worker(*IN_A_SMALL_ROOM, str(work)) if small else start_worker()
        run = begin(yard, kind)
        until(at(run, stage), f"stage {stage}")
        began = time.monotonic()
        FAULTS[fault](run, worker, start_worker, gate)
        until(ended(run), f"the run ends\n{log_of(run)}", 300)
    seconds = time.monotonic() - began
    run.refresh_from_db()
    row = [kind, stage, fault, run.status, run.environment.status, run.takeovers, run.tries, round(seconds, 1)]
    record_property("fault", row)
    assert witness.seen
    Invariants(yard, run.environment, witness).hold()
    record_property("held", True)
