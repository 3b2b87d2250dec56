"""Executors by the name that a sandbox names its own with."""

from collections.abc import Callable
from typing import Protocol

from stackyard.errors import Unusable, shown
from stackyard.executors.interfaces import Executor
from stackyard.executors.local import LocalExecutor
from stackyard.settings import Settings


class Factory(Protocol):
    """Makes an executor for a sandbox."""

    def __call__(self, settings: Settings, *, emulated: bool) -> Executor:
        """`emulated`: the sandbox lies on the bundled AWS emulator."""
        ...


_known: dict[str, Factory] = {"local": LocalExecutor.from_settings}


def register(name: str) -> Callable[[Factory], Factory]:
    """Add an executor, or put another in the place of one. Every worker process has to do it."""

    def keep(factory: Factory) -> Factory:
        _known[name] = factory
        return factory

    return keep


def executor_for(name: str, settings: Settings, *, emulated: bool) -> Executor:
    """The executor of that name. Raises Unusable when this worker has none."""
    factory = _known.get(name)
    if factory is None:
        raise Unusable(
            f"This worker has no executor '{shown(name)}'.", hint=f"It has {', '.join(sorted(_known))}: choose another."
        )
    return factory(settings, emulated=emulated)
