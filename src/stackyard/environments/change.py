"""Change an environment that stands: look at what is set, see what an edit would do to its code, and ask for it.

Everything starts from the environment's own recorded interface file, so that edits by hand in the record are shown and
survive. What a change does to AWS is known by its run's plan; a plan that takes something away waits for approval
(`runs.approve`).
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, EnvironmentStatus, PatternVersion, Run, RunKind, RunStatus
from stackyard.cmdb.models.run import ACTIVE
from stackyard.errors import Conflict, Invalid, Problem
from stackyard.patterns.parameters import Parameter
from stackyard.runs.filling import filling_of
from stackyard.runs.interface import Interface
from stackyard.runs.queue import GIVES_WAY, enqueue
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.versions import version_at
from stackyard.runs.wish import Wish
from stackyard.settings import get_settings


@dataclass(frozen=True)
class ChangeRequest:
    """A wish for an environment that stands.

    `set`: path -> value; a path may lead into a map, as in `container.environment.GREETING`. `unset`: paths that go
    back to the default of the pattern version that built the environment, or entries of maps that go. `plan_only`: end
    after the plan. `confirm`: ask before applying, whatever the plan.
    """

    set: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    plan_only: bool = False
    confirm: bool = False


@dataclass(frozen=True)
class Preview:
    """What a request would do to the interface file. `diff`: unified, one entry per line; empty: no difference.

    `touched`: the request itself makes a difference, not only what Stackyard fills anew. `version`: what built it.
    """

    before: str
    after: str
    diff: tuple[str, ...]
    problems: tuple[Problem, ...]
    touched: bool
    version: PatternVersion


def parameters(environment: Environment) -> tuple[Parameter, ...]:
    """What a person may set, by the pattern version that built the recorded code."""
    return Interface.of(_newest(environment)[0], get_settings()).parameters


def recorded_interface(environment: Environment) -> bytes:
    """The environment's interface file as it is newest in the record. NotFound when the record does not hold it."""
    return _newest(environment)[1]


def current_settings(environment: Environment) -> dict[str, Any]:
    """Path -> value of every parameter that is a constant in the recorded interface file, defaults included."""
    version, text = _newest(environment)
    return Interface.of(version, get_settings()).values(text)


def preview(user: User, environment: Environment, request: ChangeRequest) -> Preview:
    """What would become of the interface file; what is wrong with the request is in `problems`, never raised.

    Raises Forbidden as rights say, NotFound or Unusable when the recorded code cannot be read.
    """
    rights.require_act_on(user, environment)
    version, text = _newest(environment)
    interface = Interface.of(version, get_settings())
    edited = interface.edited(text, _wish(request), filling_of(environment, get_settings()))
    before, after = (t.decode("utf-8", errors="replace") for t in (text, edited.text))
    name = interface.file_name
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    return Preview(before, after, tuple(lines), edited.problems, edited.touched, version)


def change(user: User, environment: Environment, request: ChangeRequest, *, via: str) -> Run:
    """Accept a change; returns the queued run.

    Raises Invalid with every problem at `settings.<path>`, Conflict while another run is going on or when nothing
    stands, Forbidden as rights say. A change of nothing is refused, unless the record holds what was not applied yet.
    """
    found = preview(user, environment, request)
    require_standing(environment)
    if found.problems:
        raise Invalid(found.problems)
    if not request.plan_only and not found.touched and _is_applied(environment):
        raise Invalid.field("settings", "This changes nothing: everything is set so already.")
    return _start(user, environment, _wish(request), via)


def retry(user: User, environment: Environment, *, via: str) -> Run:
    """Plan and apply what is newest in the record, after a failed change or an edit by hand.

    Raises Forbidden as rights say, Conflict as `change`, and when the newest is what was applied.
    """
    rights.require_act_on(user, environment)
    require_standing(environment)
    if _is_applied(environment):
        raise Conflict(
            f"There is nothing to retry: the newest code of {environment.slug} is applied.",
            hint="A look for drift tells whether AWS still has it.",
        )
    return _start(user, environment, Wish(), via)


def back_to_last_good(user: User, environment: Environment, *, via: str) -> Run:
    """Start a change that goes back to the code of the last run that succeeded. Raises as `change`."""
    rights.require_act_on(user, environment)
    require_standing(environment)
    commit = last_good_commit(environment)
    if not commit:
        raise Conflict(f"No run of {environment.slug} has succeeded yet.", hint="Change it, or destroy it.")
    if _is_applied(environment):
        raise Conflict(f"{environment.slug} is at its last good code already.")
    return _start(user, environment, Wish(commit=commit), via)


def apply_again(user: User, environment: Environment, *, via: str) -> Run:
    """Plan and apply what is newest in the record, also when it was applied before: what differs in AWS is put back.

    Raises Forbidden as rights say, Conflict as `change`.
    """
    rights.require_act_on(user, environment)
    return _start(user, environment, Wish(), via)


def last_good_commit(environment: Environment) -> str:
    """The commit of the last run that built or changed the environment with success; empty when there is none."""
    good = environment.runs.filter(status=RunStatus.SUCCEEDED).exclude(commit="").order_by("-id").first()
    return good.commit if good else ""


def _start(user: User, environment: Environment, wish: Wish, via: str) -> Run:
    with transaction.atomic():
        locked = Environment.objects.select_for_update().get(pk=environment.pk)
        require_standing(locked)
        return enqueue(locked, RunKind.CHANGE, user, via=via, wish=wish)


def require_standing(environment: Environment) -> None:
    """Conflict unless the environment stands as a whole and no run of it is active."""
    if environment.runs.filter(status__in=ACTIVE).exclude(GIVES_WAY).exists():
        raise Conflict(
            f"Another run of {environment.slug} is going on.", hint="Wait until it has finished, or cancel it."
        )
    if environment.is_gone:
        raise Conflict(f"{environment.slug} is gone: {environment.get_status_display().lower()}.")
    last = environment.runs.order_by("-id").first()
    half_gone = last is not None and last.kind == RunKind.DESTROY and environment.status == EnvironmentStatus.ATTENTION
    if half_gone or not environment.resources:
        raise Conflict(
            f"{environment.slug} does not stand as a whole.", hint="Destroy it; what is left of it goes then."
        )


def _is_applied(environment: Environment) -> bool:
    """Whether what is newest in the record is what the last good run applied."""
    store, folder = _record(environment)
    return store.same(folder, store.newest(folder), last_good_commit(environment))


def _newest(environment: Environment) -> tuple[PatternVersion, bytes]:
    """The version that built what is newest in the record, and its interface file."""
    store, folder = _record(environment)
    commit = store.newest(folder)
    version = version_at(store, environment, commit)
    return version, store.read(folder, commit, Interface.of(version, get_settings()).file_name)


def _record(environment: Environment) -> tuple[RecordedCode, Path]:
    return RecordedCode.from_settings(get_settings()), Path(environment.record_folder)


def _wish(request: ChangeRequest) -> Wish:
    return Wish(request.set, tuple(request.unset), request.plan_only, request.confirm)
