"""A run's plan for people: what happens to each component, and what of it takes something away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackyard.patterns.components import OTHER, component_of

WORDS = {"create": "add", "update": "change", "replace": "replace", "delete": "destroy", "forget": "forget"}
"""Terraform's actions as people say them, in the order in which they are counted."""
SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "−", "forget": "○"}  # noqa: RUF001
MOST = 500
"""Changes that are listed one by one."""


@dataclass(frozen=True)
class PlannedChange:
    """One resource. `loses`: it is gone or empty afterwards."""

    address: str
    action: str
    attributes: tuple[str, ...]
    loses: bool

    @property
    def word(self) -> str:
        """What happens to it."""
        return WORDS.get(self.action, self.action)

    @property
    def sign(self) -> str:
        """So that colour is not the only sign of it."""
        return SIGNS.get(self.action, "~")


@dataclass(frozen=True)
class Count:
    """How many resources have the same fate. `loses`: at least one of them is gone or empty afterwards."""

    action: str
    word: str
    number: int
    loses: bool


@dataclass(frozen=True)
class PlanPart:
    """The changes of one component."""

    title: str
    changes: tuple[PlannedChange, ...]
    counts: tuple[Count, ...]

    @property
    def loses(self) -> bool:
        """Something of it is gone or empty afterwards."""
        return any(change.loses for change in self.changes)


def plan_parts(plan: Mapping[str, Any], components: Mapping[str, Sequence[str]]) -> list[PlanPart]:
    """The plan of a run's row by component, in the pattern's order; what belongs to none comes last."""
    found: dict[str, list[PlannedChange]] = {title: [] for title in (*components, OTHER)}
    for change in plan.get("changes", [])[:MOST]:
        planned = PlannedChange(
            address=str(change.get("address", "")),
            action=str(change.get("action", "")),
            attributes=tuple(map(str, change.get("attributes", ()))),
            loses=bool(change.get("destructive")),
        )
        found[component_of(change, components)].append(planned)
    return [PlanPart(title, tuple(changes), _counts(changes)) for title, changes in found.items() if changes]


def total(parts: Sequence[PlanPart]) -> tuple[Count, ...]:
    """The counts of all components together."""
    return _counts([change for part in parts for change in part.changes])


def _counts(changes: Sequence[PlannedChange]) -> tuple[Count, ...]:
    found = [(word, [c for c in changes if c.action == action]) for action, word in WORDS.items()]
    return tuple(Count(cs[0].action, word, len(cs), any(c.loses for c in cs)) for word, cs in found if cs)
