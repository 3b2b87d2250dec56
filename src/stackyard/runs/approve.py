"""Approve or reject: a run that waits goes on with exactly the plan that was looked at, or ends with nothing done."""

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Run, RunStatus
from stackyard.errors import Conflict, Invalid
from stackyard.runs.cancel import request_cancel
from stackyard.runs.lease import CHANNEL
from stackyard.runs.queue import wake


def approve(user: User, run: Run, *, confirmation: str = "", digest: str = "") -> Run:
    """Let a waiting run apply its saved plan; returns the run, queued again.

    `confirmation` must be the environment's slug when the plan is destructive. `digest`: `run.plan["digest"]` of the
    plan that the person saw; refused when it was planned anew since. Raises Forbidden as rights say, Conflict when the
    run does not wait, Invalid at field `confirmation`.
    """
    rights.require_act_on(user, run.environment)
    with transaction.atomic():
        locked = _waiting(run)
        if digest and digest != locked.plan.get("digest"):
            raise Conflict("The plan was made again since you looked at it.", hint="Look at the new one first.")
        if locked.plan.get("destructive") and confirmation != locked.environment.slug:
            raise Invalid.field(
                "confirmation", f"This plan takes things away. Type {locked.environment.slug} to say that you mean it."
            )
        locked.status = RunStatus.QUEUED
        locked.approved_by, locked.approved_at = user, timezone.now()
        locked.save(update_fields=["status", "approved_by", "approved_at"])
        wake(locked.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(locked.pk)])
    return locked


def reject(user: User, run: Run) -> Run:
    """End a waiting run as cancelled; nothing was applied. Raises Forbidden as rights say, Conflict when it does not
    wait."""
    rights.require_act_on(user, run.environment)
    with transaction.atomic():
        return request_cancel(user, _waiting(run))


def _waiting(run: Run) -> Run:
    locked = (
        Run.objects.select_for_update(of=("self",))
        .select_related("environment__sandbox__department", "environment__product")
        .get(pk=run.pk)
    )
    if locked.status != RunStatus.WAITING:
        raise Conflict(f"This run does not wait for approval: {locked.get_status_display().lower()}.")
    return locked
