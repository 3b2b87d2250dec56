"""Executors by the name that a sandbox names its own with."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from stackyard.aws.builds import BuildPlace
from stackyard.aws.jobs import Buckets
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unusable, shown
from stackyard.executors import codebuild, github_actions
from stackyard.executors.interfaces import Executor, Place
from stackyard.executors.local import LocalExecutor
from stackyard.settings import Settings


def build_place(name: str, access: SandboxAccess, options: Mapping[str, Any]) -> Buckets | None:
    """Where in the account of a sandbox an executor's jobs are; None when they are not there."""
    if name == codebuild.NAME:
        return BuildPlace.of(access, options)
    return Buckets.of(access, options) if name in REMOTE else None


class Factory(Protocol):
    """Makes an executor for a sandbox."""

    def __call__(self, settings: Settings, place: Place) -> Executor:
        """`place`: the sandbox, and what it says of its executor."""
        ...


def _local(settings: Settings, place: Place) -> Executor:
    return LocalExecutor.from_settings(settings, emulated=place.access.emulated)


_known: dict[str, Factory] = {
    "local": _local,
    codebuild.NAME: codebuild.codebuild,
    github_actions.NAME: github_actions.github_actions,
}
REMOTE = frozenset({codebuild.NAME, github_actions.NAME})
"""Executors whose machines do not reach our database: there the state lies in a bucket of the account."""


def register(name: str) -> Callable[[Factory], Factory]:
    """Add an executor, or put another in the place of one. Every worker process has to do it."""

    def keep(factory: Factory) -> Factory:
        _known[name] = factory
        return factory

    return keep


def names() -> list[str]:
    """The executors that there are."""
    return sorted(_known)


def executor_for(name: str, settings: Settings, place: Place) -> Executor:
    """The executor of that name. Raises Unusable when this worker has none."""
    factory = _known.get(name)
    if factory is None:
        raise Unusable(
            f"This worker has no executor '{shown(name)}'.", hint=f"It has {', '.join(names())}: choose another."
        )
    return factory(settings, place)
