"""A first small reader and editor of constant locals and module sources."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(
    r"(?P<ws>[ \t\r\ufeff]+)|(?P<nl>\n)|(?P<comment>\#[^\n]*|//[^\n]*|/\*.*?\*/)"
    r"|(?P<heredoc><<-?(?P<tag>[A-Za-z_][\w-]*)\n.*?^[ \t]*(?P=tag)$)"
    r'|(?P<string>"(?:[^"\\$]|\\.|\$(?!\{)|\$\{[^{}]*\})*")|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)'
    r"|(?P<name>[A-Za-z_][\w-]*)|(?P<op>=>|==|!=|<=|>=|&&|\|\||\.\.\.|.)",
    re.S | re.M,
)


class HclError(Exception):
    """Not HCL."""


@dataclass
class Node:
    kind: str
    start: int
    end: int
    value: Any = None
    items: Any = None
    comment: str = ""

    @property
    def is_constant(self) -> bool:
        return self.kind != "raw"


@dataclass
class Attribute:
    name: str
    expr: Node
    comment: str


@dataclass
class Block:
    type: str
    labels: tuple[str, ...]
    body: "Body"


@dataclass
class Body:
    attributes: list[Attribute]
    blocks: list[Block]

    def attribute(self, name: str) -> Attribute | None:
        return next((a for a in self.attributes if a.name == name), None)


@dataclass(frozen=True)
class Leaf:
    path: tuple[str, ...]
    value: Any
    comment: str


class Parser:
    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.toks = [
            (m.lastgroup if m.lastgroup != "tag" else "heredoc", m.start(), m.end()) for m in TOKEN.finditer(text)
        ]
        self.toks = [
            (("heredoc" if text[s : s + 2] == "<<" and e - s > 2 else k), s, e) for k, s, e in self.toks if k != "ws"
        ]
        self.i = 0
        self.comments: list[str] = []

    def peek(self) -> tuple[str, str, int, int]:
        if self.i >= len(self.toks):
            return ("eof", "", len(self.text), len(self.text))
        k, s, e = self.toks[self.i]
        return (k, self.text[s:e], s, e)

    def skip(self) -> None:
        blank = 0
        while True:
            k, t, _, _ = self.peek()
            if k == "nl":
                blank += 1
                if blank > 1:
                    self.comments = []
            elif k == "comment":
                blank = 0
                self.comments.append(t.lstrip("#/ ").strip())
            elif t == "," and k == "op":
                pass
            else:
                return
            self.i += 1

    def take_comment(self) -> str:
        text, self.comments = " ".join(self.comments), []
        return text

    def fail(self) -> HclError:
        _, t, s, _ = self.peek()
        return HclError(f"{self.name}:{self.text.count(chr(10), 0, s) + 1}: unexpected {t!r}")

    def body(self, end: str) -> Body:
        attrs, blocks = [], []
        while True:
            self.skip()
            k, t, _, _ = self.peek()
            if (k == "eof" and not end) or (k == "op" and t == end):
                self.comments = []
                return Body(attrs, blocks)
            if k != "name":
                raise self.fail()
            comment = self.take_comment()
            self.i += 1
            if self.peek()[1] == "=":
                self.i += 1
                attrs.append(Attribute(t, self.expr("\n"), comment))
                continue
            labels = []
            while self.peek()[0] in ("string", "name"):
                label = self.peek()[1]
                labels.append(json.loads(label) if label[0] == '"' else label)
                self.i += 1
            if self.peek()[1] != "{":
                raise self.fail()
            self.i += 1
            inner = self.body("}")
            self.i += 1
            blocks.append(Block(t, tuple(labels), inner))

    def expr(self, ends: str) -> Node:
        save = self.i
        k, t, s, e = self.peek()
        node: Node | None = None
        sign = 1
        if t == "-":
            self.i += 1
            sign = -1
            k, t, _, e = self.peek()
        if k == "number":
            number = float(t) if re.search(r"[.eE]", t) else int(t)
            node = Node("literal", s, e, sign * number)
        elif k == "name" and t in ("true", "false", "null"):
            node = Node("literal", s, e, {"true": True, "false": False, "null": None}[t])
        elif k == "string" and "${" not in t and "%{" not in t:
            node = Node("literal", s, e, json.loads(t.replace("$${", "${"), strict=False))
        if node is not None:
            self.i += 1
        elif t in ("{", "["):
            node = self.collection(t)
        nk, nt, _, _ = self.peek()
        if node is not None and (nk in ("nl", "eof", "comment") or nt in (",", "}", "]")):
            return node
        self.i = save
        return self.raw()

    def collection(self, opening: str) -> Node | None:
        start = self.peek()[2]
        self.i += 1
        items: list[Any] = []
        closing = "}" if opening == "{" else "]"
        while True:
            self.skip()
            k, t, _, e = self.peek()
            if t == closing and k == "op":
                self.i += 1
                self.comments = []
                value: Any = {n: v.value for n, v, _ in items} if opening == "{" else [v.value for v in items]
                constant = all(v.is_constant for v in ([v for _, v, _ in items] if opening == "{" else items))
                return Node("object" if opening == "{" else "tuple", start, e, value if constant else None, items)
            if opening == "[":
                if t == "for":
                    return None
                items.append(self.expr(","))
                continue
            if k not in ("name", "string") or t == "for":
                return None
            comment = self.take_comment()
            self.i += 1
            if self.peek()[1] not in ("=", ":"):
                return None
            self.i += 1
            items.append((json.loads(t) if t[0] == '"' else t, self.expr(","), comment))

    def raw(self) -> Node:
        start, depth, end = self.peek()[2], 0, 0
        while True:
            k, t, _, e = self.peek()
            if k == "eof" or (depth == 0 and (k in ("nl", "comment") or t in (",", "}", "]"))):
                return Node("raw", start, end)
            depth += (t in ("(", "[", "{") and k == "op") - (t in (")", "]", "}") and k == "op")
            end = e
            self.i += 1


@dataclass
class File:
    text_: str
    name: str
    body: Body

    @classmethod
    def parse(cls, text: str | bytes, name: str = "<text>") -> "File":
        source = text.decode() if isinstance(text, bytes) else text
        return cls(source, name, Parser(source, name).body(""))

    def bytes(self) -> bytes:
        return self.text_.encode()

    def set_attribute_value(self, path: Any, value: Any, *, force: bool = False) -> "File":
        first, *rest = path
        bodies = [b.body for b in self.body.blocks if b.type == first]
        if first == "module":
            bodies = [b.body for b in self.body.blocks if b.type == first and b.labels == (rest[0],)]
            rest = rest[1:]
        for body in bodies:
            attribute = body.attribute(rest[0])
            if attribute is None:
                continue
            node = attribute.expr
            for key in rest[1:]:
                node = next(v for n, v, _ in node.items if n == key)
            return File.parse(self.text_[: node.start] + tokens_for_value(value) + self.text_[node.end :], self.name)
        raise HclError(f"no {path}")


def leaves(file: File) -> Iterator[Leaf]:
    def walk(path: tuple[str, ...], node: Node, comment: str) -> Iterator[Leaf]:
        if node.kind == "object" and node.items:
            for n, v, c in node.items:
                yield from walk((*path, n), v, c)
        elif node.is_constant and not (node.kind == "tuple" and node.value is None):
            yield Leaf(path, node.value, comment)

    for block in file.body.blocks:
        if block.type == "locals":
            for a in block.body.attributes:
                yield from walk(("locals", a.name), a.expr, a.comment)


def parse_path(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


def format_path(path: tuple[str, ...]) -> str:
    return ".".join(path)


def tokens_for_value(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{tokens_for_value(str(k))} = {tokens_for_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(tokens_for_value, value)) + "]"
    return json.dumps(value)


def format(text: str) -> str:
    return text
