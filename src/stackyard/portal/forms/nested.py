"""Values that no row of inputs can hold, as JSON: reading what a person typed, and telling by path what is wrong."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from stackyard import hcl
from stackyard.errors import shown
from stackyard.patterns.types import REQUIRED, Type, exact, plain

TOLD = 5
"""So many problems of one value are told at once."""


class NotJson(ValueError):
    """The text is not one JSON value; the message says where."""


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises NotJson; what JSON itself does not know (NaN, a name twice) is refused, too."""
    try:
        return json.loads(text, parse_float=exact, parse_constant=_refuse_constant, object_pairs_hook=_without_twins)
    except json.JSONDecodeError as error:
        raise NotJson(f"This is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise NotJson("This is nested too deeply.") from None
    except NotJson:
        raise
    except ValueError:
        raise NotJson("A number in it is too long.") from None


def _refuse_constant(name: str) -> Any:
    raise NotJson(f"This is not JSON: {name} is no value.")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise NotJson(f"{shown(next(n for n in names if names.count(n) > 1), 40)} is given twice.")
    return found


def write_json(value: Any) -> str:
    """A value as a person edits it: a line per entry, nothing escaped that can be read."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def problems_of(type_: Type, value: Any) -> list[str]:
    """What is wrong with a nested value, each with its path as in `[0].port: Must be a number.`; at most a few."""
    found = []
    for path, message in _wrong(type_, value, ()):
        found.append(f"{_written(path)}: {message}" if path else message)
        if len(found) == TOLD:
            break
    return found


def _wrong(type_: Type, value: Any, at: hcl.Path) -> Iterator[tuple[hcl.Path, str]]:
    if type_.shape == "list" and isinstance(value, list) and type_.element:
        for number, item in enumerate(value):
            yield from _wrong(type_.element, item, (*at, number))
    elif type_.shape == "map" and isinstance(value, Mapping) and type_.element:
        for name, item in value.items():
            yield from _wrong(type_.element, item, (*at, name))
    elif type_.shape == "object" and isinstance(value, Mapping):
        yield from _wrong_in_object(type_, value, at)
    elif message := type_.problem(value):
        yield at, message


def _wrong_in_object(type_: Type, value: Mapping[str, Any], at: hcl.Path) -> Iterator[tuple[hcl.Path, str]]:
    names = ", ".join(type_.attributes)
    for name in value:
        if name not in type_.attributes:
            yield (*at, name), f"There is no such name. Names: {names}."
    for name, attribute in type_.attributes.items():
        if name not in value:
            if attribute.required:
                yield (*at, name), REQUIRED
        elif not (value[name] is None and not attribute.required):
            yield from _wrong(attribute.type, value[name], (*at, name))


def _written(path: hcl.Path) -> str:
    """As in code, but with the index of a list first where it stands first."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{shown(step, 40)}" for step in path]
    return "".join(steps).removeprefix(".")


def example_of(type_: Type) -> str:
    """A value of this type, to write one's own after it; an empty text where the type says nothing."""
    value = _example(type_)
    return "" if value in (None, [None], {"name": None}) else write_json(value)


def _example(type_: Type) -> Any:
    match type_.shape:
        case "string" | "scalar":
            return "text"
        case "number":
            return 1
        case "bool":
            return True
        case "list":
            return [_example(type_.element)] if type_.element else None
        case "tuple":
            return [_example(t) for t in type_.elements]
        case "map":
            return {"name": _example(type_.element)} if type_.element else None
        case "object":
            return {
                name: _example(a.type) if a.required or a.default is None else a.default
                for name, a in type_.attributes.items()
            }
        case "any":
            return None
