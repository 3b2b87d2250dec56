"""Who has to approve what: rules of the sandbox and of the pattern, beside the one that always holds.

That one is: a change that takes something away is confirmed by a requester. Rules only add to it. When several fit, the
strictest counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pydantic import TypeAdapter, ValidationError

from stackyard.cmdb.models import Role, RunKind
from stackyard.errors import Invalid, Problem
from stackyard.patterns.manifest import ApprovalRule

_RULES = TypeAdapter(tuple[ApprovalRule, ...])
STRICTNESS = (Role.REQUESTER, Role.PLATFORM)
"""The roles that can approve, the strictest last."""


@dataclass(frozen=True)
class Need:
    """A plan that somebody has to approve: people of this role, for these reasons."""

    role: Role
    reasons: tuple[str, ...]


def parse(data: Any) -> tuple[ApprovalRule, ...]:
    """The rules of a sandbox from its row. Raises Invalid at `approvals.<number>.<key>`."""
    try:
        return _RULES.validate_python(data or ())
    except ValidationError as error:
        raise Invalid(
            [Problem(".".join(map(str, ("approvals", *e["loc"]))), f"{e['msg']}.") for e in error.errors()],
            hint="A rule has kinds, types, actions, role and note; docs/operations.md tells more.",
        ) from None


def may_ask(rules: Iterable[ApprovalRule], kind: RunKind) -> bool:
    """Whether any rule could want a run of this kind to be approved: then it has the stage for it."""
    return any(kind in rule.kinds for rule in rules)


def need_of(
    rules: Iterable[ApprovalRule], kind: RunKind, changes: Sequence[Mapping[str, Any]], *, wanted: str = ""
) -> Need | None:
    """Who has to approve a plan; None when nobody has to. `changes` as in the plan of a run's row. `wanted`: why
    it is to be approved whatever the rules say, as that whoever asked for the run wants to see its plan first."""
    found: list[tuple[Role, str]] = []
    if kind == RunKind.CHANGE:
        if wanted:
            found.append((Role.REQUESTER, wanted))
        if any(change.get("destructive") for change in changes):
            found.append((Role.REQUESTER, "It takes something away."))
    for rule in rules:
        fitting = [change for change in changes if _fits(rule, change)]
        if kind in rule.kinds and (fitting or not (rule.types or rule.actions)):
            found.append((Role(rule.role), rule.note or _in_words(fitting)))
    if not found:
        return None
    role = max((role for role, _ in found), key=STRICTNESS.index)
    return Need(role, tuple(dict.fromkeys(reason for of, reason in found if of == role)))


def _fits(rule: ApprovalRule, change: Mapping[str, Any]) -> bool:
    of_type = not rule.types or any(fnmatchcase(str(change["type"]), pattern) for pattern in rule.types)
    return of_type and (not rule.actions or change["action"] in rule.actions)


def _in_words(changes: Sequence[Mapping[str, Any]]) -> str:
    if not changes:
        return "A rule of the sandbox or the pattern asks for it."
    first = changes[0]
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"To {first['action']}: {first['address']}{more}."
