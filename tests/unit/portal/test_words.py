"""How times, values and texts read."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

import stackyard
from stackyard.portal.markdown import to_html
from stackyard.portal.templatetags.portal import ICONS, duration, https, human, icon, plain, relative


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=30), "30 h ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=70), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(minutes=-5), "in 5 min"),
    ],
)
def test_times_as_people_say_them(past: timedelta, words: str) -> None:
    assert relative(past) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.4, "12 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (4320, "1 h 12 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b", "text", "", "\x01https://x"]
)
def test_only_web_addresses_become_links(text: str) -> None:
    assert https(text) == ""


def test_a_web_address_becomes_a_link() -> None:
    assert https("https://shop-dev.example.com/x?y=1") == "https://shop-dev.example.com/x?y=1"


def test_values_as_people_write_them() -> None:
    assert [human(v) for v in (True, False, {"A": 1}, {}, [1, "b"], "", 0.5)] == [
        "yes",
        "no",
        "A=1",
        "none",
        "1, b",
        "empty",
        "0.5",
    ]


def test_numbers_for_inputs_have_neither_marks_nor_exponents() -> None:
    assert [plain(n) for n in (1.0, 0.25, 65535, 1e9)] == ["1", "0.25", "65535", "1000000000"]


def test_an_environment_is_destroyed_and_never_deleted() -> None:
    """One word for one thing; *deleted* are objects in a bucket, records, branches and the like."""
    package = Path(stackyard.__file__).parent
    files = [
        *package.glob("portal/templates/portal/environments/*.html"),
        *package.glob("portal/templates/portal/runs/*.html"),
    ]
    files += [
        package / f"{name}.py" for name in ("environments/change", "environments/lifetimes", "environments/notices")
    ]
    said = {f.name: re.findall(r"[Dd]elet(?!e\" %})\w*", f.read_text()) for f in files}
    assert len(said) > 30
    assert {name: words for name, words in said.items() if words} == {}


@pytest.mark.parametrize("name", sorted(ICONS))
def test_icons_are_drawn_without_style_or_script(name: str) -> None:
    drawn = icon(name)
    assert drawn.startswith("<svg")
    assert "style" not in drawn
    assert 'aria-hidden="true"' in drawn


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "![x](https://evil.example/x.png)",
        '[x](https://a "onmouseover=alert(1)")',
        "<https://a.example/><b onclick=x>",
    ],
)
def test_a_readme_brings_no_code(text: str) -> None:
    shown = to_html(text)
    for bad in ("<script", "<img", 'href="javascript', " onclick=x>", "<b "):
        assert bad not in shown


def test_a_readme_has_tables_and_code() -> None:
    shown = to_html("# Title\n\n| a | b |\n|---|---|\n| 1 | `x<y` |\n")
    assert "<table>" in shown
    assert "<code>x&lt;y</code>" in shown
