"""A text and the positions in it."""

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from stackyard.hcl.errors import HclSyntaxError

BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class Pos:
    """A place in a file: `byte` from 0; `line` and `column` from 1. A column is one visible character."""

    byte: int
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Range:
    """From `start` up to, not including, `end`."""

    start: Pos
    end: Pos


class Source:
    """The text of one file, its name, and its table of lines (made when the first position is asked for)."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.newline = "\r\n" if "\r\n" in text else "\n"

    @cached_property
    def _lines(self) -> tuple[list[int], list[int]]:
        """Where each line starts: in characters, and in bytes."""
        lines = self.text.split("\n")
        starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
        if self.text.isascii():
            return starts, starts
        return starts, list(accumulate((len(_encoded(line)) + 1 for line in lines), initial=0))

    def line_start(self, offset: int) -> int:
        """Where the line of character `offset` starts, in characters."""
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """Where the line of character `offset` ends, before its line break, in characters."""
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        return end - 1 if end > offset and self.text[end - 1] == "\r" else end

    def pos(self, offset: int) -> Pos:
        """The position of character `offset`."""
        starts, byte_starts = self._lines
        line = bisect_right(starts, offset) - 1
        before = self.text[starts[line] : offset]
        return Pos(byte_starts[line] + len(_encoded(before)), line + 1, width(before) + 1)

    def fail(self, offset: int, summary: str, expected: str) -> HclSyntaxError:
        """A diagnostic that points at character `offset`."""
        pos, start = self.pos(offset), self.line_start(offset)
        return HclSyntaxError(
            summary,
            expected=expected,
            name=self.name,
            line=pos.line,
            column=offset - start + 1,
            byte=pos.byte,
            source_line=self.text[start : self.line_end(start)].removeprefix(BOM),
        )


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def width(text: str) -> int:
    """Visible characters: marks that sit on another character do not count, nor does a byte order mark."""
    if text.isascii():
        return len(text)
    return sum(c != BOM and unicodedata.category(c) not in {"Mn", "Me"} for c in text)
