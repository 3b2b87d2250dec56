"""Python values as HCL text and back."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard import hcl

TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('$%{}"\\\n\r\t~#/')), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(TEXT, v, max_size=4), max_leaves=12)


def normal(value: Any) -> Any:
    """What Terraform makes of a value: text in NFC; of two keys that become equal, one stays."""
    import unicodedata

    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {normal(key): normal(item) for key, item in value.items()}
    return [normal(item) for item in value] if isinstance(value, list) else value


def read(text: str) -> Any:
    return hcl.File.parse(f"a = {text}\n").get_value(("a",))


@given(VALUES, st.booleans(), st.booleans())
def test_a_value_written_and_read_is_the_same_value(value: Any, one_line: bool, tall: bool) -> None:
    try:
        text = hcl.tokens_for_value(value, one_line=one_line, tall=tall)
    except hcl.ValueRefused as refused:
        assert "same text" in str(refused)  # noqa: PT017
        return
    assert read(text) == normal(value)
    assert one_line is False or tall or "\n" not in text


@given(VALUES)
def test_what_is_written_is_laid_out_as_the_formatter_would(value: Any) -> None:
    try:
        text = f"a = {hcl.tokens_for_value(value)}\n"
    except hcl.ValueRefused:
        return
    assert hcl.format(text) == text


@given(TEXT)
def test_text_is_data_never_code(text: str) -> None:
    written = hcl.tokens_for_value({"k": text})
    (item,) = hcl.File.parse(f"a = {written}\n").get(("a",)).items  # type: ignore[attr-defined]
    assert isinstance(item.expr, hcl.Literal)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-2.5", -2.5),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("3.14159265358979323846", Decimal("3.14159265358979323846")),
        ("1e400", Decimal("1e400")),
        ("9" * 5000, Decimal("9" * 5000)),
        ("null", None),
        ('"$${a} %%{b} $c"', "${a} %{b} $c"),
        ('"$$${a}"', "$${a}"),
        ('"\\u00e9\\n\\"\\\\"', 'é\n"\\'),
        ('"e\u0301"', "é"),
        ('"a\u2028\x00"', "a\u2028\x00"),
        ("<<E\n  x\n\\n $${a}\nE\n", "  x\n\\n ${a}\n"),
        ("<<-E\n\n    x\n  y\n\t\n  E\n", "\n  x\ny\n\t\n"),
        ("<<-E\n\tx\n\ty\nE\n", "x\ny\n"),
        ("<<E\r\nx\r\nE\r\n", "x\r\n"),
        ("<<E\nE\n", ""),
        ('{ null = 1, true = 2, 1.50 = 3, "a" = 4, b : 5 }', {"null": 1, "true": 2, "1.5": 3, "a": 4, "b": 5}),
        ('{ a = 1, "a" = 2 }', {"a": 2}),
    ],
)
def test_the_value_of_a_literal(text: str, value: Any) -> None:
    found = read(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text", ['"${x}"', "x", "1 + 1", "(1)", "[x]", "{ (a) = 1 }", '{ "${a}" = 1 }', "f()", "<<E\n${x}\nE\n"]
)
def test_what_only_terraform_knows_has_no_value(text: str) -> None:
    node = hcl.File.parse(f"a = {text}\n").get(("a",))
    assert not node.is_constant
    with pytest.raises(hcl.PathOpaque):
        _ = node.value


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        Decimal("nan"),
        Decimal("inf"),
        object(),
        b"x",
        {1: 2},
        {"a": {2: 3}},
        "\ud800",
        {1},
    ],
)
def test_what_hcl_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(hcl.ValueRefused):
        hcl.tokens_for_value(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(hcl.ValueRefused):
        hcl.tokens_for_value(value)


def test_marks_that_deceive_are_written_so_that_they_can_be_seen() -> None:
    assert hcl.tokens_for_value("a\u202eb\u200bc\x00\u2028") == '"a\\u202eb\\u200bc\\u0000\\u2028"'


def test_objects_are_aligned_and_keys_quoted_only_where_they_must_be() -> None:
    text = hcl.tokens_for_value({"a": 1, "long-key": [1, 2], "for": {"x y": True}, "b": [{"c": 1}], "null": None})
    assert text == (
        '{\n  a        = 1\n  long-key = [1, 2]\n  "for" = {\n    "x y" = true\n  }\n'
        '  b = [\n    {\n      c = 1\n    },\n  ]\n  "null" = null\n}'
    )


@given(st.lists(st.text(min_size=1) | st.integers(0, 999), min_size=1, max_size=6))
def test_a_path_written_and_read_is_the_same_path(steps: list[str | int]) -> None:
    path = tuple(steps)
    assert hcl.parse_path(hcl.format_path(path)) == path


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", 'a["b]', "a b", "a[-1]", "a]", "a[99999999999]"]
)
def test_what_is_not_a_path_is_refused(text: str) -> None:
    with pytest.raises(hcl.PathError):
        hcl.parse_path(text)
