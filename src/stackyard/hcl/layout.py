"""Where `terraform fmt` puts equals signs and comments.

Observed: the `=` of neighbouring lines stand below each other, where each line holds one whole argument or item (a
heredoc counts as one line; a line that opens a bracket without closing it does not take part, nor do blank lines,
lines of comments, `:` items and blocks). Comments at the ends of neighbouring lines stand below each other, whatever
the lines hold. A place is measured in visible characters.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stackyard.hcl.source import BOM, Source, width
from stackyard.hcl.tokens import Token, tokens
from stackyard.hcl.tree import Block, Body, Expression, Item, Node, ObjectCons, TupleCons

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(slots=True)
class Line:
    """The words of one line, and which of them can be moved: the line's own `=`, and the comment at its end.

    `opens` is the `=` of a line that opens a bracket after it: one space before it, never aligned.
    """

    words: list[Token]
    assign: int | None
    opens: int | None
    comment: int | None


def realigned(source: Source, body: Body, touched: Iterable[int]) -> str | None:
    """The text with the lines around the touched places aligned; None if they are."""
    splices: dict[int, tuple[int, str]] = {}
    done = -1
    for at in sorted(touched):
        if at < done:
            continue
        start, end = window(source, body, at)
        splices.update(alignment(source, start, end))
        done = end
    return _applied(source, splices) if splices else None


def aligned_text(source: Source) -> str:
    """The whole text aligned."""
    return _applied(source, dict(alignment(source, source.text.startswith(BOM), len(source.text))))


def _applied(source: Source, splices: dict[int, tuple[int, str]]) -> str:
    pieces, last = [], 0
    for start, (end, text) in sorted(splices.items()):
        pieces += [source.text[last:start], text]
        last = end
    return "".join([*pieces, source.text[last:]])


def aligned_places(source: Source, body: Body, places: Iterable[int]) -> list[int]:
    """Those of the places, in ascending order, whose lines are as `terraform fmt` would align them."""
    found: list[int] = []
    start = end = -1
    clean = False
    for at in sorted(places):
        if not start <= at <= end:
            start, end = window(source, body, at)
            clean = not any(True for _ in alignment(source, start, end))
        if clean:
            found.append(at)
    return found


def window(source: Source, body: Body, at: int) -> tuple[int, int]:
    """The neighbouring lines (from line start to line end) that are aligned together with the line of `at`."""
    start, end = source.line_start(at), source.line_end(at)
    chain: list[tuple[Sequence[Item], int]] = []
    items: Sequence[Item] = body.items
    while True:
        index = _index(items, at)
        if index is None:
            break
        chain.append((items, index))
        items = _inner(items[index])
    for items, index in reversed(chain):
        first, last = _run(source, items, index)
        start = min(start, source.line_start(items[first].start))
        end = max(end, source.line_end(items[last].end))
        outer_start = source.line_start(start - 1) if start else 0
        opens = start > 0 and _has_comment(source, start - 1) and _has_comment(source, start)
        closes = end < len(source.text) and _has_comment(source, end) and _has_comment(source, end + 2)
        if not opens and not closes:
            break
        start = outer_start if opens else start
    return start, end


def _index(items: Sequence[Item], at: int) -> int | None:
    """The item that holds a place."""
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle].end <= at:
            low = middle + 1
        else:
            high = middle
    return low if low < len(items) and items[low].start <= at else None


def _inner(item: Item) -> Sequence[Item]:
    """The items inside an item."""
    if isinstance(item, Block):
        return item.body.items
    expr: Node = item if isinstance(item, Expression) else item.expr
    return expr.items if isinstance(expr, ObjectCons | TupleCons) else ()


def _run(source: Source, items: Sequence[Item], index: int) -> tuple[int, int]:
    """First and last of the items that follow each other line by line around one of them."""
    first = last = index
    while first > 0 and _follow(source, items[first - 1], items[first]):
        first -= 1
    while last + 1 < len(items) and _follow(source, items[last], items[last + 1]):
        last += 1
    return first, last


def _follow(source: Source, one: Item, two: Item) -> bool:
    """Whether two items stand on the same line or on neighbouring ones."""
    return source.text.count("\n", one.end, two.start) <= 1


def _has_comment(source: Source, at: int) -> bool:
    line = source.text[source.line_start(at) : source.line_end(at)]
    return "#" in line or "//" in line or "/*" in line


def alignment(source: Source, start: int, end: int) -> Iterator[tuple[int, tuple[int, str]]]:
    """The gaps to change between two line ends: from where, up to where, and the spaces that belong there."""
    shifts: dict[int, int] = {}
    rows = list(lines(source, start, end))
    for row in rows:
        if row.opens is not None:
            yield from _gap(row, row.opens, 1, shifts)
    for group in _groups(rows, "assign"):
        leads = [width(source.text[_line_start(source, row) : row.words[row.assign - 1].end]) for row in group]  # type: ignore[operator]
        for row, lead in zip(group, leads, strict=True):
            assert row.assign is not None
            yield from _gap(row, row.assign, max(leads) + 1 - lead, shifts)
    for group in _groups(rows, "comment"):
        leads = []
        for row in group:
            assert row.comment is not None
            content = row.words[row.comment - 1]
            begin = max(_line_start(source, row), source.text.rfind("\n", 0, content.end) + 1)
            leads.append(width(source.text[begin : content.end]) + shifts.get(id(row), 0))
        for row, lead in zip(group, leads, strict=True):
            assert row.comment is not None
            yield from _gap(row, row.comment, max(leads) + 1 - lead, shifts)


def _gap(row: Line, index: int, spaces: int, shifts: dict[int, int]) -> Iterator[tuple[int, tuple[int, str]]]:
    start, end = row.words[index - 1].end, row.words[index].start
    if end - start != spaces:
        shifts[id(row)] = shifts.get(id(row), 0) + spaces - (end - start)
        yield start, (end, " " * spaces)


def _line_start(source: Source, row: Line) -> int:
    return source.line_start(row.words[0].start)


def _groups(rows: list[Line], cell: str) -> Iterator[list[Line]]:
    """Runs of lines that have the cell."""
    group: list[Line] = []
    for row in rows:
        if getattr(row, cell) is None:
            if group:
                yield group
            group = []
        else:
            group.append(row)
    if group:
        yield group


def lines(source: Source, start: int, end: int) -> Iterator[Line]:
    """The lines between two line ends; a blank line has no words."""
    words: list[Token] = []
    for token in tokens(source, start, end):
        if token.kind == "newline":
            yield _line(words)
            words = []
        else:
            words.append(token)
    yield _line(words)


def _line(words: list[Token]) -> Line:
    comment = len(words) - 1 if len(words) > 1 and words[-1].kind == "comment" else None
    depth, sign = 0, None
    for index, word in enumerate(words):
        if word.kind == "symbol" and word.text in _OPENING:
            depth += 1
        elif word.kind == "symbol" and word.text in _CLOSING:
            depth -= 1
        elif word.text == "=" and depth == 0 and index and sign is None:
            sign = index
        elif word.kind != "word" and "\n" in word.text and not word.text.startswith("<<"):
            depth += 1
    return Line(words, sign if depth == 0 else None, sign if depth else None, comment)
