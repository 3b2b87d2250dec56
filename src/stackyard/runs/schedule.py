"""What happens without anybody asking: reminders, the end of what has expired, looks for drift.

Every worker asks for it every few seconds. A lock in the database lets one at a time do it, and all that was done is in
rows, so nothing is done twice and nothing is forgotten by a restart.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable

import structlog
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from stackyard.cmdb.models import Environment, EnvironmentStatus, Notice, Run, RunKind, RunStatus
from stackyard.cmdb.models.environment import GONE
from stackyard.cmdb.models.run import ACTIVE, SCHEDULE
from stackyard.errors import StackyardError
from stackyard.runs.mail import Letter, letter_of
from stackyard.runs.queue import GIVES_WAY, enqueue
from stackyard.settings import Settings

logger = structlog.get_logger()

EXPIRY_PRIORITY = 10
DRIFT_PRIORITY = 20
LONGER_EACH_TIME = 4
"""Each pause before another try of a failed destroy is so many times as long as the one before."""


def tick(settings: Settings) -> tuple[Letter, ...]:
    """Do what is due now; returns what is to be sent by e-mail. Nothing when another worker is at it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('schedule', 0))")
            row = cursor.fetchone()
        if not row or not row[0]:
            return ()
        now = timezone.now()
        _settle_what_is_gone(now)
        told = [*_remind(settings, now), *_end_expired(settings, now)]
        _look_for_drift(settings, now)
        return tuple(letter_of(notice) for notice in told)


def deletion_at(environment: Environment, settings: Settings) -> dt.datetime | None:
    """When it is destroyed by itself: its expiry and the grace after it. None: never."""
    if environment.expires_at is None:
        return None
    return environment.expires_at + dt.timedelta(hours=settings.expiry_grace_hours)


def in_words(moment: dt.datetime) -> str:
    """A moment as notices say it."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def _expiring() -> "QuerySet[Environment, Environment]":
    """Environments that have an expiry and stand. A baseline never expires."""
    rows = Environment.objects.filter(product__isnull=False, expires_at__isnull=False).exclude(status__in=GONE)
    return rows.select_related("owner", "sandbox", "product").order_by("expires_at", "id")


def _settle_what_is_gone(now: dt.datetime) -> None:
    Notice.objects.filter(settled_at=None, environment__status__in=GONE).update(settled_at=now)


def _remind(settings: Settings, now: dt.datetime) -> list[Notice]:
    """One notice for each of the days before, once. Who slept through two of them is told the last only."""
    days = sorted(settings.reminder_days)
    if not days:
        return []
    rows = list(_expiring().filter(expires_at__gt=now, expires_at__lte=now + dt.timedelta(days=days[-1])))
    told = set(Notice.objects.filter(environment__in=rows).values_list("environment_id", "about"))
    made = []
    for environment in rows:
        expiry = environment.expires_at
        assert expiry is not None
        due = [d for d in days if environment.created_at <= expiry - dt.timedelta(days=d) <= now]
        about = f"{due[0]} days before {in_words(expiry)}" if due else ""
        if not due or (environment.pk, about) in told:
            continue
        left = max(1, round((expiry - now) / dt.timedelta(days=1)))
        message = (
            f"{environment.slug} expires in {left} day{'' if left == 1 else 's'}, on {in_words(expiry)}. "
            "Extend it if it is needed for longer."
        )
        settle(environment, [Notice.Kind.EXPIRY])
        made.append(_tell(environment, Notice.Kind.EXPIRY, about, message))
    return made


def _end_expired(settings: Settings, now: dt.datetime) -> list[Notice]:
    """Tell that it has expired; after the grace destroy it, again after growing pauses when that fails."""
    rows = list(_expiring().filter(expires_at__lte=now))
    told = set(Notice.objects.filter(environment__in=rows).values_list("environment_id", "about"))
    tries = _tries(rows)
    active = Run.objects.filter(environment__in=rows, status__in=ACTIVE).exclude(GIVES_WAY)
    busy = set(active.values_list("environment_id", flat=True))
    made = []
    for environment in rows:
        end = deletion_at(environment, settings)
        assert environment.expires_at is not None
        assert end is not None
        about = f"expired {in_words(environment.expires_at)}"
        if (environment.pk, about) not in told:
            message = f"{environment.slug} has expired and will be destroyed at {in_words(end)}, unless it is extended."
            settle(environment, [Notice.Kind.EXPIRY])
            made.append(_tell(environment, Notice.Kind.EXPIRED, about, message))
        if end > now or environment.pk in busy:
            continue
        failed = tries[environment.pk]
        if len(failed) >= settings.destroy_tries:
            about = f"run {failed[-1].pk}"
            if (environment.pk, about) not in told:
                settle(environment, [Notice.Kind.EXPIRED])
                made.append(_tell(environment, Notice.Kind.DESTROY_FAILED, about, _complaint(environment, failed)))
        elif not failed or _next_try(failed, settings) <= now:
            _safely(environment, _destroy)
    return made


def _tries(rows: list[Environment]) -> dict[int, list[Run]]:
    """Environment -> the runs, oldest first, by which it was to be destroyed since its present expiry."""
    found: dict[int, list[Run]] = defaultdict(list)
    runs = Run.objects.filter(environment__in=rows, kind=RunKind.DESTROY, via=SCHEDULE)
    ended = runs.filter(created_at__gte=F("environment__expires_at")).exclude(status__in=(*ACTIVE, RunStatus.SUCCEEDED))
    for run in ended.order_by("id"):
        found[run.environment_id].append(run)
    return found


def _next_try(failed: list[Run], settings: Settings) -> dt.datetime:
    last = failed[-1]
    pause = settings.destroy_pause_minutes * LONGER_EACH_TIME ** (len(failed) - 1)
    return (last.finished_at or last.created_at) + dt.timedelta(minutes=pause)


def _complaint(environment: Environment, failed: list[Run]) -> str:
    last = failed[-1]
    return (
        f"{environment.slug} has expired and could not be destroyed in {len(failed)} tries. "
        f"Run {last.pk}: {last.error or last.get_status_display().lower()} {last.hint}"
    ).strip()[:400]


def _destroy(environment: Environment) -> None:
    """Under the row's lock, on which an extension waits as well."""
    locked = Environment.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=environment.pk).first()
    if locked is None or locked.expires_at != environment.expires_at or locked.is_gone:
        return
    run = enqueue(locked, RunKind.DESTROY, locked.owner, via=SCHEDULE, priority=EXPIRY_PRIORITY)
    logger.info("an expired environment is destroyed", environment=locked.slug, run=run.pk)


