"""Passwords cannot be guessed by trying: each wrong one makes the next try wait, and no one is locked out for ever.

The rows are in the database, so that it does not matter which web process is asked.
"""

import datetime as dt
from math import ceil
from typing import Any

import structlog
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from stackyard.cmdb.models import FailedSignIn

logger = structlog.get_logger()

REMEMBERED = dt.timedelta(hours=1)
FREE_TRIES = 5
"""So many wrong passwords for one name from one address cost nothing; each further one doubles the wait."""

FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 900
MANY = 100
"""So many for one name from everywhere, or from one address for any name, and the next try waits `WAIT_IF_MANY`: long
enough for a guesser, and short enough for the one whose name it is."""

WAIT_IF_MANY_SECONDS = 30


def seconds_to_wait(name: str, address: str) -> int:
    """For how long a password for this name is not even looked at from this address; 0: it is looked at now."""
    name = _key(name)
    recent = FailedSignIn.objects.filter(at__gt=timezone.now() - REMEMBERED)
    pair = _wait(recent.filter(name=name, address=address), FREE_TRIES, FIRST_WAIT_SECONDS)
    everywhere = _wait(recent.filter(name=name), MANY, WAIT_IF_MANY_SECONDS, grows=False)
    anyone = _wait(recent.filter(address=address), MANY, WAIT_IF_MANY_SECONDS, grows=False)
    return max(pair, everywhere, anyone)


def _wait(failures: Any, free: int, first: int, *, grows: bool = True) -> int:
    times = list(failures.order_by("-at").values_list("at", flat=True)[: free + 20])
    if len(times) < free:
        return 0
    wait = min(LONGEST_WAIT_SECONDS, first * 2 ** (len(times) - free)) if grows else first
    until: dt.datetime = times[0] + dt.timedelta(seconds=wait)
    return max(0, ceil((until - timezone.now()).total_seconds()))


def _key(name: str) -> str:
    return name.replace("\0", "").strip().lower()[:150]


def address_of(request: HttpRequest | None) -> str:
    """Where a request came from, as the server tells it; empty when there is none."""
    return str(request.META.get("REMOTE_ADDR", ""))[:45] if request is not None else ""


class Guard:
    """The first of the authentication backends: refuses before any password is looked at, on every page that asks for
    one, and else leaves the question to the next."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **_: Any) -> None:
        """Raises PermissionDenied, which asks no further backend."""
        if username and seconds_to_wait(username, address_of(request)):
            if request is not None:
                request.guessing = True  # type: ignore[attr-defined]
            raise PermissionDenied


@receiver(user_login_failed)
def _note(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if getattr(request, "guessing", False):
        return  # it was not looked at, so it tells nobody anything
    name, address = _key(str(credentials.get("username") or "")), address_of(request)
    now = timezone.now()
    FailedSignIn.objects.filter(at__lt=now - REMEMBERED).delete()
    FailedSignIn.objects.create(name=name, address=address, at=now)
    logger.warning("a wrong password", name=name, address=address)


@receiver(user_logged_in)
def _forget(user: User, request: HttpRequest | None = None, **_: Any) -> None:
    # Those from elsewhere stay: they are somebody else's.
    FailedSignIn.objects.filter(name=_key(user.get_username()), address=address_of(request)).delete()
