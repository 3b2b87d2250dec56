"""Working out a `validation` condition before Terraform does. Only a certain answer counts; all else is Terraform's."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from stackyard.patterns.expressions import Call, Const, ListOf, Node, NotRead, Operation, Ref, parse

UNKNOWN = object()
"""Stands for a value that is filled in later."""

_UNSAFE_REGEX = re.compile(r"\\[^dDwWsS.\-+*?()\[\]{}|^$/_@:#,'\"=]|\[\[:|\(\?|[*+?}]\+")
"""Where Python's and Go's syntax (RE2) part, or may part."""


class _NotKnown(Exception):
    """Only Terraform can tell."""


class _Fails(Exception):
    """Terraform's evaluation would certainly fail here; `can` asks for it."""


def holds(condition: str, variables: Mapping[str, Any]) -> bool | None:
    """Whether a condition holds for these variables; None where only Terraform can tell."""
    try:
        answer = _value(parse(condition), variables)
    except (NotRead, _NotKnown, _Fails, RecursionError):
        return None
    return answer if isinstance(answer, bool) else None


def _value(node: Node, variables: Mapping[str, Any]) -> Any:
    match node:
        case Const(value):
            return value
        case ListOf(items):
            return [_value(item, variables) for item in items]
        case Ref(path):
            return _reference(path, variables)
        case Call(name, arguments):
            return _call(name, arguments, variables)
        case Operation(operator, operands):
            return _operation(operator, operands, variables)


def _reference(path: tuple[str | int, ...], variables: Mapping[str, Any]) -> Any:
    if path[0] != "var":
        raise _NotKnown
    found: Any = variables
    for step in path[1:]:
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            raise _NotKnown from None
    if _has_unknown(found):
        raise _NotKnown
    return found


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping | list):
        return any(map(_has_unknown, value.values() if isinstance(value, Mapping) else value))
    return value is UNKNOWN


def _operation(operator: str, operands: tuple[Node, ...], variables: Mapping[str, Any]) -> Any:
    if operator in ("&&", "||"):
        return _logic(operator == "||", operands, variables)
    first = _value(operands[0], variables)
    if operator == "!":
        return not _boolean(first)
    if operator == "?":
        return _value(operands[1 if _boolean(first) else 2], variables)
    if len(operands) == 1:
        return -_number(first)
    second = _value(operands[1], variables)
    if operator in ("==", "!="):
        return _equal(first, second) == (operator == "==")
    return _ARITHMETIC[operator](_number(first), _number(second))


def _logic(decisive: bool, operands: tuple[Node, ...], variables: Mapping[str, Any]) -> bool:
    """One operand that decides is enough, even when the other is not known."""
    unknown = False
    for operand in operands:
        try:
            if _boolean(_value(operand, variables)) is decisive:
                return decisive
        except (_NotKnown, _Fails):
            unknown = True
    if unknown:
        raise _NotKnown
    return not decisive


def _equal(first: Any, second: Any) -> bool:
    if _has_unknown([first, second]):
        raise _NotKnown
    if isinstance(first, bool) != isinstance(second, bool) and first is not None and second is not None:
        raise _NotKnown
    return bool(first == second)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _NotKnown
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _NotKnown
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _NotKnown
    return value


def _divide(first: Any, second: Any) -> Any:
    if second == 0:
        raise _NotKnown
    return first / second


def _rest(first: Any, second: Any) -> Any:
    # Terraform takes the sign of the first operand, Python of the second.
    if second <= 0 or first < 0:
        raise _NotKnown
    return first % second


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": _rest,
}


def _call(name: str, arguments: tuple[Node, ...], variables: Mapping[str, Any]) -> Any:
    if name == "can" and len(arguments) == 1:
        try:
            _value(arguments[0], variables)
        except _Fails:
            return False
        return True
    function = _FUNCTIONS.get((name, len(arguments)))
    if function is None:
        raise _NotKnown
    return function(*(_value(argument, variables) for argument in arguments))


def _contains(values: Any, value: Any) -> bool:
    if not isinstance(values, list):
        raise _NotKnown
    return any(_equal(item, value) for item in values)


def _length(value: Any) -> int:
    if isinstance(value, str) and not value.isascii():
        raise _NotKnown  # Terraform counts grapheme clusters
    if not isinstance(value, str | list | Mapping):
        raise _NotKnown
    return len(value)


def _regex(pattern: Any, text: Any) -> Any:
    """Only whether it matches is told, for `can`; what it matches is not worked out."""
    compiled = _compiled(_text(pattern))
    if not _text(text).isascii():
        raise _NotKnown
    if compiled.search(text) is None:
        raise _Fails
    return UNKNOWN


def _compiled(pattern: str) -> re.Pattern[str]:
    """The pattern in Python's syntax. Raises _NotKnown where it means something else there, or could take for ever."""
    if _UNSAFE_REGEX.search(pattern) or not pattern.isascii() or _repeats_repeats(pattern):
        raise _NotKnown
    outside = re.sub(r"(\\.|\[\^?\]?[^\]]*\])|\$", lambda m: m[1] or r"\Z", pattern)
    try:
        return re.compile(outside, re.ASCII)
    except re.error as error:
        raise _NotKnown from error


def _repeats_repeats(pattern: str) -> bool:
    """A repetition of something that holds a repetition: Python may need exponential time, RE2 never does."""
    bare = re.sub(r"\\.|\[\^?\]?[^\]]*\]", "c", pattern)
    while bare != (inner := re.sub(r"\(([^()]*)\)([*+]|\{\d+,?\d*\})?", _flat, bare)):
        bare = inner
        if "!" in bare:
            return True
    return len(re.findall(r"[*+]", bare)) > 4


def _flat(group: re.Match[str]) -> str:
    """A group as one character, with `+` where it may be long; `!` where that is repeated."""
    long = bool(re.search(r"[*+{|]", group[1]))
    return "!" if long and group[2] else ("c+" if long else f"c{group[2] or ''}")


_FUNCTIONS: dict[tuple[str, int], Callable[..., Any]] = {
    ("contains", 2): _contains,
    ("length", 1): _length,
    ("regex", 2): _regex,
    ("startswith", 2): lambda text, start: _text(text).startswith(_text(start)),
    ("endswith", 2): lambda text, end: _text(text).endswith(_text(end)),
    ("lower", 1): lambda text: _text(text).lower(),
    ("upper", 1): lambda text: _text(text).upper(),
    ("alltrue", 1): lambda values: all(_boolean(v) for v in values),
    ("anytrue", 1): lambda values: any(_boolean(v) for v in values),
}
