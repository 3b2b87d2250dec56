"""The words of a text that is known to be HCL, for layout: no tree, but which word stands on which line."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stackyard.hcl.lexis import DIGITS, HEREDOC, INLINE_COMMENT, PLAIN_STRING, WIDE_NAME
from stackyard.hcl.parser import Parser
from stackyard.hcl.source import Source

_TOKEN = re.compile(
    rf"[ \t]*+(?:(\r?\n)|(\#[^\n]*+|//[^\n]*+|{INLINE_COMMENT})|({PLAIN_STRING}|{WIDE_NAME}|{DIGITS.pattern})"
    rf"|(\"|{HEREDOC.pattern})|(==|=>|!=|>=|<=|&&|\|\||\.\.\.|::|\S))"
)
_KINDS = {1: "newline", 2: "comment", 3: "word", 4: "template", 5: "template", 6: "template"}


class Token(NamedTuple):
    """One word, from character `start` up to `end`. Kinds: newline, comment, word, template, symbol."""

    kind: str
    start: int
    end: int
    text: str


def tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """The words between two places of a text that the parser has accepted; both must lie between words."""
    at, text = start, source.text
    while at < end and (match := _TOKEN.match(text, at)):
        group = match.lastindex or 0
        kind = _KINDS.get(group, "symbol")
        begin, at = match.start(4 if kind == "template" else group), match.end()
        if kind == "template":
            parser = Parser(source)
            parser.at = begin
            at = (parser.quoted() if text[begin] == '"' else parser.heredoc()).end
        elif kind == "comment" and text[at - 1] == "\r" and text[at : at + 1] == "\n":
            at -= 1
        if begin < end:
            yield Token(kind, begin, at, text[begin:at])
