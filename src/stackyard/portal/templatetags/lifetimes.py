"""Expiry and drift in templates."""

import datetime as dt
from typing import Any

from django import template
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from stackyard.cmdb.models import Environment
from stackyard.environments.drift import digest_of
from stackyard.environments.lifetimes import latest_day as last_day
from stackyard.runs.schedule import deletion_at
from stackyard.settings import get_settings

register = template.Library()

SOON = dt.timedelta(days=3)
LAST_WEEK = dt.timedelta(days=7)


@register.simple_tag
def expiry(environment: Environment, never: str = "", short: bool = False) -> SafeString:
    """A chip that says how long it lives: amber for the last three days, red when it has expired. `never`: what to say
    of one that does not expire. `short`: for a list, only in the last week, and without when it will be destroyed."""
    at = environment.expires_at
    if at is None or environment.is_gone:
        return SafeString() if environment.is_gone else format_html("{}", never)
    left = at - timezone.now()
    if left <= dt.timedelta():
        end = deletion_at(environment, get_settings())
        assert end is not None
        told = "" if short or end <= timezone.now() else f", will be destroyed at {_moment(end)}"
        return _chip("red", f"expired{told}", at)
    if short and left > LAST_WEEK:
        return SafeString()
    return _chip("yellow" if left < SOON else "secondary", f"{_span(left)} left", at)


def _chip(colour: str, text: str, at: dt.datetime) -> SafeString:
    return format_html(
        '<span class="badge bg-{}-lt expiry" title="Expires {}">{}</span>',
        colour,
        _moment(timezone.localtime(at)),
        text,
    )


def _moment(at: dt.datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M %Z")


def _span(left: dt.timedelta) -> str:
    hours = left / dt.timedelta(hours=1)
    if hours < 1:
        return "less than 1 hour"
    if hours < 48:
        return f"{int(hours)} hour{'' if int(hours) == 1 else 's'}"
    return f"{round(hours / 24)} days"


@register.simple_tag
def latest_day(user: User, environment: Environment) -> str:
    """The last day to which the person may extend it, as a date field wants it."""
    return last_day(user, environment.sandbox).isoformat()


@register.simple_tag
def drift_digest(environment: Environment) -> str:
    """Names what differs, so that only what was seen is accepted."""
    return digest_of(environment)


@register.simple_tag
def drift_value(attribute: Any, side: str) -> SafeString:
    """One side of an attribute that differs."""
    if attribute["sensitive"]:
        return format_html('<span class="text-secondary">{}</span>', "hidden")
    value = attribute[side]
    if value is None or value == "":
        return format_html('<span class="text-secondary">{}</span>', "none" if value is None else "empty")
    return format_html("<code>{}</code>", str(value).lower() if isinstance(value, bool) else value)
