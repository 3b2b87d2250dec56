"""What people have to be told: who it concerns, and putting it aside once it was read."""

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Notice
from stackyard.errors import Conflict, NotFound


def open_notices(user: User) -> "QuerySet[Notice, Notice]":
    """Those that concern this person and that nobody has settled yet, newest first."""
    rows = Notice.objects.filter(settled_at=None).select_related(
        "environment__sandbox__department", "environment__owner"
    )
    return rights.concerning(user, rows)


def dismiss(user: User, notice_id: int) -> None:
    """Put a notice aside, for everybody whom it concerns.

    NotFound when there is none that concerns this person; Conflict for what could not be destroyed: that is settled
    when it is gone, and not before.
    """
    notice = open_notices(user).filter(pk=notice_id).first()
    if notice is None:
        raise NotFound("There is no such notice any more.")
    if notice.kind == Notice.Kind.DESTROY_FAILED:
        raise Conflict(f"{notice.environment.slug} still stands.", hint="Destroy it, or extend it if it is needed.")
    Notice.objects.filter(pk=notice.pk).update(settled_at=timezone.now())
