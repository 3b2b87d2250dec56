"""Three-way merge of interface files: the old version's, the new version's, and what an environment has.

The result is the new version's text, with its comments and order, in which stands what the environment has otherwise
than the old version had it: values, entries of maps, and expressions as they are written. What cannot be decided is
a conflict at its path, and the new version's value stands there until somebody decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from stackyard import hcl
from stackyard.patterns.interface import is_below
from stackyard.patterns.parameters import FIXED, Parameter
from stackyard.patterns.types import plain, type_of_value

Side = Literal["mine", "new"]

BOTH_CHANGED = "Both this environment and the new version have changed it."
BOTH_ADDED = "Both this environment and the new version have added it."
REMOVED_HERE = "It was removed here, and the new version has changed it."
GONE = "The new version does not have it any more."
OTHER_KIND = "The new version has something of another kind here."


@dataclass(frozen=True)
class Kept:
    """Something that the environment has otherwise than the old version, and that goes on. `mine` empty: removed.
    `file`: the path names a whole file."""

    path: str
    mine: str
    file: bool = False


@dataclass(frozen=True)
class Conflict:
    """Something that nobody but a person can decide.

    `old`, `new`, `mine`: as they are written in HCL; empty where there is none. `choices`: what may be taken; a value
    that the new version refuses can only be given up, or replaced by another one. `file`: the path names a whole file.
    """

    path: str
    old: str
    new: str
    mine: str
    reason: str
    choices: tuple[Side, ...] = ("mine", "new")
    file: bool = False


@dataclass(frozen=True)
class Merged:
    """The merged file. Of `conflicts` none was decided yet; `text` has the new version's value for each."""

    text: bytes
    kept: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]


def merge(
    old: bytes,
    new: bytes,
    mine: bytes,
    file_name: str,
    *,
    parameters: Iterable[Parameter] = (),
    room: str = "locals",
    filled: Collection[str] = (),
    take: Mapping[str, str] | None = None,
) -> Merged:
    """Bring `mine`, which began as `old`, to `new`.

    `parameters`: the new version's, whose rules hold for everything that is kept. `room`: the block that paths are
    below; empty for a file of values. `filled`: paths that Stackyard fills, which are always the new text's. `take`:
    path of a conflict -> `mine` or `new`. Raises hcl.HclSyntaxError when one of the three is not HCL.
    """
    take = take or {}
    files = [hcl.File.parse(text, file_name) for text in (old, new, mine)]
    merger = _Merger(take, filled)
    old_tree, new_tree, my_tree = (_tree(file, room) for file in files)
    merger.merge((), old_tree, new_tree, my_tree)
    conflicts = {c.path: c for c in merger.conflicts}
    edits: Edits = merger.edits
    rules = tuple(parameters)
    while True:  # every round gives something up, so there is a last one
        edited, refused = _applied(files[1], edits, room)
        refused = refused or _broken(edited, edits, rules, room)
        if not refused:
            break
        for conflict in refused:
            edits = {p: e for p, e in edits.items() if not _touch(hcl.format_path(p), conflict.path)}
            if take.get(conflict.path) != "new":
                conflicts[conflict.path] = _with_sides(conflict, files, room)
    kept = [Kept(hcl.format_path(path), _text(node)) for path, node in edits.items()]
    if room:
        blocks, stray = _other_blocks(files, room, take)
        edited = _put_blocks(edited, blocks, room)
        kept += [Kept(hcl.format_path(path), block.text if block else "") for path, block in blocks.items()]
        conflicts |= {c.path: c for c in stray}
    return Merged(edited.bytes(), tuple(kept), tuple(conflicts.values()))


@dataclass(frozen=True)
class _Tree:
    """An object whose keys are all known: each with an expression, or with a tree of its own."""

    items: Mapping[str, "_Node"]
    text: str


_Node = _Tree | hcl.Expression


def _tree(file: hcl.File, room: str) -> _Tree:
    bodies = [b.body for b in file.body.blocks if b.type == room] if room else [file.body]
    return _Tree({a.name: _node(a.expr) for body in bodies for a in body.attributes}, "")


def _node(expr: hcl.Expression) -> _Node:
    if not isinstance(expr, hcl.ObjectCons):
        return expr
    items = {item.key: _node(item.expr) for item in expr.items if item.key is not None}
    # A key that only Terraform knows, or one that stands twice: the object is one piece.
    return _Tree(items, expr.text) if len(items) == len(expr.items) else expr


def _meaning(node: _Node | None) -> Any:
    """What two nodes are compared by: comments, order of keys and the way of writing do not count."""
    if node is None:
        return None
    if isinstance(node, _Tree):
        return {key: _meaning(item) for key, item in node.items.items()}
    if node.is_constant:
        return ("value", _typed(node.value))
    return ("expression", " ".join(node.text.split()))


