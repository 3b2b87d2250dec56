"""What was asked of a change, as it is kept in the run's row."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Wish:
    """`set`: path -> value; `unset`: paths that go back to the pattern's default, or entries of maps that go.

    `plan_only`: stop after the plan. `confirm`: ask before applying, whatever the plan. `commit`: start from this
    commit of the record and not from the newest. `accept`: of a look for drift, the digest of what is to be accepted.
    `drop_fqdns`: further names that go, and are released when the run has succeeded. `upgrade`: digest of the version
    of its pattern that the environment is brought to; `take`: where that conflicts, `mine` or `new` by path.
    """

    set: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    plan_only: bool = False
    confirm: bool = False
    commit: str = ""
    accept: str = ""
    drop_fqdns: tuple[str, ...] = ()
    upgrade: str = ""
    take: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Wish":
        """From the run's row; an empty mapping is the empty wish."""
        lists = {name: tuple(data.get(name, ())) for name in ("unset", "drop_fqdns")}
        return cls(**{**data, **lists})

    def as_dict(self) -> dict[str, Any]:
        """For the run's row."""
        lists = {"unset": list(self.unset), "drop_fqdns": list(self.drop_fqdns)}
        return {**asdict(self), "set": dict(self.set), "take": dict(self.take), **lists}
