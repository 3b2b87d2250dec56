"""Small things that many templates need: icons, times, status chips."""

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from stackyard.cmdb.models import RunStatus
from stackyard.portal.icons import ICONS

register = template.Library()

COLOURS = {
    "creating": "azure",
    "changing": "azure",
    "running": "azure",
    "destroying": "orange",
    "ready": "green",
    "succeeded": "green",
    "failed": "red",
    "waiting": "amber",
    "attention": "yellow",
    "new": "yellow",
    "queued": "secondary",
    "cancelled": "secondary",
    "destroyed": "secondary",
    "retired": "secondary",
}
NOTHING = "\N{EN DASH}"
MOVING = {"creating", "changing", "destroying", "running"}
SIGNS = {"waiting": "pause"}
"""Statuses that have an icon in place of the dot: a person has to do something."""


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An inline SVG icon that takes the colour of the text; decoration only, so hidden from screen readers."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        extra,
        format_html_join("", '<path d="{}"/>', ((path,) for path in ICONS[name])),
    )


@register.simple_tag
def chip(row: Any) -> SafeString:
    """The status of an environment, run or sandbox as a coloured chip; what moves has a moving dot.

    An environment whose run waits for approval (`waits`) says that, and not that it is changing.
    """
    waits = getattr(row, "waits", False)
    status = RunStatus.WAITING.value if waits else row.status
    mark = icon(SIGNS[status]) if status in SIGNS else _dot(moving=status in MOVING)
    title = RunStatus.WAITING.label if waits else row.get_status_display()
    return format_html('<span class="status status-{}">{}{}</span>', COLOURS.get(status, "secondary"), mark, title)


def _dot(*, moving: bool) -> SafeString:
    return format_html('<span class="status-dot{}"></span>', " status-dot-animated" if moving else "")


@register.simple_tag
def ago(at: datetime | None) -> SafeString:
    """A time as people say it, with the exact one as title; a dash when there is none."""
    if at is None:
        return SafeString(NOTHING)
    exact = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(),
        exact.strftime("%Y-%m-%d %H:%M:%S %Z"),
        relative(timezone.now() - at),
    )


def relative(past: timedelta) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`, `4 months ago`; a time ahead reads `in 5 min`."""
    seconds = abs(past.total_seconds())
    if seconds < 45:
        return "just now"
    for limit, size, one, many in (
        (45 * 60, 60, "min", "min"),
        (36 * 3600, 3600, "h", "h"),
        (45 * 86400, 86400, "day", "days"),
        (500 * 86400, 30.44 * 86400, "month", "months"),
        (float("inf"), 365.25 * 86400, "year", "years"),
    ):
        if seconds < limit:
            count = max(1, round(seconds / size))
            text = f"{count} {one if count == 1 else many}"
            return f"{text} ago" if past.total_seconds() > 0 else f"in {text}"
    raise AssertionError("the last limit is infinite")


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `1 h 12 min`; a dash when unknown. The live page says it in the same way."""
    if seconds is None:
        return NOTHING
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@register.filter
def https(value: object) -> str:
    """The value when it is an address that may become a link, else an empty text; never `javascript:` or the like."""
    text = str(value)
    return text if text.startswith(("https://", "http://")) and not any(c.isspace() for c in text) else ""


@register.filter
def human(value: object) -> str:
    """A setting's value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "empty" if value in ("", None) else str(value)


@register.filter
def plain(number: float) -> str:
    """A number without a needless `.0` and without thousands marks, as an input's min and max want it."""
    return f"{number:g}" if abs(number) < 1e6 or number != int(number) else str(int(number))


@register.filter
def need_title(need: str) -> str:
    """A word of `needs` for people."""
    return need.replace("_", " ")


@register.filter
def took(run: Any) -> timedelta | None:
    """How long a run took, once it has ended."""
    return run.finished_at - run.started_at if run.finished_at and run.started_at else None
