"""Words of people and of machines inside Markdown, as data: no mention, no HTML, no link, no workflow command."""

import re
from collections.abc import Sequence

from stackyard.errors import shown

AGAIN = "/again"
"""The comment that reads a form once more, for whoever asks: an issue's text may have been edited by another than its
author."""

_TICKS = re.compile(r"`+")


def _fence(text: str, at_least: int) -> str:
    return "`" * max(at_least, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))


def code(text: object, limit: int = 300) -> str:
    """One line, verbatim. Also fit for a table's cell."""
    clean = shown(text, limit).replace("|", "\\|") or " "
    fence = _fence(clean, 1)
    return f"{fence} {clean} {fence}" if "`" in clean or clean.strip() != clean else f"{fence}{clean}{fence}"


def block(text: str, limit: int = 4000) -> str:
    """Several lines, verbatim. Each begins with a bar, because a line that a workflow prints and that begins with `::`
    is a command to its runner, as is `##[` anywhere."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    lines = [shown(line, limit).replace("##[", "## [") for line in cut.splitlines()] or [""]
    fence = _fence(cut, 3)
    return "\n".join([f"{fence}text", *(f"| {line}" for line in lines), fence])


def listed(lines: Sequence[str], most: int = 20) -> list[str]:
    """The first of many lines, and how many more there are: GitHub takes 65,536 characters."""
    more = len(lines) - most
    return [*lines[:most], *([f"- and {more} more"] if more > 0 else [])]


def marker(kind: str, name: object) -> str:
    """The hidden first line by which an issue or a comment of ours is known again."""
    return f"<!-- stackyard:{kind}:{name} -->"


def is_marked(body: str, mark: str) -> bool:
    """Whether a text begins with the marker; further down it would be somebody's words."""
    return body.lstrip().startswith(mark)
