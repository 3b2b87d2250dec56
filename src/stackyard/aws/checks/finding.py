"""What one check says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What came of one check. `ok` None: it could not be told, or does not matter yet, and `found` says why. `fix`:
    what to do about it; empty when there is nothing to do."""

    ok: bool | None
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, as it is shown; the rest as in `Verdict`."""

    title: str
    ok: bool | None
    found: str
    fix: str = ""
