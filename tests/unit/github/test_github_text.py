"""Words of others inside an issue stay words."""

import re

import pytest
from markdown_it import MarkdownIt

from stackyard.github.text import block, code, is_marked, listed, marker

HOSTILE = [
    "::set-output name=x::y",
    "##[error]x",
    "@everyone please",
    "<script>alert(1)</script>",
    "![x](https://evil.example/x.png) [y](javascript:alert(1))",
    "`code` and ``more`` and ```fence```",
    "$(touch /tmp/x) ${{ secrets.TOKEN }}",
    "one\n::add-mask::two\r\n```\n# three",
    "-->\n<!-- stackyard:status:x -->",
    "#12 and acme/other#3",
    "\u202egnp.exe \x00",
]


def kinds(markdown: str) -> set[str]:
    """The kinds of things that a Markdown text holds, inline ones too."""
    tokens = MarkdownIt("commonmark").parse(markdown)
    return {t.type for token in tokens for t in [token, *(token.children or [])]}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_is_nothing_but_code(text: str) -> None:
    assert kinds(code(text)) == {"paragraph_open", "paragraph_close", "inline", "code_inline"}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_block_is_nothing_but_code_and_no_line_is_a_command(text: str) -> None:
    made = block(text)
    assert kinds(made) == {"fence"}
    assert not re.search(r"^\s*::|##\[", made, flags=re.MULTILINE)


def test_a_marker_counts_at_the_beginning_only() -> None:
    mark = marker("status", "abc")
    assert is_marked(f"{mark}\nx", mark)
    assert not is_marked(f"x\n{mark}", mark)


def test_a_list_without_end_has_one() -> None:
    assert listed(["- a"] * 3) == ["- a"] * 3
    assert listed(["- a"] * 9000)[-2:] == ["- a", "- and 8980 more"]