def _look_for_drift(settings: Settings, now: dt.datetime) -> None:
    """A few at a time, those first that nobody looked at for longest; what people wait for goes before in the queue."""
    if not settings.drift_hours:
        return
    looking = Run.objects.filter(kind=RunKind.DRIFT, via=SCHEDULE, status__in=ACTIVE).count()
    since = now - dt.timedelta(hours=settings.drift_hours)
    of_it = Run.objects.filter(environment=OuterRef("pk"))
    due = (
        Environment.objects.filter(status=EnvironmentStatus.READY, product__isnull=False, ready_at__lt=since)
        .filter(Q(drift_checked_at=None) | Q(drift_checked_at__lt=since))
        .exclude(Exists(of_it.filter(status__in=ACTIVE)))
        # Also a look that failed: otherwise it would be tried all the time.
        .exclude(Exists(of_it.filter(kind=RunKind.DRIFT, created_at__gte=since).exclude(status=RunStatus.CANCELLED)))
        .exclude(resources=[])
        .select_related("owner", "sandbox", "product")
        .order_by(F("drift_checked_at").asc(nulls_first=True), "id")
    )
    for environment in due[: max(0, settings.drift_at_once - looking)]:
        _safely(environment, _check_drift)


def _check_drift(environment: Environment) -> None:
    enqueue(environment, RunKind.DRIFT, environment.owner, via=SCHEDULE, priority=DRIFT_PRIORITY)


def _safely(environment: Environment, act: Callable[[Environment], None]) -> None:
    """One environment that is in the way of its own run must not be in the way of the others."""
    try:
        with transaction.atomic():
            act(environment)
    except StackyardError as reason:
        logger.info("not now", environment=environment.slug, reason=str(reason))
    except Exception:
        logger.exception("a scheduled run could not be asked for", environment=environment.slug)


def _tell(environment: Environment, kind: Notice.Kind, about: str, message: str) -> Notice:
    for_platform = kind == Notice.Kind.DESTROY_FAILED
    return Notice.objects.create(
        environment=environment, kind=kind, about=about, message=message, for_platform=for_platform
    )


def settle(environment: Environment, kinds: Iterable[Notice.Kind]) -> None:
    """These notices of it need nobody's attention any more."""
    rows = Notice.objects.filter(environment=environment, kind__in=list(kinds), settled_at=None)
    rows.update(settled_at=timezone.now())
