"""Comments that belong to a node: directly above it, or beside it."""

from stackyard.hcl.lexis import COMMENT
from stackyard.hcl.source import Source

_MARKERS = ("#", "//", "/*")


def comment_of(source: Source, start: int, end: int) -> str:
    """The comment lines right above (no blank line between) and beside the piece from `start` to `end`."""
    found = [*_above(source, start), _beside(source, start, end)]
    return "\n".join(filter(None, (_bare(comment) for comment in found)))


def lead_start(source: Source, start: int) -> int:
    """Where the comment lines above begin, or the line itself; `start` if something else stands before it there."""
    text, line = source.text, source.line_start(start)
    if text[line:start].strip(" \t\ufeff"):
        return start
    while line > 0:
        above = source.line_start(line - 1)
        content = text[above:line].strip()
        if content.endswith("*/") and not content.startswith(_MARKERS):
            opened = text.rfind("/*", 0, line)
            above = source.line_start(opened)
            content = text[above:opened].strip() or "/*"
        if not content.startswith(_MARKERS):
            break
        line = above
    return line


def _above(source: Source, start: int) -> list[str]:
    lead = lead_start(source, start)
    return COMMENT.findall(source.text, lead, start) if lead < start else []


def _beside(source: Source, start: int, end: int) -> str:
    """After the value (and a comma), or after the opening bracket of a value of several lines."""
    text = source.text
    line_end = source.line_end(end)
    rest = text[end:line_end].lstrip(" \t,")
    if rest.startswith(_MARKERS):
        return rest
    first_end = source.line_end(start)
    if first_end >= end:
        return ""
    for bracket in "{[":
        head, found, tail = text[start:first_end].rpartition(bracket)
        if found and tail.strip().startswith(_MARKERS) and not _inside_comment(head):
            return tail.strip()
    return ""


def _inside_comment(head: str) -> bool:
    return any(marker in head for marker in _MARKERS)


def _bare(comment: str) -> str:
    """A comment's text without its markers."""
    if not comment.startswith("/*"):
        return comment.lstrip("#/").strip()
    inner, _, _ = comment[2:].partition("*/")
    return "\n".join(filter(None, (line.strip().lstrip("*").strip() for line in inner.splitlines())))


def shortened(text: str, limit: int = 60) -> str:
    """An expression on one line, for messages."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[:limit] + "…"
