"""The tree of a file. Nodes are read-only: an edit makes a new `File`.

    Body        ordered items: Attribute | Block
    Expression  Literal | ObjectCons | TupleCons | Heredoc | Template | RawExpr

A node knows where it starts and ends; everything else (positions, values, comments) is worked out when asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from stackyard.hcl import comments, values
from stackyard.hcl.errors import PathOpaque
from stackyard.hcl.source import Range, Source


@dataclass(slots=True, eq=False)
class Node:
    """A piece of the text, from character `start` up to `end`."""

    source: Source = field(repr=False)
    start: int
    end: int

    @property
    def range(self) -> Range:
        """First position, and the one after the last."""
        return Range(self.source.pos(self.start), self.source.pos(self.end))

    @property
    def text(self) -> str:
        """The piece as it is written."""
        return self.source.text[self.start : self.end]

    @property
    def where(self) -> str:
        """`file:line:column` of the start, for messages."""
        return f"{self.source.name}:{self.source.pos(self.start)}"

    @property
    def comment(self) -> str:
        """The comment lines directly above, and the comment beside; without their markers, joined by newlines."""
        return comments.comment_of(self.source, self.start, self.end)


@dataclass(slots=True, eq=False)
class Expression(Node):
    """What stands right of an equals sign, or as an element. Never this class itself."""

    @property
    def is_constant(self) -> bool:
        """Whether `value` is known without Terraform."""
        return False

    @property
    def value(self) -> Any:
        """The Python value: str, int, float, Decimal (where a float would lose digits), bool, None, dict or list.

        Raises PathOpaque if the expression is not constant.
        """
        raise PathOpaque(f"{self.where}: `{comments.shortened(self.text)}` is an expression; only Terraform knows it.")


@dataclass(slots=True, eq=False)
class Literal(Expression):
    """A quoted string without template sequences, a number (with its minus sign), `true`, `false` or `null`."""

    @property
    def is_constant(self) -> bool:
        return True

    @property
    def value(self) -> Any:
        return values.literal_value(self.text)


@dataclass(slots=True, eq=False)
class Heredoc(Expression):
    """`<<MARKER` or `<<-MARKER` up to its end marker; constant if it has no template sequences."""

    marker: str
    plain: bool

    @property
    def is_constant(self) -> bool:
        return self.plain

    @property
    def value(self) -> Any:
        return values.heredoc_value(self.text) if self.plain else super(Heredoc, self).value


@dataclass(slots=True, eq=False)
class Template(Expression):
    """A quoted string with `${…}` or `%{…}` in it."""


@dataclass(slots=True, eq=False)
class RawExpr(Expression):
    """Any other expression: a reference, a call, a condition, a `for`, something in parentheses."""


@dataclass(slots=True, eq=False)
class TupleCons(Expression):
    """`[…]`."""

    items: list[Expression]

    @property
    def is_constant(self) -> bool:
        return all(item.is_constant for item in self.items)

    @property
    def value(self) -> Any:
        return [item.value for item in self.items]


@dataclass(slots=True, eq=False)
class ObjectItem(Node):
    """`key = value` or `key : value` inside `{…}`."""

    key_end: int
    expr: Expression

    @property
    def key(self) -> str | None:
        """The key as text, or None where only Terraform knows it: `(var.x)`, `"a${b}"`."""
        return values.key_value(self.source.text[self.start : self.key_end])


@dataclass(slots=True, eq=False)
class ObjectCons(Expression):
    """`{…}`."""

    items: list[ObjectItem]
    _by_key: dict[str | None, list[ObjectItem]] | None = field(default=None, repr=False)

    def find(self, key: str) -> list[ObjectItem]:
        """The items of this key: one, none, or (legal, but odd) several."""
        if self._by_key is None:
            self._by_key = {}
            for item in self.items:
                self._by_key.setdefault(item.key, []).append(item)
        return self._by_key.get(key, [])

    @property
    def is_constant(self) -> bool:
        return all(item.key is not None and item.expr.is_constant for item in self.items)

    @property
    def value(self) -> Any:
        """Of a key that stands twice, the last one counts, as in Terraform."""
        found = {}
        for item in self.items:
            if item.key is None:
                raise PathOpaque(f"{item.where}: only Terraform knows this key.")
            found[item.key] = item.expr.value
        return found


@dataclass(slots=True, eq=False)
class Attribute(Node):
    """`name = expr` in a body."""

    name: str
    expr: Expression


@dataclass(slots=True, eq=False)
class Block(Node):
    """`type "label" … { body }`."""

    type: str
    labels: tuple[str, ...]
    body: "Body"


@dataclass(slots=True, eq=False)
class Body(Node):
    """What a file or a block holds. Its range is the whole file, or lies between the braces."""

    items: list[Attribute | Block]
    _by_name: dict[str, Attribute] = field(repr=False)

    @property
    def attributes(self) -> list[Attribute]:
        """In the order of the text."""
        return list(self._by_name.values())

    @property
    def blocks(self) -> list[Block]:
        """In the order of the text."""
        return [item for item in self.items if isinstance(item, Block)]

    def attribute(self, name: str) -> Attribute | None:
        """The argument of this name, if there is one."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Attribute | Block]:
        return iter(self.items)


Container: TypeAlias = Body | ObjectCons | TupleCons
Item: TypeAlias = Attribute | Block | ObjectItem | Expression
