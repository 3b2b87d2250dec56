"""Leases: who may write to a run. Every write carries the token and does nothing once another worker has taken over.

How long a lease lasts is told by the database's clock alone: those of two machines differ.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from stackyard.cmdb.models import (
    Allocation,
    Environment,
    EnvironmentStatus,
    Notice,
    Role,
    Run,
    RunKind,
    RunStatus,
    Stage,
    StageStatus,
)
from stackyard.errors import Cancelled, LeaseLost
from stackyard.runs.queue import line, wake, wake_next
from stackyard.runs.states import environment_status, may_become
from stackyard.runs.wish import Wish

CHANNEL = "stackyard_runs"
"""The NOTIFY channel; the payload is the id of a run whose row, stages or log changed."""


@dataclass(frozen=True)
class Lease:
    """The right to write to one run. `taken_over`: an earlier worker had it and fell silent."""

    run_id: int
    token: uuid.UUID
    seconds: int
    taken_over: bool = False


def claim_next(worker: str, seconds: int, elsewhere_seconds: int = 0) -> Lease | None:
    """Take the lease of the run whose turn it is: first one whose worker fell silent, else the first in the line that
    has a place (`queue.line`); None when there is none. Then a worker is called for the next that has one.

    `elsewhere_seconds` as for `claim`.
    """
    silent = silent_runs().filter(_within_reach(worker, elsewhere_seconds)).order_by("priority", "id")
    with transaction.atomic():
        _take_turn()
        candidates = [*silent.values_list("pk", flat=True), *(turn.run for turn in line() if turn.now)]
        lease = _take(candidates[0], worker, seconds) if candidates else None
        if len(candidates) > 1:
            wake(candidates[1])
        return lease


def claim(run_id: int, worker: str, seconds: int, elsewhere_seconds: int = 0) -> Lease | None:
    """Take the lease of this run, when it waits and has a place, or when its worker fell silent; None when it is not to
    be had.

    `elsewhere_seconds`: a silent worker of another machine keeps its lease this much longer. What is left of it there
    cannot be seen from here, and a worker there can see it, and save a state that lies on its disk.
    """
    with transaction.atomic():
        _take_turn()
        silent = silent_runs().filter(_within_reach(worker, elsewhere_seconds), pk=run_id).exists()
        if not silent and not any(turn.run == run_id and turn.now for turn in line()):
            return None
        return _take(run_id, worker, seconds)


def _take_turn() -> None:
    """Claims are made one after the other, so that caps hold and nobody is passed over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('claim', 0))")


def silent_runs(seconds: float = 0) -> "QuerySet[Run, Run]":
    """Runs at work whose lease has been over for longer than that: their worker did not renew it."""
    return Run.objects.filter(status=RunStatus.RUNNING, lease_until__lt=Now() - dt.timedelta(seconds=seconds))


def _within_reach(worker: str, elsewhere_seconds: int) -> Q:
    here = Q(worker__startswith=f"{worker.partition(':')[0]}:")
    return here | Q(lease_until__lt=Now() - dt.timedelta(seconds=elsewhere_seconds))


def _take(run_id: int, worker: str, seconds: int) -> Lease | None:
    """Under the lock on the row and with another look: since the run was chosen, its worker may have renewed its lease,
    or a person cancelled it."""
    run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
    now = timezone.now()
    taken_over = run.status == RunStatus.RUNNING
    if run.status != RunStatus.QUEUED and not silent_runs().filter(pk=run_id).exists():
        return None
    token = uuid.uuid4()
    Run.objects.filter(pk=run_id).update(
        status=RunStatus.RUNNING,
        token=token,
        worker=worker,
        lease_until=Now() + dt.timedelta(seconds=seconds),
        started_at=run.started_at or now,
        takeovers=F("takeovers") + (1 if taken_over else 0),
    )
    _notify(run_id)
    return Lease(run_id, token, seconds, taken_over)


def renew(lease: Lease) -> bool:
    """Hold the lease for another period. Returns whether a person asked for the run to be cancelled."""
    guarded(lease, lease_until=Now() + dt.timedelta(seconds=lease.seconds))
    return Run.objects.filter(pk=lease.run_id, cancel_requested_at__isnull=False).exists()


def guarded(lease: Lease, **values: Any) -> None:
    """Write fields of the run, if the lease is still ours; LeaseLost otherwise."""
    if not Run.objects.filter(pk=lease.run_id, token=lease.token).update(**values):
        raise LeaseLost(f"Run {lease.run_id} belongs to another worker now.")


