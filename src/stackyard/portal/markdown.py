"""Markdown to HTML for READMEs of patterns."""

from functools import lru_cache

from django.utils.safestring import SafeString
from markdown_it import MarkdownIt


@lru_cache(maxsize=64)
def to_html(text: str) -> SafeString:
    """HTML of a Markdown text. HTML inside the text stays text, and links other than http(s), mailto and relative ones
    are not made (markdown-it's own check), so a pattern cannot bring script into the portal. Pictures are left out:
    the Content-Security-Policy would refuse those from elsewhere."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    return SafeString(renderer.render(text))
