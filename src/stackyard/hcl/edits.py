"""Edits as values, and how a list of them becomes a new file.

Edits are planned as splices on the text as it is. As long as they do not touch each other they are applied in one
go; when one depends on another (it lies inside, or its place is only made by the earlier one), those planned so far
are applied first. The new text is parsed again, so no edit can ever return something that is not HCL.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from stackyard.hcl import layout
from stackyard.hcl.errors import EditRefused, HclSyntaxError, PathAmbiguous, PathError, PathNotFound
from stackyard.hcl.lexis import is_name
from stackyard.hcl.navigate import Place, Stop, deepest, fail, find, only, search
from stackyard.hcl.paths import Path, format_path
from stackyard.hcl.plan import Plan, Waits, has_comment
from stackyard.hcl.source import Source
from stackyard.hcl.tree import Attribute, Block, Body, ObjectCons, ObjectItem, TupleCons
from stackyard.hcl.values import Number, Raw, nfc, same_number

if TYPE_CHECKING:
    from stackyard.hcl.file import File


@dataclass(frozen=True, slots=True)
class SetValue:
    """Set a Python value, or an expression as `Raw`, at a path; `force` accepts that comments are lost."""

    path: Path
    value: Any
    force: bool = False


@dataclass(frozen=True, slots=True)
class RemoveAttribute:
    """Take away an argument, an object's item or a tuple's element."""

    path: Path


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Give an argument or an object's item another name."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class AppendBlock:
    """Add an empty block at the end of the file, or of the block at `parent`."""

    type: str
    labels: tuple[str, ...] = ()
    parent: Path = ()


@dataclass(frozen=True, slots=True)
class RemoveBlock:
    """Take away a block."""

    path: Path


Edit: TypeAlias = SetValue | RemoveAttribute | RenameKey | AppendBlock | RemoveBlock


def apply(file: File, edits: Iterable[Edit]) -> File:
    """The file with all edits. `file` itself stays as it is."""
    waiting = deque(edits)
    plan = Plan(file.source, file.body)
    while waiting:
        edit = waiting.popleft()
        try:
            more = _planned(file, plan, edit)
        except (Waits, PathError, EditRefused):
            if not plan:
                raise
            file = _applied(file, plan)
            plan = Plan(file.source, file.body)
            waiting.appendleft(edit)
            continue
        waiting.extendleft(reversed(more))
    return _applied(file, plan) if plan else file


def _applied(file: File, plan: Plan) -> File:
    new = _parsed(file, plan.text())
    aligned = layout.realigned(new.source, new.body, plan.touched())
    return new if aligned is None else _parsed(file, aligned)


def _parsed(file: File, text: str) -> File:
    try:
        return type(file)(Source(text, file.source.name))
    except HclSyntaxError as error:
        raise EditRefused(f"The edit would not leave valid HCL.\n{error}") from error


def _planned(file: File, plan: Plan, edit: Edit) -> list[Edit]:
    """Add one edit to the plan; returns smaller edits that stand for it, where it is made of those."""
    body = file.body
    plan.follow(edit.parent if isinstance(edit, AppendBlock) else edit.path)
    match edit:
        case SetValue():
            return _set(body, plan, edit)
        case RemoveAttribute(path):
            place = find(body, path)
            if isinstance(place.item, Block):
                raise PathNotFound(f"{format_path(path)} is a block; it is removed as a block.")
            plan.remove(place.container, place.item)
            plan.changes(path)
        case RemoveBlock(path):
            place = find(body, path)
            if not isinstance(place.item, Block):
                raise PathNotFound(f"{format_path(path)} is a value; it is removed as an attribute.")
            plan.remove(place.container, place.item)
            plan.changes(path)
        case RenameKey(path, name):
            plan.follow((*path[:-1], name))
            _rename(plan, find(body, path), name)
            plan.changes(path)
            plan.changes((*path[:-1], name))
        case AppendBlock(block_type, labels, parent):
            _append(body, plan, block_type, labels, parent)
            plan.changes((*parent, block_type, *labels))
    return []


def _set(body: Body, plan: Plan, edit: SetValue) -> list[Edit]:
    places, stops = search(body, edit.path)
    if not places:
        _insert(plan, edit, stops)
        plan.changes(edit.path)
        return []
    place = only(edit.path, places)
    expr = place.expr
    if expr is None:
        raise PathNotFound(f"{format_path(edit.path)} is a block; set its arguments one by one.")
    plan.untouched(expr)
    if isinstance(edit.value, Raw):
        if expr.text == edit.value.text.strip():
            return []
    elif expr.is_constant and _same(expr.value, edit.value):
        return []
    elif isinstance(edit.value, Mapping) and isinstance(expr, ObjectCons) and edit.value and expr.items:
        return _by_key(edit, expr)
    if has_comment(expr) and not edit.force:
        raise EditRefused(
            f"{expr.where}: the value of {format_path(edit.path)} has comments inside, which would be lost."
        )
    plan.replace(place.container, place.item, expr, edit.value)
    return []


def _by_key(edit: SetValue, expr: ObjectCons) -> list[Edit]:
    """A map over a map: what is gone, then what is there, in the order of the new map."""
    edits: list[Edit] = []
    wanted = {nfc(str(key)) for key in edit.value}
    for item in expr.items:
        if item.key is None or len(expr.find(item.key)) > 1:
            raise PathAmbiguous(f"{item.where}: this map cannot be compared key by key; set its items one by one.")
        if item.key not in wanted:
            if (item.comment or has_comment(item.expr)) and not edit.force:
                raise EditRefused(f"{item.where}: `{item.key}` has comments, which would be lost with it.")
            edits.append(RemoveAttribute((*edit.path, item.key)))
    sets = [SetValue((*edit.path, nfc(key)), value, edit.force) for key, value in edit.value.items()]
    # Values first: if everything else is new, there is always an item left to tell the style from.
    return [*sets, *edits]


def _same(old: Any, new: Any) -> bool:
    """Equal to Terraform: true is not 1, text is compared in NFC."""
    if isinstance(old, dict) and isinstance(new, Mapping):
        return len(old) == len(new) and all(
            isinstance(key, str) and nfc(key) in old and _same(old[nfc(key)], value) for key, value in new.items()
        )
    if isinstance(old, list) and isinstance(new, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, str) and isinstance(new, str):
        return old == nfc(new)
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return same_number(old, new) if isinstance(old, Number) and isinstance(new, Number) else bool(old == new)


def _insert(plan: Plan, edit: SetValue, stops: list[Stop]) -> None:
    """Make what is missing, in the one container where the way ends."""
    ends = deepest(stops)
    open_ends = [stop for stop in ends if _can_take(stop)]
    # All `locals` blocks are one name space: a new local goes into the last of them.
    if len(open_ends) > 1 and edit.path[0] == "locals" and len(open_ends[-1].rest) == len(edit.path) - 1:
        open_ends = open_ends[-1:]
    if not open_ends:
        fail(edit.path, ends)
    if len(open_ends) > 1:
        where = " and ".join(stop.node.where for stop in open_ends)
        raise PathAmbiguous(f"{format_path(edit.path)} is ambiguous: it could be added at {where}.")
    stop = open_ends[0]
    value = edit.value
    for step in reversed(stop.rest[1:]):
        if isinstance(step, int) and step != 0:
            fail(edit.path, ends)
        value = [value] if isinstance(step, int) else {step: value}
    assert isinstance(stop.node, Body | ObjectCons | TupleCons)
    plan.insert(stop.node, stop.rest[0], value)


def _can_take(stop: Stop) -> bool:
    """Whether the first missing step can be made there."""
    node, head = stop.node, stop.rest[0]
    if isinstance(node, ObjectCons):
        return isinstance(head, str)
    if isinstance(node, TupleCons):
        return head == len(node.items) and isinstance(head, int)
    if not isinstance(node, Body) or not isinstance(head, str) or not is_name(head):
        return False
    is_file = node.start == 0 and node.end == len(node.source.text)
    return not (is_file and len(stop.rest) > 1) and all(block.type != head for block in node.blocks)


def _rename(plan: Plan, place: Place, name: str) -> None:
    item, container = place.item, place.container
    if isinstance(item, Attribute) and isinstance(container, Body):
        if item.name == name:
            return
        if not is_name(name):
            raise EditRefused(f"`{name}` cannot be the name of an argument.")
        taken = container.attribute(name) is not None
    elif isinstance(item, ObjectItem) and isinstance(container, ObjectCons):
        if item.key == nfc(name):
            return
        taken = bool(container.find(nfc(name)))
    else:
        raise PathNotFound(f"{item.where}: only arguments and items of objects have a name.")
    if taken:
        raise EditRefused(f"{item.where}: there is already a `{name}` beside it.")
    plan.rename(item, name)


def _append(body: Body, plan: Plan, block_type: str, labels: tuple[str, ...], parent: Path) -> None:
    if not is_name(block_type):
        raise EditRefused(f"`{block_type}` cannot be the type of a block.")
    if parent:
        item = find(body, parent).item
        if not isinstance(item, Block):
            raise PathNotFound(f"{format_path(parent)} is a value, not a block.")
        body = item.body
    plan.append_block(body, block_type, labels)
