"""`/metrics`: numbers for Prometheus in its text format, read from the database, so that each server tells the same."""

import ipaddress
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from stackyard.cmdb.models import Environment, Notice, Run, Stage, StageStatus
from stackyard.cmdb.models.environment import GONE
from stackyard.runs.watch import oldest_wait, stuck, workers_alive
from stackyard.settings import get_settings

TEXT = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
"""Upper bounds in seconds of the histograms' buckets."""

DUE = timedelta(days=1)


@dataclass(frozen=True)
class Sample:
    """One number. `name`: the metric's own where it is empty."""

    labels: Mapping[str, str]
    value: float
    name: str = ""


@dataclass(frozen=True)
class Metric:
    """One metric with its samples."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]

    def lines(self) -> Iterator[str]:
        """In the text format 0.0.4."""
        yield f"# HELP stackyard_{self.name} {self.help}"
        yield f"# TYPE stackyard_{self.name} {self.kind}"
        for sample in self.samples:
            named = ",".join(f'{key}="{_escaped(text)}"' for key, text in sample.labels.items())
            yield f"stackyard_{sample.name or self.name}{'{' + named + '}' if named else ''} {sample.value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """For `STACKYARD_METRICS_TOKEN` as a bearer token; without that setting for this machine only."""
    if not _may_read(request):
        response = HttpResponse("Send the metrics token as a bearer token.\n", status=401, content_type="text/plain")
        response["WWW-Authenticate"] = "Bearer"
        return response
    text = "\n".join(line for metric in collected() for line in metric.lines()) + "\n"
    return HttpResponse(text, content_type=TEXT, headers={"Cache-Control": "no-store"})


def _may_read(request: HttpRequest) -> bool:
    wanted = get_settings().metrics_token
    if wanted is None:
        forwarded = any(name in request.META for name in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"))
        return not forwarded and _is_loopback(request.META.get("REMOTE_ADDR", ""))
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower() == "bearer" and secrets.compare_digest(
        token.strip().encode(), wanted.get_secret_value().encode()
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def collected() -> list[Metric]:
    """All metrics, as of now."""
    seconds = get_settings().lease_seconds
    standing = Environment.objects.exclude(status__in=GONE).order_by()
    due = standing.filter(expires_at__lt=timezone.now() + DUE).count()
    takeovers = Run.objects.aggregate(total=Sum("takeovers"))["total"] or 0
    runs = _by(Run.objects.order_by(), pattern="environment__pattern__name", kind="kind", status="status")
    notices = _by(Notice.objects.filter(settled_at=None).order_by(), kind="kind")
    return [
        Metric("runs", "gauge", "Runs by pattern, kind and status; those that have ended, too.", runs),
        Metric("environments", "gauge", "Environments that stand, by status.", _by(standing, status="status")),
        Metric("workers", "gauge", "Workers with a fresh heartbeat.", _one(workers_alive(seconds))),
        Metric("queue_oldest_seconds", "gauge", "How long the one in line has waited that waits longest.",
               _one(oldest_wait())),
        Metric("queue_wait_seconds", "histogram", "From the request of a run to its first start.", _waits()),
        Metric("stage_seconds", "histogram", "How long stages took that were done.", _stages()),
        Metric("takeovers_total", "counter", "Leases that a worker lost to another one.", _one(takeovers)),
        Metric("leases_stuck", "gauge", "Runs at work whose lease is over for more than twice its length.",
               _one(len(stuck(2 * seconds)))),
        Metric("expiries_due", "gauge", "Environments that expire within a day, or have expired.", _one(due)),
        Metric("notices_open", "gauge", "Notices that nobody has settled, by kind.", notices),
    ]  # fmt: skip


def _one(value: float) -> list[Sample]:
    return [Sample({}, value)]


def _by(rows: Any, **labels: str) -> list[Sample]:
    counted = rows.values(*labels.values()).annotate(number=Count("pk"))
    return [Sample({label: str(row[field]) for label, field in labels.items()}, row["number"]) for row in counted]


def _waits() -> list[Sample]:
    begun = Run.objects.filter(started_at__isnull=False).order_by()
    return _histogram("queue_wait_seconds", begun, F("started_at") - F("created_at"), {})


def _stages() -> list[Sample]:
    done = Stage.objects.filter(status=StageStatus.DONE, finished_at__isnull=False).order_by()
    return _histogram("stage_seconds", done, F("finished_at") - F("started_at"), {"stage": "name"})


def _histogram(name: str, rows: Any, took: Any, labels: Mapping[str, str]) -> list[Sample]:
    """Counted by the database in one pass over the rows, so that it is the same whichever server is asked."""
    rows = rows.annotate(took=ExpressionWrapper(took, output_field=DurationField()))
    within = {f"le_{n}": Count("pk", filter=Q(took__lte=timedelta(seconds=s))) for n, s in enumerate(BUCKETS)}
    samples: list[Sample] = []
    numbers = {**within, "number": Count("pk"), "total": Sum("took")}
    for row in rows.values(*labels.values()).annotate(**numbers) if labels else [rows.aggregate(**numbers)]:
        named = {label: str(row[field]) for label, field in labels.items()}
        counts = [*((f"{s:g}", row[f"le_{n}"]) for n, s in enumerate(BUCKETS)), ("+Inf", row["number"])]
        samples += [Sample({**named, "le": le}, count, f"{name}_bucket") for le, count in counts]
        samples.append(Sample(named, (row["total"] or timedelta()).total_seconds(), f"{name}_sum"))
        samples.append(Sample(named, row["number"], f"{name}_count"))
    return samples