def _typed(value: Any) -> Any:
    """A value that is equal to another one only when Terraform sees no difference: true is not 1, but 1 is 1.0."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return (isinstance(value, bool), value)


@dataclass
class _Merger:
    """Walks over the three trees at once. `edits`: path -> what is to be set in the new text; None: taken out."""

    take: Mapping[str, str]
    filled: Collection[str]
    edits: dict[hcl.Path, _Node | None] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)

    def merge(
        self, path: hcl.Path, old: _Node | None, new: _Node | None, mine: _Node | None, homeless: bool = False
    ) -> None:
        """`homeless`: what this lies in is in the old version, and not in the new one any more."""
        meant = _meaning(mine)
        if hcl.format_path(path) in self.filled or meant in (_meaning(old), _meaning(new)):
            return
        grown = isinstance(old, _Tree) and new is None
        if isinstance(mine, _Tree) and (grown or (isinstance(new, _Tree) and (old is None or isinstance(old, _Tree)))):
            before = old.items if isinstance(old, _Tree) else {}
            after = new.items if isinstance(new, _Tree) else {}
            for key in {**before, **after, **mine.items}:
                self.merge((*path, key), before.get(key), after.get(key), mine.items.get(key), grown)
        elif _meaning(new) == _meaning(old) and not homeless:
            self.edits[path] = mine
        else:
            self._conflict(path, (old, new, mine), homeless)

    def _conflict(self, path: hcl.Path, sides: "_Sides", homeless: bool) -> None:
        name = hcl.format_path(path)
        # Nothing reads what the new version does not know, except for an entry of something that it does know.
        lost = sides[1] is None and (homeless or len(path) < 2)
        taken = self.take.get(name)
        if taken == "mine" and not lost:
            self.edits[path] = sides[2]
        elif taken != "new":
            old, new, mine = map(_text, sides)
            self.conflicts.append(
                Conflict(name, old, new, mine, _reason(*sides), ("new",) if lost else ("mine", "new"))
            )


_Sides = tuple[_Node | None, _Node | None, _Node | None]


def _text(node: _Node | None) -> str:
    return "" if node is None else node.text


def _reason(old: _Node | None, new: _Node | None, mine: _Node | None) -> str:
    if new is None:
        return GONE
    if mine is None:
        return REMOVED_HERE
    if old is None:
        return BOTH_ADDED
    return BOTH_CHANGED if _kind(old) == _kind(new) else OTHER_KIND


def _kind(node: _Node) -> str:
    if isinstance(node, _Tree):
        return "map"
    return type_of_value(plain(node.value)).kind if node.is_constant else "expression"


Edits = Mapping[hcl.Path, _Node | None]


def _applied(file: hcl.File, edits: Edits, room: str) -> tuple[hcl.File, list[Conflict]]:
    """The new text with all edits, and those for which it has no place."""
    made = {path: _edit((room, *path) if room else path, node) for path, node in edits.items()}
    try:
        return file.edit(made.values()), []
    except hcl.HclError:
        refused = []
        for path, edit in made.items():
            try:
                file.edit([edit])
            except hcl.HclError as error:
                refused.append(Conflict(hcl.format_path(path), "", "", "", str(error), ("new",)))
        if not refused:
            raise
        return file, refused


def _edit(place: hcl.Path, node: _Node | None) -> hcl.Edit:
    return hcl.RemoveAttribute(place) if node is None else hcl.SetValue(place, hcl.Raw(node.text), force=True)


def _broken(file: hcl.File, edits: Edits, parameters: Iterable[Parameter], room: str) -> list[Conflict]:
    """What is kept, and the new version's rules refuse. What is written as an expression only Terraform can judge."""
    found = []
    for parameter in parameters:
        if not any(_touch(hcl.format_path(path), parameter.path) for path in edits):
            continue
        place = hcl.parse_path(parameter.path)
        try:
            reason = parameter.check(plain(file.get_value((room, *place) if room else place)))
        except hcl.PathNotFound:
            continue
        except hcl.PathError:
            reason = FIXED if parameter.locked else None
        if reason:
            found.append(Conflict(parameter.path, "", "", "", reason, ("new",)))
    return found


def _touch(one: str, other: str) -> bool:
    return is_below(one, other) or is_below(other, one)


def _with_sides(conflict: Conflict, files: Sequence[hcl.File], room: str) -> Conflict:
    place = hcl.parse_path(conflict.path)
    texts = []
    for file in files:
        try:
            texts.append(file.get((room, *place) if room else place).text)
        except hcl.HclError:
            texts.append("")
    return replace(conflict, old=texts[0], new=texts[1], mine=texts[2])


def _blocks(file: hcl.File, room: str) -> dict[hcl.Path, hcl.Block]:
    """The other blocks of the file, by type and labels; with a number where that is not enough."""
    found: dict[hcl.Path, hcl.Block] = {}
    for block in file.body.blocks:
        if block.type != room:
            same = sum(b.type == block.type and b.labels == block.labels for b in found.values())
            found[(block.type, *block.labels, *([same] if same else []))] = block
    return found


def _other_blocks(
    files: Sequence[hcl.File], room: str, take: Mapping[str, str]
) -> tuple[dict[hcl.Path, hcl.Block | None], list[Conflict]]:
    """Blocks beside the room that somebody wrote into the file by hand, or changed: each is one piece."""
    old, new, mine = (_blocks(file, room) for file in files)
    edits: dict[hcl.Path, hcl.Block | None] = {}
    conflicts = []
    for path in {**old, **mine}:
        before, after, here = (_words(blocks.get(path)) for blocks in (old, new, mine))
        if here in (before, after):
            continue
        name = hcl.format_path(path)
        if before == after or take.get(name) == "mine":
            edits[path] = mine.get(path)
        elif take.get(name) != "new":
            a, b, c = (blocks[path].text if path in blocks else "" for blocks in (old, new, mine))
            reason = GONE if not b else REMOVED_HERE if not c else BOTH_CHANGED if a else BOTH_ADDED
            conflicts.append(Conflict(name, a, b, c, reason))
    return edits, conflicts


def _words(block: hcl.Block | None) -> list[str] | None:
    return block.text.split() if block is not None else None


def _put_blocks(file: hcl.File, edits: Mapping[hcl.Path, hcl.Block | None], room: str) -> hcl.File:
    for path, block in edits.items():
        there, text = _blocks(file, room).get(path), file.text()
        written = block.text if block is not None else ""
        if there is not None:
            text = text[: there.start] + written + text[there.end :]
        elif written:
            text = f"{text.rstrip()}\n\n{written}\n"
        file = hcl.File.parse(text, file.name)
    return file
