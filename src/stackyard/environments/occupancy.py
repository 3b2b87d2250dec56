"""Who lives in a sandbox. Environments are let in, and common components taken away, under one lock."""

from django.db import connection
from django.db.models import Q, QuerySet

from stackyard.cmdb.models import Department, Environment, EnvironmentStatus, Sandbox
from stackyard.cmdb.models.environment import GONE
from stackyard.errors import Conflict

TAKES_MORE = (EnvironmentStatus.READY, EnvironmentStatus.CHANGING)
"""The statuses of a baseline while environments may be added."""

ENVIRONMENTS = Q(environments__product__isnull=False) & ~Q(environments__status__in=GONE)
"""Of a sandbox's rows: the living environments of products."""


def lock_sandboxes(department: Department) -> None:
    """Let nobody else choose a sandbox of this department until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sandboxes:{department.pk}"])


def baseline_of(sandbox: Sandbox) -> Environment | None:
    """The baseline that stands, is being built or needs attention; None when there is none."""
    return Environment.objects.filter(sandbox=sandbox, product=None).exclude(status__in=GONE).first()


def living(sandbox: Sandbox) -> QuerySet[Environment]:
    """The environments of products in this sandbox that are not gone, by name."""
    rows = Environment.objects.filter(sandbox=sandbox, product__isnull=False).exclude(status__in=GONE)
    return rows.order_by("slug")


def why_closed(sandbox: Sandbox) -> str:
    """Why its baseline lets no environment in, as the end of a sentence; empty when it does, or is not ours."""
    baseline = baseline_of(sandbox)
    if baseline is None or baseline.status in TAKES_MORE:
        return ""
    return f"its common components are not whole ({baseline.get_status_display().lower()})."


def refuse_while_lived_in(sandbox: Sandbox) -> None:
    """Inside the transaction that takes away what environments need: Conflict while one lives in the sandbox. None can
    be let in until the transaction ends."""
    lock_sandboxes(sandbox.department)
    there = list(living(sandbox).values_list("slug", flat=True))
    if there:
        names = ", ".join(there[:5]) + (f" and {len(there) - 5} more" if len(there) > 5 else "")
        raise Conflict(
            f"{sandbox.name} still has {len(there)} environment{'s' if len(there) > 1 else ''}: {names}.",
            hint="Destroy them first.",
        )