def hold(lease: Lease) -> None:
    """Inside a transaction: keep the lease from changing hands until it commits; LeaseLost when it has already."""
    if not Run.objects.select_for_update(no_key=True).filter(pk=lease.run_id, token=lease.token).exists():
        raise LeaseLost(f"Run {lease.run_id} belongs to another worker now.")


def write_stage(lease: Lease, position: int, **values: Any) -> None:
    """Write fields of one stage under the lease, and tell those who watch."""
    with transaction.atomic():
        hold(lease)
        Stage.objects.filter(run_id=lease.run_id, position=position).update(**values)
        _notify(lease.run_id)


def write_environment(lease: Lease, **values: Any) -> None:
    """Write fields of the run's environment under the lease, with a history entry."""
    with transaction.atomic():
        hold(lease)
        environment = Environment.objects.get(runs__pk=lease.run_id)
        for name, value in values.items():
            setattr(environment, name, value)
        environment.save(update_fields=list(values))


def park(lease: Lease, hours: float = 72, why: str = "It waits for approval.") -> None:
    """Let the run wait for approval: no worker holds it, and its place in the sandbox is free. `hours`: after them it
    ends as if it was rejected. `why`: in the notice for those who can approve it.

    Raises Cancelled when somebody asked for that in the meantime.
    """
    with transaction.atomic():
        hold(lease)
        run = Run.objects.select_related("environment").get(pk=lease.run_id)
        if run.cancel_requested_at is not None:
            raise Cancelled("Cancelled on request.")
        if not may_become(RunStatus(run.status), RunStatus.WAITING):
            raise LeaseLost(f"Run {lease.run_id} is {run.status} already.")
        Run.objects.filter(pk=run.pk).update(
            status=RunStatus.WAITING,
            token=None,
            lease_until=None,
            process=None,
            worker="",
            approval_until=timezone.now() + dt.timedelta(hours=hours),
        )
        Notice.objects.update_or_create(
            environment_id=run.environment_id,
            kind=Notice.Kind.APPROVAL,
            about=f"run {run.pk}",
            defaults={
                "message": f"{run.environment.slug}: {why}"[:400],
                "for_platform": run.approval_role == Role.PLATFORM,
                "created_at": timezone.now(),
                "settled_at": None,
            },
        )
        _notify(run.pk)
        wake_next()


def finish(lease: Lease, status: RunStatus, **values: Any) -> None:
    """End the run and set the environment's status in the same transaction; then the sandbox's next run may start."""
    with transaction.atomic():
        hold(lease)
        run = Run.objects.select_related("environment").get(pk=lease.run_id)
        if not may_become(RunStatus(run.status), status):
            raise LeaseLost(f"Run {lease.run_id} is {run.status} already.")
        now = timezone.now()
        Run.objects.filter(pk=run.pk).update(
            status=status, finished_at=now, token=None, lease_until=None, process=None, **values
        )
        run.stages.filter(status__in=(StageStatus.PENDING, StageStatus.RUNNING)).update(status=StageStatus.SKIPPED)
        environment = run.environment
        before = EnvironmentStatus(run.status_before or EnvironmentStatus.READY)
        looked_only = run.kind == RunKind.DRIFT or (
            run.kind == RunKind.CHANGE and status == RunStatus.SUCCEEDED and Wish.from_dict(run.request).plan_only
        )
        environment.status = before if looked_only else environment_status(RunKind(run.kind), status, before)
        if run.kind == RunKind.CHANGE and status == RunStatus.SUCCEEDED and not looked_only:
            _release_dropped(run, now)
        if environment.is_gone:
            environment.destroyed_at = now
            # Its secrets go only now: a worker that takes over a destroy needs them for Terraform.
            Environment.objects.filter(pk=environment.pk).update(sealed="")
        elif environment.ready_at is None and status == RunStatus.SUCCEEDED and not looked_only:
            environment.ready_at = now
        if run.kind != RunKind.DRIFT:
            environment.save(update_fields=["status", "destroyed_at", "ready_at"])
        _notify(run.pk)
        wake_next()


def _release_dropped(run: Run, now: dt.datetime) -> None:
    """Names that the run took away are free for others from now on."""
    names = Wish.from_dict(run.request).drop_fqdns
    held = Allocation.objects.filter(environment=run.environment, kind=Allocation.Kind.FQDN, released_at=None)
    held.filter(value__in=names).exclude(value=run.environment.fqdn).update(released_at=now)


def _notify(run_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(run_id)])
