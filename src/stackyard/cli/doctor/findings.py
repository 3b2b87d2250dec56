"""One thing that was looked at."""

from collections.abc import Callable
from dataclasses import dataclass

from stackyard.errors import StackyardError


@dataclass(frozen=True)
class Finding:
    """`found` is what was seen, `fix` what to do when it is not good."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def look(name: str, check: Callable[[], str]) -> Finding:
    """The finding of a check that returns what it saw, or raises a StackyardError with what to do."""
    try:
        return Finding(name, True, check())
    except StackyardError as error:
        return Finding(name, False, error.message, error.hint)
