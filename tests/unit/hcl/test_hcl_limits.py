"""No input makes the parser hang or recurse out. Work is counted in steps of the interpreter, not in seconds."""

import sys
from collections.abc import Callable

import pytest

from stackyard import hcl

DEEP = 50_000


@pytest.mark.parametrize(
    "text",
    [
        *("a = " + "[" * DEEP, "a = " + "(" * DEEP + ")" * DEEP, "a = " + "{a=" * DEEP, 'a = "${' + "{a=" * DEEP),
        *('a = "' + '${"' * DEEP, "a {\n" * DEEP, "a = " + "b ? " * DEEP, "a = " + "x[" * DEEP, "a = " + "f(" * DEEP),
        *("a = " + "[for x in " * DEEP, "a = " + "<<E\n${" * DEEP, "a = " + "-(" * DEEP),
    ],
)
def test_too_deep_is_a_clear_diagnostic(text: str) -> None:
    with pytest.raises(hcl.HclSyntaxError, match="Nested too deeply"):
        hcl.File.parse(text)


def test_what_people_write_is_not_too_deep() -> None:
    text = "a = " + "[" * 90 + "]" * 90 + "\n"
    assert hcl.File.parse(text).get(("a",)).is_constant


def test_a_caller_that_is_deep_itself_gets_a_diagnostic_too() -> None:
    def call(depth: int) -> None:
        if depth:
            call(depth - 1)
        else:
            hcl.File.parse("a = " + "[" * 90 + "]" * 90)

    with pytest.raises(hcl.HclSyntaxError, match="Nested too deeply"):
        call(sys.getrecursionlimit() - 200)


SHAPES: dict[str, Callable[[int], str]] = {
    "one long line": lambda n: 'a = "' + "x$" * n + '"',
    "an unclosed string": lambda n: 'a = "' + "x%%{" * n,
    "an unclosed heredoc": lambda n: "a = <<E\n" + "  x\n" * n,
    "an unclosed comment": lambda n: "a = 1 " + "/* " * n,
    "an unclosed list": lambda n: "a = [" + "x, " * n,
    "an unclosed object": lambda n: "a = {" + "x=1," * n,
    "an unclosed block": lambda n: "a {" + "\nx {}" * n,
    "many operators": lambda n: "a = 1" + " + 1" * n,
    "many conditions": lambda n: "a = " + "b ? c : " * n + "d",
    "many steps": lambda n: "a = x" + ".y[0]" * n,
    "many sequences": lambda n: 'a = "' + "${x}" * n + '"',
    "many directives": lambda n: 'a = "' + "%{if x}%{endif}" * n + '"',
    "many arguments": lambda n: "".join(f"a{i} = 1\n" for i in range(n)),
    "many labels": lambda n: "a " + '"\\u0041" ' * n + "{}",
    "white space in a list": lambda n: "a = [" + "x \n" + "\n" * n + ",]",
    "comments in a list": lambda n: "a = [" + "1 # x\n," * n + "]",
    "signs": lambda n: "a = " + "-" * n + "1",
    "carriage returns": lambda n: "\r" * n,
}


def _steps(work: Callable[[], object]) -> int:
    """How many lines of Python run."""
    count = 0

    def trace(frame: object, event: str, argument: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("shape", SHAPES)
def test_steps_grow_no_faster_than_the_text(shape: str) -> None:
    def parse(size: int) -> None:
        try:
            hcl.File.parse(SHAPES[shape](size))
        except hcl.HclSyntaxError:
            return

    small, large = _steps(lambda: parse(500)), _steps(lambda: parse(2000))
    assert large <= 4.5 * small + 400


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_megabytes_are_read_or_refused(shape: str) -> None:
    text = SHAPES[shape](10_000_000 // max(8, len(SHAPES[shape](1000)) // 1000) // 8)
    try:
        outcome = hcl.File.parse(text).text()
    except hcl.HclSyntaxError as error:
        outcome = str(error)
    assert outcome == text or len(outcome) < 1000


def test_a_line_of_ten_megabytes() -> None:
    text = 'a = "' + "x" * 10_000_000 + '"\nb = 1\n'
    file = hcl.File.parse(text)
    assert file.set_attribute_value(("b",), 2).text() == text[:-2] + "2\n"


def test_many_values_on_one_line_are_walked_and_set_together() -> None:
    count = 5_000
    file = hcl.File.parse("a = [" + ", ".join(f"{{ x = {i}, y = z }}" for i in range(count)) + "]\n")
    assert sum(leaf.value for leaf in hcl.leaves(file)) == count * (count - 1) // 2
    edits = [hcl.SetValue(("a", i, "x"), 0) for i in range(0, count, 10)]
    assert sum(leaf.value == 0 for leaf in hcl.leaves(file.edit(edits))) == len(edits)
