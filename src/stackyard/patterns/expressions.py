"""The expressions of `validation` conditions, as far as Stackyard reads them: the common forms, as a small tree.

Precedence and operators as in HCL's native syntax. What is not read here (`for`, splats, templates) raises NotRead, and
is left to Terraform.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from stackyard import hcl
from stackyard.patterns.types import plain

MAX_NODES = 200

_TOKEN = re.compile(
    r"\s*(?:(?P<space>(?:\#|//)[^\n]*|/\*(?s:.*?)\*/)|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r'|(?P<text>"(?:[^"\\$%\n]|\\.|[$%](?!\{))*")|(?P<symbol>\|\||&&|[=!<>]=|[-+*/%<>!?:()\[\],.]))'
)
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))


class NotRead(ValueError):
    """An expression with more in it than the common forms."""


@dataclass(frozen=True)
class Const:
    """A literal."""

    value: Any


@dataclass(frozen=True)
class Ref:
    """`var.container.cpu` as ("var", "container", "cpu")."""

    path: tuple[str | int, ...]


@dataclass(frozen=True)
class ListOf:
    """`[a, b]`."""

    items: tuple["Node", ...]


@dataclass(frozen=True)
class Call:
    """`name(arguments)`."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Operation:
    """One operand with `!` or `-`, two with any other operator, three with `?`."""

    operator: str
    operands: tuple["Node", ...]


Node: TypeAlias = Const | Ref | ListOf | Call | Operation


def parse(text: str) -> Node:
    """The tree of an expression. Raises NotRead."""
    reader = _Reader([*_tokens(text), ("end", "")])
    node = reader.condition()
    reader.expect("")
    return node


def conjuncts(node: Node) -> Iterator[Node]:
    """The parts of `a && b && c`."""
    if isinstance(node, Operation) and node.operator == "&&":
        for operand in node.operands:
            yield from conjuncts(operand)
    else:
        yield node


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotRead(text[at : at + 20])
        at = match.end()
        if match.lastgroup != "space":
            yield match.lastgroup or "", match[match.lastgroup or 0]


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        if len(tokens) > MAX_NODES:
            raise NotRead("too long")

    @property
    def next(self) -> tuple[str, str]:
        return self.tokens[self.at]

    def take(self, *symbols: str) -> str:
        kind, text = self.next
        if kind == "symbol" and text in symbols:
            self.at += 1
            return text
        return ""

    def expect(self, symbol: str) -> None:
        if symbol and self.take(symbol):
            return
        if symbol or self.next[0] != "end":
            raise NotRead(self.next[1])

    def condition(self) -> Node:
        test = self.level(0)
        if not self.take("?"):
            return test
        yes = self.condition()
        self.expect(":")
        return Operation("?", (test, yes, self.condition()))

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self.unary()
        left = self.level(depth + 1)
        while operator := self.take(*_LEVELS[depth]):
            left = Operation(operator, (left, self.level(depth + 1)))
        return left

    def unary(self) -> Node:
        operator = self.take("!", "-")
        return Operation(operator, (self.unary(),)) if operator else self.term()

    def term(self) -> Node:
        if self.take("("):
            inner = self.condition()
            self.expect(")")
            return inner
        if self.take("["):
            return ListOf(self.items("]"))
        kind, text = self.next
        self.at += 1
        if kind in ("number", "text"):
            return Const(plain(hcl.File.parse(f"it = {text}\n").get_value(("it",))))
        if kind != "name" or text == "for":
            raise NotRead(text)
        if text in ("true", "false", "null"):
            return Const({"true": True, "false": False, "null": None}[text])
        return Call(text, self.items(")")) if self.take("(") else Ref(self.steps(text))

    def items(self, closing: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self.take(closing):
            found.append(self.condition())
            if not self.take(","):
                self.expect(closing)
                break
        return tuple(found)

    def steps(self, name: str) -> tuple[str | int, ...]:
        path: list[str | int] = [name]
        while symbol := self.take(".", "["):
            kind, text = self.next
            self.at += 1
            if symbol == "." and kind == "name":
                path.append(text)
            elif symbol == "[" and kind == "number" and text.isdigit():
                path.append(int(text))
                self.expect("]")
            elif symbol == "[" and kind == "text":
                path.append(str(hcl.File.parse(f"it = {text}\n").get_value(("it",))))
                self.expect("]")
            else:
                raise NotRead(text)
        return tuple(path)
