"""Every line of Terraform's output becomes an event, and nothing secret or unprintable is in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard.terraform.events import ChangeSummary, Diagnostic, parse_diagnostic, parse_event, plain_diagnostic

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["type", "@level", "@message", "hook", "change", "changes", "outputs", "diagnostic", "resource", "addr", "range",
     "start", "line", "summary", "detail", "elapsed_seconds", "sensitive", "value", "add"]
)  # fmt: skip
odd_objects = st.recursive(
    json_values, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=6), max_leaves=12
)
kinds = st.sampled_from(["diagnostic", "outputs", "change_summary", "apply_complete", "log", None, 7])


def test_a_resource_event() -> None:
    event = parse_event(
        '{"@level":"info","@message":"module.m.x.y[1]: Creation complete after 3s [id=i-1]","type":"apply_complete",'
        '"hook":{"resource":{"addr":"module.m.x.y[1]","resource_type":"x"},"action":"create","elapsed_seconds":3}}'
    )
    assert (event.kind, event.address, event.resource_type) == ("apply_complete", "module.m.x.y[1]", "x")
    assert (event.action, event.elapsed, event.level) == ("create", 3.0, "info")
    assert event.message.startswith("module.m.x.y[1]: Creation complete")


def test_a_diagnostic_event_says_what_and_where() -> None:
    event = parse_event(
        '{"@level":"error","@message":"Error: x","type":"diagnostic","diagnostic":{"severity":"error","summary":"No '
        'room.","detail":"Two\\nlines","address":"a.b","range":{"filename":"main.tf","start":{"line":3,"column":1}}}}'
    )
    assert event.diagnostic == Diagnostic("error", "No room.", "Two\nlines", "a.b", "main.tf", 3)
    assert (event.level, event.message, event.address) == ("error", "No room. Two lines", "a.b")


def test_a_change_summary_counts() -> None:
    event = parse_event(
        '{"@message":"Plan: 4 to add","type":"change_summary",'
        '"changes":{"add":4,"change":1,"import":0,"remove":2,"operation":"plan"}}'
    )
    assert event.change_summary == ChangeSummary("plan", 4, 1, 2)


def test_sensitive_outputs_and_those_of_a_plan_are_left_out() -> None:
    event = parse_event(
        '{"@message":"Outputs: 4","type":"outputs","outputs":{"url":{"sensitive":false,"type":"string","value":"u"},'
        '"key":{"sensitive":true,"value":"canary"},"unmarked":{"value":"canary"},'
        '"planned":{"sensitive":false,"action":"create"}}}'
    )
    assert event.outputs == {"url": "u"}
    assert "canary" not in repr(event)


@pytest.mark.parametrize("line", ["plain words", "[1, 2]", '"text"', "[" * 100_000, "9" * 5_000, "", "{"])
def test_what_is_no_json_object_is_a_log_line(line: str) -> None:
    event = parse_event(line)
    assert (event.kind, event.message, event.diagnostic) == ("log", line, None)


@given(kinds, odd_objects)
def test_no_object_makes_it_fail(kind: object, value: object) -> None:
    data = value if isinstance(value, dict) else {"hook": value, "diagnostic": value, "outputs": value}
    event = parse_event(json.dumps({"type": kind, **data}))
    event.message.encode()
    assert event.elapsed is None or event.elapsed == event.elapsed


@given(st.text(alphabet=st.characters()))
def test_no_text_makes_it_fail_and_every_message_can_be_stored(text: str) -> None:
    for line in (text, json.dumps({"@message": text})):
        assert "\x00" not in parse_event(line).message
        parse_event(line).message.encode()


def test_numbers_beyond_measure_are_no_duration() -> None:
    for number in ("9" * 400, "1e999", "NaN", "true", '"3"'):
        assert parse_event('{"hook":{"elapsed_seconds":' + number + "}}").elapsed is None


def test_colours_are_taken_out() -> None:
    assert parse_event("\x1b[31mred\x1b[0m").message == "red"


def test_secrets_are_hidden_wherever_they_stand() -> None:
    hidden = ["pass&word<1>"]
    for line in (
        "it is pass&word<1>",
        r'{"@message":"it is pass\u0026word\u003c1\u003e"}',
        r'{"type":"diagnostic","diagnostic":{"summary":"pass\u0026word<1>","detail":"pass&word<1>"}}',
    ):
        event = parse_event(line, hidden)
        assert "(hidden)" in event.message
        assert "word" not in repr(event)


def test_a_diagnostic_without_words_has_no_text() -> None:
    assert parse_diagnostic({}).text == ""
    assert parse_diagnostic({"summary": None}).text == ""
    assert parse_diagnostic({"summary": "Two\nlines", "detail": "and\n  more"}).text == "Two lines. and more"


def test_a_plain_error_is_read_out_of_its_frame() -> None:
    said = plain_diagnostic("Acquiring lock\n╷\n│ Error: Failed to push\n│ \n│ The lineage\n│ differs.\n╵\n")
    assert said is not None
    assert said.text == "Failed to push. The lineage differs."
    assert plain_diagnostic("only\nwords") == Diagnostic("error", "words")
    assert plain_diagnostic("\n╷\n╵\n") is None
