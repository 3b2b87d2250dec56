"""Every error that Stackyard raises on purpose. The message is written for the person who reads it.

StackyardError                 what happened, and `hint`: what to do next
├── Invalid                    input was refused; `problems` name field and rule            (422, exit 2)
├── NotFound                   no such thing, or none that this person may see              (404, exit 3)
├── Forbidden                  visible, but this role may not do it                         (403, exit 4)
├── Conflict                   true now, may pass: a run is going on, a name is taken       (409, exit 5)
├── Unavailable                a part we need does not answer: database, emulator, git      (503, exit 6)
├── Unusable                   an installation or a pattern is broken: platform staff mend it
├── LeaseLost                  another worker owns this run now; stop without writing
└── Cancelled                  a person asked for the run to stop
"""

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass


def shown(text: object, limit: int = 60) -> str:
    """What a person sent, fit to be shown back: short, and without characters that break an encoding or deceive."""
    clean = "".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in str(text)[: limit + 1])
    return clean if len(clean) <= limit else clean[:limit] + "…"


def meant(text: object, names: Iterable[str]) -> str:
    """`Did you mean 'x'?` for the one of `names` that is most like what was written; empty when none is like it.

    The last part of a dotted name counts as like it: `cpu` is `container.cpu`.
    """
    known = list(names)
    wanted = str(text)[:200].lower()
    like = [name for name in known if wanted and name.lower().endswith(f".{wanted}")]
    found = next(iter(like or difflib.get_close_matches(wanted, known, n=1, cutoff=0.7)), "")
    return f"Did you mean '{found}'?" if found else ""


class StackyardError(Exception):
    """Base of all errors that are shown to people. `hint` says what to do next, and may be empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


@dataclass(frozen=True)
class Problem:
    """One refused input: `field` as the caller wrote it (dotted path for settings), `message` the rule."""

    field: str
    message: str


class Invalid(StackyardError):
    """Input was refused before anything was built. Carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem], *, hint: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in self.problems), hint=hint)

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """The common case of a single refused field."""
        return cls([Problem(field, message)])


class NotFound(StackyardError):
    """No such thing, or none that this person may see (the two are not told apart on purpose)."""


class Forbidden(StackyardError):
    """The thing is visible to this person, but their role does not allow the action."""


class Conflict(StackyardError):
    """The request is right but the state of the world is against it now."""


class Unavailable(StackyardError):
    """A part that Stackyard needs does not answer."""


class Unusable(StackyardError):
    """A pattern or an installation is broken in a way that platform staff must mend."""


class LeaseLost(StackyardError):
    """Another worker owns this run now: stop at once and write nothing."""


class Cancelled(StackyardError):
    """A person asked for this run to stop."""
