"""Cancel: at once while it waits for a worker or for approval; else its worker is told and ends Terraform in order."""

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.addresses import release as release_blocks
from stackyard.cmdb.models import Allocation, Environment, Notice, Run, RunKind, RunStatus, StageStatus
from stackyard.errors import Conflict, Invalid
from stackyard.runs.addresses import call_for_list
from stackyard.runs.lease import CHANNEL
from stackyard.runs.queue import wake
from stackyard.runs.states import environment_status


def request_cancel(user: User, run: Run, *, keep: bool = False) -> Run:
    """Ask for a run to stop. A create takes back what it has built, or with `keep` leaves it as it stands then; what
    any other run has done stays anyway.

    Raises Forbidden as rights say; Conflict when the run has ended, is a destroy at work, or already takes back what is
    to be kept; Invalid at field `keep` for a run that is no create.
    """
    rights.require_act_on(user, run.environment)
    with transaction.atomic():
        locked = Run.objects.select_for_update().get(pk=run.pk)
        if not locked.is_active:
            raise Conflict(f"This run has ended: {locked.get_status_display().lower()}.")
        if locked.kind == "destroy" and locked.status == RunStatus.RUNNING:
            raise Conflict("A destroy at work is not cancelled: half an environment helps nobody.")
        if keep and locked.kind != RunKind.CREATE:
            raise Invalid.field("keep", "Only a create takes back what it built, so only there it can be kept.")
        if keep and locked.rolling_back:
            raise Conflict("This run takes back already what it built.", hint="Wait until it has ended.")
        locked.keep = keep
        stop(locked)
    return locked


def stop(run: Run) -> None:
    """Write the wish to cancel, with the row locked, in the caller's transaction. What waits ends at once. A worker
    ends a create that waits for approval, because its code is recorded and its state is begun, and whatever was applied
    or destroyed in part before its rest had to be asked for again: what stands has to be looked at."""
    run.cancel_requested_at = run.cancel_requested_at or timezone.now()
    if run.status in (RunStatus.QUEUED, RunStatus.WAITING):
        if (run.kind == RunKind.CREATE and run.started_at is not None) or touched(run):
            run.status = RunStatus.QUEUED
            wake(run.pk)
        else:
            _end_waiting(run)
    run.save()
    settle_approval(run)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(run.pk)])


def touched(run: Run) -> bool:
    """Whether a worker of this run began to apply or to destroy."""
    return run.stages.filter(name__in=("apply", "destroy"), started_at__isnull=False).exists()


def settle_approval(run: Run) -> None:
    """Nobody has to be told any more that it waits for approval."""
    rows = Notice.objects.filter(environment_id=run.environment_id, kind=Notice.Kind.APPROVAL, about=f"run {run.pk}")
    rows.update(settled_at=timezone.now())


def _end_waiting(run: Run) -> None:
    """Nothing was built yet: the run ends, a create gives back what it claimed, all else stays what it was."""
    run.status = RunStatus.CANCELLED
    run.finished_at = timezone.now()
    run.stages.filter(status__in=(StageStatus.PENDING, StageStatus.RUNNING)).update(status=StageStatus.SKIPPED)
    environment = Environment.objects.get(pk=run.environment_id)
    if run.kind == "create":
        Allocation.objects.filter(environment=environment, released_at=None).update(released_at=timezone.now())
        if release_blocks(environment):
            call_for_list()
        environment.status = environment_status(RunKind(run.kind), RunStatus.CANCELLED)
        Environment.objects.filter(pk=environment.pk).update(sealed="")
    else:
        environment.status = run.status_before or ("ready" if environment.ready_at else "attention")
    environment.save(update_fields=["status"])
