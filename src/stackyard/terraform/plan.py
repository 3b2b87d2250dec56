"""What a plan would do, from `terraform show -json <plan>`."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ACTIONS = {
    ("no-op",): "no-op",
    ("create",): "create",
    ("read",): "read",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("forget",): "forget",
}


@dataclass(frozen=True)
class Change:
    """What happens to one resource. `attributes` are the names of those that change, never their values."""

    address: str
    type: str
    module: str
    action: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The changes of a plan, without those resources that stay as they are."""

    changes: tuple[Change, ...]
    changed_outputs: tuple[str, ...] = ()
    # Names what the plan does, values included, and not the file it is saved in: the same wish planned again on the
    # same state has the same one.
    content: str = ""
    # As Terraform has them, with their values: to be looked at, never to be kept or shown.
    resources: Sequence[Mapping[str, Any]] = field(default=(), repr=False, compare=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        """From the plan's JSON representation. Drift is not looked at: it fires on most resources even when clean."""
        resources = data.get("resource_changes") or ()
        changes = (_change(item) for item in resources)
        outputs = data.get("output_changes") or {}
        return cls(
            changes=tuple(c for c in changes if c.action not in ("no-op", "read")),
            changed_outputs=tuple(sorted(k for k, v in outputs.items() if v.get("actions") != ["no-op"])),
            content=_content(resources, outputs),
            resources=resources,
        )

    @property
    def is_empty(self) -> bool:
        """True when applying it would change no resource."""
        return not self.changes

    @property
    def counts(self) -> Mapping[str, int]:
        """How many resources per action."""
        return dict(Counter(c.action for c in self.changes))

    @property
    def summary(self) -> str:
        """In words, such as `18 to create, 1 to destroy`."""
        words = {"create": "create", "update": "update", "replace": "replace", "delete": "destroy", "forget": "forget"}
        parts = [f"{self.counts[action]} to {word}" for action, word in words.items() if action in self.counts]
        return ", ".join(parts) or "no changes"

    def as_dict(self) -> dict[str, Any]:
        """For the run's row."""
        return {
            "summary": self.summary,
            "counts": dict(self.counts),
            "content": self.content,
            "changes": [{**vars(c), "attributes": list(c.attributes)} for c in self.changes],
        }


def _content(resources: Sequence[Mapping[str, Any]], outputs: Mapping[str, Any]) -> str:
    does = {
        str(name): [change.get(key) for key in ("actions", "after", "after_unknown")]
        for name, change in (*((r.get("address"), r.get("change") or {}) for r in resources), *outputs.items())
        if change.get("actions") not in (["no-op"], ["read"])
    }
    return hashlib.sha256(json.dumps(does, sort_keys=True).encode()).hexdigest() if does else ""


def _change(item: Mapping[str, Any]) -> Change:
    change = item.get("change") or {}
    action = _ACTIONS.get(tuple(change.get("actions") or ()), "update")
    return Change(
        address=str(item.get("address", "")),
        type=str(item.get("type", "")),
        module=str(item.get("module_address", "")),
        action=action,
        attributes=_changed(change) if action in ("update", "replace") else (),
    )


def _changed(change: Mapping[str, Any]) -> tuple[str, ...]:
    before, after, unknown = (change.get(k) or {} for k in ("before", "after", "after_unknown"))
    names = set(before) | set(after) | {k for k, v in unknown.items() if v is True}
    return tuple(sorted(n for n in names if unknown.get(n) is True or before.get(n) != after.get(n)))
