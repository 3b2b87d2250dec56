"""Bodies are read strictly, and whatever is wrong has a field."""

import contextlib
import json
from decimal import Decimal

import pytest
from django.core.exceptions import RequestDataTooBig
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from stackyard.api.parser import MAX_DEPTH, StrictJson
from stackyard.errors import Invalid


def parse(body: bytes) -> object:
    request = RequestFactory().generic("POST", "/", body, content_type="application/json")
    return StrictJson().parse_body(request)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
).filter(lambda value: str(value).count("[") + str(value).count("{") <= MAX_DEPTH)


@given(plain)
def test_ordinary_json_comes_out_as_it_went_in(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_values_or_refused(body: bytes) -> None:
    with contextlib.suppress(Invalid):
        parse(body)


def test_depth_ends_where_it_is_said() -> None:
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(Invalid, match="nested"):
        parse(b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2))


def test_half_a_surrogate_pair_is_refused_where_it_lies_and_a_whole_one_is_a_character() -> None:
    assert parse(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}
    with pytest.raises(Invalid) as error:
        parse(b'{"settings": {"a": ["x", "\\ud83d"]}}')
    assert error.value.problems[0].field == "settings.a.1"


def test_size_is_what_came_and_not_what_was_announced() -> None:
    request = RequestFactory().generic("POST", "/", b'"' + b"x" * 2_000_000 + b'"', content_type="application/json")
    request.META["CONTENT_LENGTH"] = ""  # as for a chunked body
    with pytest.raises(RequestDataTooBig):
        StrictJson().parse_body(request)


@pytest.mark.parametrize(
    "number", ["0.1", "1e3", "-2.50", "12345678901234567890", "1e-7", "0.30000000000000004", "1e29"]
)
def test_a_number_keeps_its_value(number: str) -> None:
    found = parse(f'{{"a": {number}}}'.encode())
    assert isinstance(found, dict)
    assert Decimal(repr(found["a"])) == Decimal(number)


@pytest.mark.parametrize("number", ["0.10000000000000000001", "12345678901234567890.5", "1e-999"])
def test_a_number_that_would_lose_digits_is_refused_where_it_lies(number: str) -> None:
    with pytest.raises(Invalid, match="digits") as error:
        parse(f'{{"set": {{"a.b": [1, {number}]}}}}'.encode())
    assert error.value.problems[0].field == "set.a.b.1"
