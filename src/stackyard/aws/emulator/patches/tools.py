"""How a patch takes hold of moto."""

from collections.abc import Callable
from typing import Any

from stackyard.errors import Unusable

Wrapped = Callable[..., Any]


def wrap(owner: Any, name: str, wrapper: Callable[[Wrapped], Wrapped]) -> None:
    """Put `wrapper(original)` in the place of a method, or of a module's function. Unusable when the class or module
    itself has none of that name."""
    need(owner, name)
    setattr(owner, name, wrapper(getattr(owner, name)))


def add(owner: type, name: str, method: Wrapped) -> None:
    """Give a class a method that it lacks. Unusable when it has one of that name now."""
    if hasattr(owner, name):
        raise _moto_changed(owner, name, "is there now")
    setattr(owner, name, method)


def need(owner: Any, name: str) -> None:
    """Unusable when the class itself has nothing of that name."""
    if name not in vars(owner):
        raise _moto_changed(owner, name, "is not there any more")


def _moto_changed(owner: Any, name: str, how: str) -> Unusable:
    return Unusable(
        f"moto has changed: {getattr(owner, '__module__', '')}.{owner.__name__}.{name} {how}.",
        hint="Install the moto release named in the lock file, or mend stackyard/aws/emulator/patches.",
    )
