"""The words of a text that is known to be HCL, for layout: no tree, but which word stands on which line."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stackyard.hcl.lexis import DIGITS, HEREDOC, INLINE_COMMENT, PLAIN_STRING, WIDE_NAME
from stackyard.hcl.source import Source

_TOKEN = re.compile(
    rf"[ \t]*+(?:(\r?\n)|(\#[^\n]*+|//[^\n]*+|{INLINE_COMMENT})|({PLAIN_STRING}|{WIDE_NAME}|{DIGITS.pattern})"
    rf"|(\"|{HEREDOC.pattern})|(==|=>|!=|>=|<=|&&|\|\||\.\.\.|::|\S))"
)
_KINDS = ("", "newline", "comment", "word", "template", "template", "template", "symbol")


class Token(NamedTuple):
    """One word, from character `start` up to `end`. Kinds: newline, comment, word, template, symbol."""

    kind: str
    start: int
    end: int
    text: str

    @property
    def is_comment(self) -> bool:
        return self.kind == "comment"


def tokens(source: Source, start: int, end: int) -> Iterator[Token]:
    """The words between two places of a text that the parser has accepted; both must lie between words."""
    from stackyard.hcl.parser import Parser

    at, text = start, source.text
    while at < end and (match := _TOKEN.match(text, at)):
        group = match.lastindex or 0
        group = 4 if 4 <= group <= 6 else group
        begin, at = match.start(group), match.end()
        kind = {1: "newline", 2: "comment", 3: "word", 4: "template"}.get(group, "symbol")
        if kind == "template":
            parser = Parser(source)
            parser.at = begin
            at = (parser.quoted() if text[begin] == '"' else parser.heredoc()).end
        elif kind == "comment" and text[at - 1] == "\r" and text[at : at + 1] == "\n":
            at -= 1
        if begin < end:
            yield Token(kind, begin, at, text[begin:at])
