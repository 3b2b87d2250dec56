"""What the queue and its workers look like from outside: for the doctor, for metrics, and for what people are told."""

from django.db.models import Count
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateWorker

from stackyard.cmdb.models import Run, RunStatus
from stackyard.runs.lease import silent_runs


def heartbeats() -> list[float]:
    """How many seconds ago each worker gave its last sign of life, the freshest first."""
    now = timezone.now()
    seen = ProcrastinateWorker.objects.order_by("-last_heartbeat").values_list("last_heartbeat", flat=True)
    return [max(0.0, (now - at).total_seconds()) for at in seen]


def workers_alive(seconds: int) -> int:
    """How many workers gave a sign of life in the last so many seconds."""
    return sum(age <= seconds for age in heartbeats())


def stuck(seconds: int) -> list[Run]:
    """Runs at work whose lease is over for longer than that: nobody has taken them over."""
    return list(silent_runs(seconds).select_related("environment").order_by("lease_until"))


def oldest_wait() -> float:
    """Seconds for which the run has waited that may be started, and waits longest; 0 when none does."""
    now = timezone.now()
    rows = Run.objects.filter(status=RunStatus.QUEUED).exclude(not_before__gt=now).order_by("created_at")
    first = rows.values_list("created_at", flat=True).first()
    return max(0.0, (now - first).total_seconds()) if first else 0.0


def active_by_status() -> dict[str, int]:
    """How many runs there are of each status in which a run goes on."""
    rows = Run.objects.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)).order_by()
    return dict(rows.values_list("status").annotate(number=Count("pk")))
