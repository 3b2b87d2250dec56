"""Comments that belong to a node: directly above it, or beside it."""

from stackyard.hcl.lexis import AFTER, COMMENT
from stackyard.hcl.source import BOM, Source

_MARKERS = ("#", "//", "/*")


def comment_of(source: Source, start: int, end: int) -> str:
    """The comment lines right above (no blank line between) and beside the piece from `start` to `end`."""
    lead = lead_start(source, start)
    above = COMMENT.findall(source.text, lead, start) if lead < start else []
    return "\n".join(filter(None, map(_bare, [*above, *_beside(source, start, end)])))


def starts_line(source: Source, start: int) -> bool:
    """Whether nothing but white space stands before a place on its line."""
    before = start
    while before and source.text[before - 1] in " \t":
        before -= 1
    return before == 0 or source.text[before - 1] in ("\n", BOM)


def lead_start(source: Source, start: int) -> int:
    """Where the comment lines above begin, or the line itself; `start` if something else stands before it there."""
    if not starts_line(source, start):
        return start
    text, line = source.text, source.line_start(start)
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


def _beside(source: Source, start: int, end: int) -> list[str]:
    """After the value (and a comma), or after the opening bracket of a value of several lines."""
    after = AFTER.match(source.text, end)
    found = COMMENT.findall(after[0]) if after else []
    first_end = source.text.find("\n", start, end)
    if found or first_end < 0:
        return found
    first_line = source.text[start:first_end]
    bracket = max(first_line.rfind("{"), first_line.rfind("["))
    tail = first_line[bracket + 1 :].strip()
    return [tail] if bracket >= 0 and tail.startswith(_MARKERS) else []


def _bare(comment: str) -> str:
    """A comment's text without its markers."""
    if not comment.startswith("/*"):
        return comment.lstrip("#/").strip()
    inner, _, _ = comment[2:].partition("*/")
    return "\n".join(filter(None, (line.strip().lstrip("*").strip() for line in inner.splitlines())))


def shortened(text: str, limit: int = 60) -> str:
    """An expression on one line, for messages."""
    flat = " ".join(text[: limit * 20].split())
    return flat if len(flat) <= limit else flat[:limit] + "…"
