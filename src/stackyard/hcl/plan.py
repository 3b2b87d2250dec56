"""The splices of a set of edits on one text, and the style in which they are written."""

from typing import Any

from stackyard.hcl.comments import lead_start, starts_line
from stackyard.hcl.layout import aligned_places
from stackyard.hcl.lexis import AFTER
from stackyard.hcl.parser import parse
from stackyard.hcl.paths import Path
from stackyard.hcl.source import Source
from stackyard.hcl.splices import Splices
from stackyard.hcl.tokens import tokens
from stackyard.hcl.tree import (
    Attribute,
    Block,
    Body,
    Container,
    Expression,
    Heredoc,
    Item,
    ObjectCons,
    ObjectItem,
    TupleCons,
)
from stackyard.hcl.values import Raw, heredoc_tokens, key_tokens, quote, tokens_for_value

STEP = "  "


class Waits(Exception):
    """This edit touches what an earlier one has changed: those must be applied first."""


def has_comment(node: Expression) -> bool:
    """Whether there are comments inside an expression."""
    return any(token.kind == "comment" for token in tokens(node.source, node.start, node.end))


class Plan:
    """Edits on one text, which do not touch each other. A method raises Waits if its edit touches an earlier one."""

    def __init__(self, source: Source, body: Body) -> None:
        self.source, self.old, self.body = source, source.text, body
        self.splices = Splices(source.text)
        self._touched: list[int] = []
        self._added: dict[int, set[str]] = {}
        self._renamed: set[Path] = set()
        self._above_renamed: set[Path] = set()

    def __bool__(self) -> bool:
        return bool(self.splices)

    def text(self) -> str:
        """The new text."""
        return self.splices.text()

    def touched(self) -> list[int]:
        """Places in the new text whose lines may have to be aligned: those that were well aligned before."""
        return self.splices.moved(aligned_places(self.source, self.body, self._touched))

    # Paths

    def changes(self, path: Path) -> None:
        """From here on, `path` may lead somewhere else than in the old text."""
        names = _names(path)
        self._renamed.add(names)
        self._above_renamed.update(names[:length] for length in range(len(names)))

    def follow(self, path: Path) -> None:
        """Raises Waits if `path` may lead somewhere else than in the old text."""
        names = _names(path)
        if names in self._above_renamed or any(names[: n + 1] in self._renamed for n in range(len(names))):
            raise Waits

    def untouched(self, expr: Expression) -> None:
        """Raises Waits if an expression, or something in it, is not what it was in the old text."""
        if not self.splices.is_free(expr.start, expr.end):
            raise Waits

    # Edits

    def replace(self, container: Container, item: Item, expr: Expression, value: Any) -> None:
        """Another value for an item."""
        self.claim(expr.start, expr.end)
        self.splices.replace(expr.start, expr.end, self.value_over(container, expr, value))
        self.touch(item.start)

    def rename(self, item: Attribute | ObjectItem, name: str) -> None:
        """Another name for an argument, or key for an object's item."""
        if isinstance(item, Attribute):
            end, text = item.start + len(item.name), name
        else:
            end, text = item.key_end, key_tokens(name, quoted=self.old[item.start] == '"')
        self.claim(item.start, end)
        self.splices.replace(item.start, end, text)
        self.touch(item.start)

    def insert(self, container: Container, key: str | int, value: Any) -> None:
        """A new item at the end of an object or a tuple, or after the last argument of a body."""
        added = self._added.setdefault(id(container), set())
        if str(key) in added:
            raise Waits
        if not is_tall(container):
            self._insert_inline(container, key, value)
        elif (anchor := _anchor(container)) is not None:
            self._insert_after(container, anchor, key, value, first=not added)
        elif isinstance(container, Body) and container.items:
            start = lead_start(self.source, container.items[0].start)
            self.claim(start, start)
            indent = self.indent(container.items[0].start)
            text = indent + self.pair(container, key, value, indent) + self.source.newline * 2
            self.splices.replace(start, start, text)
            self.touch(container.items[0].start)
        else:
            self._insert_alone(container, key, value)
        added.add(str(key))

    def remove(self, container: Container, item: Item) -> None:
        """Take away an item; its whole lines and the comments above it, if it stands alone on them."""
        after = AFTER.match(self.old, item.end)
        assert after is not None
        end = self.before_break(after.end())
        lead = lead_start(self.source, item.start)
        if (lead == item.start and self.source.line_start(item.start) != item.start) or not self.ends_line(end):
            self._remove_inline(container, item)
            return
        start, end = self._tidy(lead, end)
        items = container.items
        is_last = isinstance(container, ObjectCons | TupleCons) and item is items[-1] and not after[1]
        comma = self.comma_after(items[-2]) if is_last and len(items) > 1 else -1
        # One character more on either side: whether a blank line goes too depends on the lines around.
        self.claim(max(0, start - 1) if comma < 0 else comma, min(end + 1, len(self.old)))
        if comma >= 0:
            self.splices.replace(comma, comma + 1, "")
        self.splices.replace(start, end, "")
        position = next(i for i, each in enumerate(items) if each is item)
        for neighbour in [*items[max(0, position - 1) : position], *items[position + 1 : position + 2]]:
            self.touch(neighbour.start)

    def append_block(self, body: Body, block_type: str, labels: tuple[str, ...]) -> None:
        """An empty block after everything else in a body."""
        head = " ".join([block_type, *map(quote, labels), "{"])
        newline = self.source.newline
        if _is_file(body):
            end = len(self.old)
            self.claim(end, end)
            content = self.old.strip("\ufeff")
            lead = "" if not content else newline if content.endswith("\n") else newline * 2
            tail = "" if content and not content.endswith("\n") else newline
            self.splices.replace(end, end, f"{lead}{head}{newline}}}{tail}")
            return
        if not is_tall(body):
            indent = self.indent(body.start)
            self._open_up(body, f"{indent}{STEP}{head}{newline}{indent}{STEP}}}")
            return
        start = self.source.line_start(body.end)
        inner = self.indent(body.end) + STEP
        self.claim(start, start)
        lead = newline if body.items else ""
        self.splices.replace(start, start, f"{lead}{inner}{head}{newline}{inner}}}{newline}")

    # Parts of the edits

    def _insert_after(self, container: Container, anchor: Item, key: str | int, value: Any, *, first: bool) -> None:
        after = AFTER.match(self.old, anchor.end)
        assert after is not None
        end = self.before_break(after.end())
        needs_comma = isinstance(container, TupleCons) or (
            isinstance(container, ObjectCons)
            and len(container.items) > 1
            and self.comma_after(container.items[-2]) >= 0
        )
        if first:
            self.claim(anchor.end, end)
        elif needs_comma and not after[1]:
            raise Waits
        on_own_line = starts_line(self.source, anchor.start)
        indent = self.indent(anchor.start if on_own_line else container.end - 1)
        indent += "" if on_own_line else STEP
        text = self.pair(container, key, value, indent)
        before = ""
        if needs_comma and not after[1] and not isinstance(anchor_value(anchor), Heredoc):
            self.splices.replace(anchor.end, anchor.end, ",")
        elif isinstance(container, TupleCons) and not after[1]:
            before = f"{self.source.newline}{indent},"
        comma = "," if after[1] and not isinstance(container, Body) else ""
        self.splices.replace(end, end, f"{before}{self.source.newline}{indent}{text}{comma}")
        self.touch(anchor.start)

    def _insert_alone(self, container: Container, key: str | int, value: Any) -> None:
        """Into something of several lines that holds nothing but comments and blank lines."""
        newline = self.source.newline
        if isinstance(container, Body) and _is_file(container):
            end = len(self.old)
            lead = newline if self.old.strip("\ufeff") and not self.old.endswith("\n") else ""
            self.claim(end, end)
            self.splices.replace(end, end, f"{lead}{self.pair(container, key, value, '')}{newline}")
            return
        closing = container.end - (not isinstance(container, Body))
        start = self.source.line_start(closing)
        outer = self.indent(closing)
        inner = outer + STEP
        alone = not self.old[start:closing].strip()
        at = start if alone else closing
        lead, tail = ("", newline) if alone else (newline, newline + outer)
        comma = "," if isinstance(container, TupleCons) else ""
        self.claim(at, at)
        self.splices.replace(at, at, f"{lead}{inner}{self.pair(container, key, value, inner)}{comma}{tail}")

    def _insert_inline(self, container: Container, key: str | int, value: Any) -> None:
        indent = self.indent(container.start)
        if isinstance(container, Body):
            inner = indent + STEP
            self._open_up(container, inner + self.pair(container, key, value, inner))
            return
        self.claim(container.start, container.end)
        opening, closing = self.old[container.start], self.old[container.end - 1]
        if container.items:
            end = container.items[-1].end
            self.splices.replace(end, end, ", " + self.pair(container, key, value, indent, one_line=True))
            self.touch(container.start)
            return
        newline = self.source.newline
        inner = indent + STEP
        if isinstance(container, ObjectCons) and self.has_line_to_itself(container):
            text = f"{{{newline}{inner}{self.pair(container, key, value, inner)}{newline}{indent}}}"
        else:
            space = " " if opening == "{" else ""
            text = f"{opening}{space}{self.pair(container, key, value, indent, one_line=True)}{space}{closing}"
        self.splices.replace(container.start, container.end, text)
        self.touch(container.start)

    def _open_up(self, body: Body, line: str) -> None:
        """Turn a block on one line into one of several lines, with `line` as its last."""
        newline, indent = self.source.newline, self.indent(body.start)
        self.claim(body.start, body.end)
        old = self.old[body.start : body.end].strip(" \t")
        lines = "".join(f"{each}{newline}" for each in ([f"{indent}{STEP}{old}"] if old else []) + [line])
        self.splices.replace(body.start, body.end, f"{newline}{lines}{indent}")
        self.touch(body.start)

    def _remove_inline(self, container: Container, item: Item) -> None:
        items = container.items
        position = next(i for i, each in enumerate(items) if each is item)
        if isinstance(container, Body):
            self.claim(container.start, container.end)
            self.splices.replace(container.start, container.end, "")
            return
        self.claim(container.start, container.end)
        if len(items) == 1:
            comma = self.comma_after(item)
            self.splices.replace(container.start + 1, max(item.end, comma + 1), "")
            rest = self.old[max(item.end, comma + 1) : container.end - 1]
            if not rest.strip(" \t"):
                self.splices.replace(max(item.end, comma + 1), container.end - 1, "")
        elif position + 1 < len(items) and (
            position == 0 or "\n" not in self.old[item.end : items[position + 1].start]
        ):
            self.splices.replace(item.start, items[position + 1].start, "")
        else:
            self.splices.replace(items[position - 1].end, item.end, "")
        self.touch(container.start)

    def _tidy(self, start: int, end: int) -> tuple[int, int]:
        """From whole lines to whole lines with their break, and no second blank line left behind."""
        text = self.old
        at_end = end >= len(text)
        if at_end:
            start -= text[:start].endswith("\n") + text[:start].endswith("\r\n")
        else:
            end += 2 if text.startswith("\r\n", end) else 1
        above = self.source.line_start(start - 1) if start else 0
        blank_above = start > 0 and not text[above:start].strip()
        next_line = text[end : self.source.line_end(end)].strip()
        if blank_above and (not next_line or next_line[0] in "}])"):
            return above, end
        opens = start and text[above:start].rstrip().endswith(("{", "["))
        if (opens or start == 0) and not next_line and not at_end and self.source.line_end(end) < len(text):
            return start, self.source.line_end(end) + (2 if text[self.source.line_end(end)] == "\r" else 1)
        return start, end

    # Text

    def pair(self, container: Container, key: str | int, value: Any, indent: str, *, one_line: bool = False) -> str:
        """A new item as text, in the style of its neighbours."""
        written = self.written(value, indent, one_line=one_line)
        if isinstance(container, TupleCons):
            return written
        if isinstance(container, Body):
            return f"{key} = {written}"
        quoted = bool(container.items) and all(self.old[item.start] == '"' for item in container.items)
        sign = " = "
        if container.items:
            last = container.items[-1]
            between = self.old[last.key_end : last.expr.start]
            sign = between if between.strip() == ":" else sign
        return f"{key_tokens(key, quoted=quoted)}{sign}{written}"

    def value_over(self, container: Container, expr: Expression, value: Any) -> str:
        """A value as text, in the style of the one it replaces."""
        if isinstance(expr, Heredoc) and isinstance(value, str):
            kept = heredoc_tokens(value, expr.text, self.source.newline)
            if kept is not None:
                return kept
        is_list = isinstance(expr, ObjectCons | TupleCons)
        tall = is_list and "\n" in expr.text
        one_line = not tall and (not self.has_line_to_itself(expr) or (is_list and bool(expr.items)))  # type: ignore[attr-defined]
        return self.written(value, self.indent(expr.start), one_line=one_line, tall=tall)

    def written(self, value: Any, indent: str, *, one_line: bool, tall: bool = False) -> str:
        if isinstance(value, Raw):
            check_raw(value.text)
            return value.text.strip()
        return tokens_for_value(value, newline=self.source.newline, indent=indent, one_line=one_line, tall=tall)

    # Places

    def claim(self, start: int, end: int) -> None:
        if not self.splices.claim(start, end):
            raise Waits

    def touch(self, at: int) -> None:
        self._touched.append(at)

    def indent(self, at: int) -> str:
        """The white space at the start of the line of `at`."""
        start = self.source.line_start(at)
        line = self.old[start : self.source.line_end(start)].removeprefix("\ufeff")
        return line[: len(line) - len(line.lstrip(" \t"))]

    def before_break(self, at: int) -> int:
        """`at`, or one less between the two characters of a line break."""
        return at - 1 if at and self.old[at - 1] == "\r" and self.old.startswith("\n", at) else at

    def ends_line(self, at: int) -> bool:
        return at >= len(self.old) or self.old.startswith(("\n", "\r\n"), at)

    def comma_after(self, item: Item) -> int:
        """Where the comma after an item stands; -1 if there is none."""
        after = AFTER.match(self.old, item.end)
        return after.start(1) if after and after[1] else -1

    def has_line_to_itself(self, expr: Expression) -> bool:
        """Whether nothing but a name and an equals sign shares the lines of an expression."""
        start = self.source.line_start(expr.start)
        if any(self.old.find(bracket, start, expr.start) >= 0 for bracket in "{[("):
            return False
        after = AFTER.match(self.old, expr.end)
        return after is not None and self.ends_line(self.before_break(after.end()))


