"""Approve or reject: a run that waits goes on with exactly the plan that was looked at, or ends with nothing done."""

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Run, RunStatus
from stackyard.errors import Conflict, Invalid
from stackyard.runs.cancel import request_cancel, settle_approval, stop, touched
from stackyard.runs.lease import CHANNEL
from stackyard.runs.queue import wake


def approve(user: User, run: Run, *, confirmation: str = "", digest: str = "") -> Run:
    """Let a waiting run apply its saved plan; returns the run, queued again.

    `confirmation` must be the environment's slug when the plan is destructive. `digest`: `run.plan["digest"]` of the
    plan that the person saw; refused when it was planned anew since. Raises Forbidden as rights and the rule for this
    plan say (`Run.approval_role`), Conflict when the run does not wait, Invalid at field `confirmation`.
    """
    rights.require_act_on(user, run.environment)
    with transaction.atomic():
        locked = _waiting(run)
        rights.require_approve(user, locked)
        if digest and digest != locked.plan.get("digest"):
            raise Conflict("The plan was made again since you looked at it.", hint="Look at the new one first.")
        if locked.plan.get("destructive") and confirmation != locked.environment.slug:
            raise Invalid.field(
                "confirmation", f"This plan takes things away. Type {locked.environment.slug} to say that you mean it."
            )
        locked.status = RunStatus.QUEUED
        locked.approved_by, locked.approved_at = user, timezone.now()
        locked.save(update_fields=["status", "approved_by", "approved_at"])
        settle_approval(locked)
        wake(locked.pk)
        _tell_watchers(locked)
    return locked


def reject(user: User, run: Run) -> Run:
    """End a waiting run as cancelled; nothing was applied. Raises Forbidden as rights say, Conflict when it does not
    wait."""
    rights.require_act_on(user, run.environment)
    with transaction.atomic():
        return request_cancel(user, _waiting(run))


def plan_again(run: Run) -> None:
    """Let a waiting run plan and ask anew, because its code is another by now. In the caller's transaction, with the
    row locked."""
    run.status = RunStatus.QUEUED
    run.approved_by = run.approved_at = None
    run.save(update_fields=["status", "approved_by", "approved_at"])
    settle_approval(run)
    wake(run.pk)
    _tell_watchers(run)


def _tell_watchers(run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(run.pk)])


def _waiting(run: Run) -> Run:
    locked = (
        Run.objects.select_for_update(of=("self",))
        .select_related("environment__sandbox__department", "environment__product")
        .get(pk=run.pk)
    )
    if locked.status != RunStatus.WAITING:
        raise Conflict(f"This run does not wait for approval: {locked.get_status_display().lower()}.")
    return locked


def end_overdue() -> list[int]:
    """End the runs that waited for approval longer than they may, as if rejected; returns their ids."""
    ended = []
    overdue = Run.objects.filter(status=RunStatus.WAITING, approval_until__lt=timezone.now()).order_by("pk")
    for pk in overdue.values_list("pk", flat=True):
        with transaction.atomic():
            run = overdue.select_for_update(skip_locked=True).filter(pk=pk).first()
            if run is None:  # somebody decides at this moment
                continue
            what = "the rest of it was not applied" if touched(run) else "nothing was applied"
            run.error = f"Nobody approved it until {run.approval_until:%Y-%m-%d %H:%M} UTC, so {what}."
            run.hint = "Ask for it again, and tell those who can approve it."
            stop(run)
            ended.append(pk)
    return ended
