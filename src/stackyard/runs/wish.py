"""What was asked of a change, as it is kept in the run's row."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Wish:
    """`set`: path -> value; `unset`: paths that go back to the pattern's default, or entries of maps that go.

    `plan_only`: stop after the plan. `confirm`: ask before applying, whatever the plan. `commit`: start from this
    commit of the record and not from the newest. `accept`: of a look for drift, the digest of what is to be accepted.
    """

    set: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    plan_only: bool = False
    confirm: bool = False
    commit: str = ""
    accept: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Wish":
        """From the run's row; an empty mapping is the empty wish."""
        return cls(**{**data, "unset": tuple(data.get("unset", ()))})

    def as_dict(self) -> dict[str, Any]:
        """For the run's row."""
        return {**asdict(self), "set": dict(self.set), "unset": list(self.unset)}
