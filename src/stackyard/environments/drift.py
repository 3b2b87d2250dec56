"""Drift: look whether AWS still has what was applied; put it back, or accept it."""

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, Run, RunKind
from stackyard.environments.change import apply_again, require_standing
from stackyard.errors import Conflict
from stackyard.runs.drift import digest
from stackyard.runs.queue import enqueue
from stackyard.runs.wish import Wish


def look(user: User, environment: Environment, *, via: str) -> Run:
    """Ask for a look; returns the queued run. What it finds is in `environment.drift` afterwards.

    Raises Forbidden as rights say, Conflict while another run is going on or when nothing stands.
    """
    return _ask(user, environment, Wish(), via)


def accept(user: User, environment: Environment, *, via: str, seen: str = "") -> Run:
    """Let what differs count as applied. Nothing changes in AWS, and the next change of the code puts it back.

    `seen`: the digest of what the person saw (`digest_of`); Conflict when something else is known by now, when nothing
    differs, and otherwise as `look`.
    """
    rights.require_act_on(user, environment)
    known = digest_of(environment)
    if not known:
        raise Conflict(f"Nothing is known to differ in {environment.slug}.", hint="Look for drift first.")
    if seen and seen != known:
        raise Conflict("Something else differs now than what you saw.", hint="Look at it again first.")
    return _ask(user, environment, Wish(accept=known), via)


def repair(user: User, environment: Environment, *, via: str) -> Run:
    """Apply the recorded code again, so that AWS has what it says, also what was accepted. Returns the queued change.

    What takes something away waits for approval, as in every change. Raises as `look`.
    """
    return apply_again(user, environment, via=via)


def digest_of(environment: Environment) -> str:
    """Names what differs; empty when nothing does."""
    resources = environment.drift.get("resources", [])
    return digest(resources) if resources else ""


def _ask(user: User, environment: Environment, wish: Wish, via: str) -> Run:
    rights.require_act_on(user, environment)
    with transaction.atomic():
        locked = Environment.objects.select_for_update(of=("self",)).get(pk=environment.pk)
        require_standing(locked)
        return enqueue(locked, RunKind.DRIFT, user, via=via, wish=wish)
