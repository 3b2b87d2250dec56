"""Two versions of a file as lines to look at: what went, what came, and a little of what is around it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

CONTEXT = 3
"""Unchanged lines that are shown before and after each change."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_LONGEST_COMPARED = 400


Parts = tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Line:
    """`kind`: same, added, removed or gap. `old` and `new` are line numbers from 1, `parts` are (text, is it new)."""

    kind: str
    old: int | None = None
    new: int | None = None
    parts: Parts = ()

    @property
    def sign(self) -> str:
        """So that colour is not the only sign of what happened."""
        return {"added": "+", "removed": "-"}.get(self.kind, " ")

    @property
    def spoken(self) -> str:
        """The same for those who listen."""
        return self.kind if self.kind in ("added", "removed") else ""


@dataclass(frozen=True)
class Diff:
    """Lines in order; none when both versions are equal. `file`: what it is called."""

    file: str
    lines: tuple[Line, ...]

    @property
    def added(self) -> int:
        """How many lines came."""
        return sum(line.kind == "added" for line in self.lines)

    @property
    def removed(self) -> int:
        """How many lines went."""
        return sum(line.kind == "removed" for line in self.lines)


def diff_of(before: str, after: str, file: str) -> Diff:
    """The unified difference of two texts."""
    old, new = before.splitlines(), after.splitlines()
    return Diff(file, tuple(_lines(old, new)))


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    for number, group in enumerate(groups):
        if number:
            yield Line("gap")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                    yield Line("same", i + 1, j + 1, ((old[i], False),))
                continue
            went, came = _compared(old[i1:i2], new[j1:j2])
            for i, parts in enumerate(went, start=i1):
                yield Line("removed", old=i + 1, parts=parts)
            for j, parts in enumerate(came, start=j1):
                yield Line("added", new=j + 1, parts=parts)


def _compared(old: Sequence[str], new: Sequence[str]) -> tuple[list[Parts], list[Parts]]:
    """Lines that replace each other one for one, with the words marked that differ."""
    if len(old) != len(new) or any(len(text) > _LONGEST_COMPARED for text in (*old, *new)):
        return [((text, False),) for text in old], [((text, False),) for text in new]
    pairs = [_words(a, b) for a, b in zip(old, new, strict=True)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def _words(old: str, new: str) -> tuple[Parts, Parts]:
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.5:  # two lines that have nothing to do with each other
        return ((old, False),), ((new, False),)
    codes = matcher.get_opcodes()
    went = tuple(("".join(a[i1:i2]), tag != "equal") for tag, i1, i2, _, _ in codes if i2 > i1)
    came = tuple(("".join(b[j1:j2]), tag != "equal") for tag, _, _, j1, j2 in codes if j2 > j1)
    return went, came