def _names(path: Path) -> Path:
    """A path without its indices: removing one element changes the place of all the others."""
    return tuple(step for step in path if isinstance(step, str))


def check_raw(text: str) -> None:
    """Raises HclSyntaxError unless `text` is exactly one expression."""
    source = Source(f"value = {text.strip()}\n", "the given expression")
    items = parse(source).items
    if len(items) != 1 or not isinstance(items[0], Attribute) or items[0].end != len(source.text) - 1:
        raise source.fail(items[0].end if items else 0, "More than one expression", "Expected a single expression.")


def anchor_value(item: Item) -> Expression | None:
    """The value of an item; None for a block."""
    if isinstance(item, Block):
        return None
    return item if isinstance(item, Expression) else item.expr


def is_tall(container: Container) -> bool:
    """Whether the closing bracket stands on a line after the last item (and a new item gets its own line)."""
    if isinstance(container, Body) and _is_file(container):
        return True
    start = container.items[-1].end if container.items else container.start
    return "\n" in container.source.text[start : container.end]


def _is_file(body: Body) -> bool:
    return body.start == 0 and body.end == len(body.source.text)


def _anchor(container: Container) -> Item | None:
    """The item after which a new one is put."""
    if isinstance(container, Body):
        attributes = container.attributes
        return attributes[-1] if attributes else None
    return container.items[-1] if container.items else None
