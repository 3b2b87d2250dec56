"""The changes of a row, as people read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from stackyard.errors import shown

LIMIT = 30
WORDS = {"+": "added", "~": "changed", "-": "removed"}


@dataclass(frozen=True)
class FieldChange:
    """One field from an old to a new value."""

    field: str
    old: str
    new: str


@dataclass(frozen=True)
class Change:
    """Who did what, when."""

    at: datetime
    who: str
    what: str
    fields: Sequence[FieldChange]


def changes_of(history: Any) -> list[Change]:
    """The latest changes, newest first. `history` is a simple_history manager or query set of one row."""
    records = list(history.select_related("history_user").order_by("-history_date", "-history_id")[: LIMIT + 1])
    changes = []
    for record, before in pairwise([*records, None]):
        fields = _fields(record, before) if before is not None and record.history_type == "~" else []
        if record.history_type == "~" and before is not None and not fields:
            continue  # saved without a change
        who = record.history_user.username if record.history_user else "Stackyard"
        changes.append(Change(record.history_date, who, WORDS.get(record.history_type, "changed"), fields))
    return changes[:LIMIT]


def _fields(record: Any, before: Any) -> list[FieldChange]:
    delta = record.diff_against(before, foreign_keys_are_objs=True)
    names = {f.name: str(f.verbose_name).capitalize() for f in record.instance_type._meta.fields}
    return [
        FieldChange(names.get(c.field, c.field), shown(c.old, 200) or "empty", shown(c.new, 200) or "empty")
        for c in sorted(delta.changes, key=lambda c: str(c.field))
    ]
