"""How long an environment lives: what a person may choose, extending, and keeping for ever.

What follows from it (reminders, the end) happens in `runs.schedule`.
"""

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, EnvironmentStatus, GithubIssue, Notice, Run, RunKind, RunStatus, Sandbox
from stackyard.cmdb.models.run import ACTIVE, SCHEDULE
from stackyard.errors import Conflict, Forbidden, Invalid, Problem, shown
from stackyard.runs.cancel import request_cancel
from stackyard.runs.schedule import settle

NEVER = "never"
LONGEST_DAYS = 3650
"""For platform staff, who may go beyond the sandbox's limit: ten years; after that it should be `never`."""


def read_expiry(value: int | str, now: dt.datetime, *, field: str = "expires") -> dt.datetime | None:
    """Days from now, an ISO date (it lives to the end of that day, UTC) or `never` (None); Invalid at `field` else."""
    text = str(value).strip().lower()
    if text == NEVER:
        return None
    if text.isascii() and text.lstrip("-").isdecimal():
        days = int(text) if len(text) < 7 else LONGEST_DAYS + 1
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid.field(field, f"Use 1 to {LONGEST_DAYS} days.")
        return now + dt.timedelta(days=days)
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise Invalid.field(
            field, f"'{shown(value)}' is neither a number of days nor a date like {now:%Y-%m-%d} nor '{NEVER}'."
        ) from None
    return _end_of(day)


def check_expiry(
    user: User, sandbox: Sandbox, expiry: dt.datetime | None, now: dt.datetime, *, field: str = "expires"
) -> None:
    """Refuse at `field` what is past, what is beyond the sandbox's limit, and `never`, unless platform staff ask."""
    platform = rights.is_platform(user)
    if expiry is None:
        if not platform:
            raise Invalid.field(field, "Only platform staff may keep an environment for ever.")
        return
    if expiry <= now:
        raise Invalid.field(field, f"{expiry:%Y-%m-%d} is past.")
    days = LONGEST_DAYS if platform else sandbox.max_lifetime_days
    last = (now + dt.timedelta(days=days)).date()
    if expiry.date() > last:
        who = "" if platform else " Platform staff may allow more."
        raise Invalid.field(field, f"In {sandbox.name} at most {days} days from now, until {last:%Y-%m-%d}.{who}")


def first_expiry(user: User, sandbox: Sandbox, wish: int | str | None) -> dt.datetime | None:
    """When a new environment expires: as chosen, else after the sandbox's usual time. Invalid at `expires`."""
    now = timezone.now()
    if wish is None or wish == "":
        return now + dt.timedelta(days=sandbox.lifetime_days)
    expiry = read_expiry(wish, now)
    check_expiry(user, sandbox, expiry, now)
    return expiry


def unreadable_expiry(wish: int | str | None) -> list[Problem]:
    """What is wrong with it whatever the sandbox; `first_expiry` tells the rest."""
    try:
        if wish is not None and wish != "":
            read_expiry(wish, timezone.now())
    except Invalid as error:
        return list(error.problems)
    return []


def extend(
    user: User, environment: Environment, *, days: int | None = None, until: dt.date | str | None = None
) -> Environment:
    """Let it live longer: `days` more than it has left, or to the end of the day `until`. Returns it as it is then.

    A destroy that waits because it has expired is called off. Raises Forbidden as rights say, Invalid at `days` or
    `until`, Conflict when it is gone, is being destroyed, or is a baseline.
    """
    rights.require_act_on(user, environment)
    if (days is None) == (until is None):
        raise Invalid.field("days", "Say either how many days more, or until which day.")
    now = timezone.now()
    if until is not None:
        wanted = until if isinstance(until, str) else until.isoformat()
        if wanted.strip().lower() == NEVER or wanted.strip().isdecimal():
            raise Invalid.field("until", f"Must be a date like {now:%Y-%m-%d}.")
        expiry, field = read_expiry(wanted, now, field="until"), "until"
    else:
        from_now = read_expiry(days if days is not None else 0, now, field="days")
        assert from_now is not None
        left = max(dt.timedelta(), (environment.expires_at or now) - now)
        expiry, field = from_now + left, "days"
    check_expiry(user, environment.sandbox, expiry, now, field=field)
    return _set(user, environment, expiry)


def keep(user: User, environment: Environment) -> Environment:
    """Let it live for ever; only platform staff may. Raises as `extend`."""
    rights.require_act_on(user, environment)
    if not rights.is_platform(user):
        raise Forbidden("Only platform staff may keep an environment for ever.", hint="Extend it, or ask them.")
    return _set(user, environment, None)


def latest_day(user: User, sandbox: Sandbox) -> dt.date:
    """The last day to which this person may extend an environment of the sandbox."""
    days = LONGEST_DAYS if rights.is_platform(user) else sandbox.max_lifetime_days
    return (timezone.now() + dt.timedelta(days=days)).date()


def _set(user: User, environment: Environment, expiry: dt.datetime | None) -> Environment:
    with transaction.atomic():
        # The scheduler destroys under the same lock: either it sees the new expiry, or its run is there already.
        locked = Environment.objects.select_for_update().get(pk=environment.pk)
        if locked.is_baseline:
            raise Conflict("A baseline does not expire.")
        if locked.is_gone:
            raise Conflict(f"{locked.slug} is gone: {locked.get_status_display().lower()}.")
        _call_off(user, locked)
        locked.expires_at = expiry
        locked.save(update_fields=["expires_at"])
        GithubIssue.objects.filter(environment=locked).update(settled=False)  # its comment tells the expiry
        settle(locked, [Notice.Kind.EXPIRY, Notice.Kind.EXPIRED])
    return Environment.objects.select_related("product", "sandbox__department", "pattern", "owner").get(pk=locked.pk)


def _call_off(user: User, environment: Environment) -> None:
    last = Run.objects.filter(environment=environment).order_by("-id").first()
    if last is None or last.kind != RunKind.DESTROY:
        return
    if last.status == RunStatus.QUEUED and last.via == SCHEDULE:
        request_cancel(user, last)
    elif last.status in ACTIVE:
        raise Conflict(f"{environment.slug} is being destroyed already.")
    elif environment.status == EnvironmentStatus.ATTENTION:
        raise Conflict(
            f"A destroy of {environment.slug} has begun and failed: it does not stand as a whole.",
            hint="Destroy it; what is left of it goes then.",
        )


def _end_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(23, 59), tzinfo=dt.UTC)
