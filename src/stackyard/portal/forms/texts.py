"""Settings as the texts of a form, and texts as settings: one table for both directions.

A widget is only used for a value that comes back from it as it was; what would be bent (a line break in a one-line
input, true as the text "true") gets the next wider one, at last JSON.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from stackyard.patterns.parameters import Parameter
from stackyard.patterns.types import Type, parse_number
from stackyard.portal.forms.nested import read_json, write_json

Widget = Literal["switch", "select", "text", "paragraph", "password", "number", "lines", "rows", "json"]
Rows = list[tuple[str, str]]

_LEADING_ZEROS = re.compile(r"^(-?)0+(?=[0-9])")
_SCALARS = ("string", "number", "bool", "scalar")


def widget_for(parameter: Parameter, value: Any) -> Widget:
    """The input that fits a parameter and loses nothing of this value."""
    if parameter.kind == "bool":
        return "switch"
    if parameter.enum:
        return "select"
    if parameter.kind == "number":
        return "number"
    if parameter.kind == "string":
        return _widget_for_text(parameter, value)
    element = parameter.shape.element
    if parameter.shape.shape not in ("list", "map") or element is None or element.shape not in _SCALARS:
        return "json"
    if parameter.kind == "list":
        kept = value is None or same(lines_to_list(list_to_lines(value), parameter, value), value)
        return "lines" if kept else "json"
    kept = value is None or same(rows_to_map(map_to_rows(value), parameter, value), value)
    return "rows" if kept else "json"


def _widget_for_text(parameter: Parameter, value: Any) -> Widget:
    if parameter.secret:
        return "password"
    if value is not None and not isinstance(value, str):
        return "json" if isinstance(value, Mapping | list | tuple) else "text"
    return "paragraph" if value and "\n" in value else "text"


def to_text(parameter: Parameter, value: Any) -> Any:
    """A value as its widget holds it: a bool for switches, pairs of text for rows, text for all else."""
    match widget_for(parameter, value):
        case "switch":
            return bool(value)
        case "rows":
            return map_to_rows(value)
        case "lines":
            return list_to_lines(value)
        case "json":
            return "" if value is None else write_json(value)
        case "password":
            return ""  # a secret is never sent to a browser
        case _:
            return as_text(value)


def from_text(parameter: Parameter, text: str, like: Any) -> Any:
    """One text field as a typed value; what cannot be typed stays text, for the parameter's rule to refuse.

    `like`: the value that the field was filled with. Raises NotJson.
    """
    widget = widget_for(parameter, like)
    if widget == "select" and (known := [v for v in parameter.enum if as_text(v) == text]):
        return known[0]
    if widget == "json":
        return read_json(text)
    if widget == "lines":
        return lines_to_list(text, parameter, like)
    if parameter.kind == "number":
        return number(text.strip())
    # Browsers send line ends as CRLF (HTML, form-data set).
    return text.replace("\r\n", "\n")


def as_text(value: Any) -> str:
    """A scalar as it stands in a text field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def list_to_lines(value: Any) -> str:
    """One item per line."""
    return "\n".join(as_text(v) for v in value) if isinstance(value, list | tuple) else ""


def lines_to_list(text: str, parameter: Parameter, like: Any) -> list[Any]:
    """Items without the space around them; empty lines are nothing."""
    examples = list(like) if isinstance(like, list | tuple) else []
    lines = text.replace("\r\n", "\n").split("\n")
    return [_typed(line.strip(), parameter.shape.element, examples) for line in lines if line.strip()]


def map_to_rows(value: Any) -> Rows:
    """Name and value, both as text."""
    return [(str(k), as_text(v)) for k, v in value.items()] if isinstance(value, Mapping) else []


def rows_to_map(rows: Rows, parameter: Parameter, like: Any) -> dict[str, Any]:
    """Names without the space around them. Of a name given twice the last value counts."""
    examples = list(like.values()) if isinstance(like, Mapping) else []
    return {k.strip(): _typed(v.replace("\r\n", "\n"), parameter.shape.element, examples) for k, v in rows}


def number(text: str) -> int | float | Decimal | str:
    """A number as people write it (see `parse_number`), else the text as it is."""
    found = parse_number(_LEADING_ZEROS.sub(r"\1", text))
    return text if found is None else found


def _typed(text: str, element: Type | None, examples: Sequence[Any]) -> Any:
    """As the type says; where it leaves that open, a number where all of the examples are numbers, else text."""
    shape = element.shape if element else "scalar"
    if shape == "bool" and text in ("true", "false"):
        return text == "true"
    numbers = shape == "scalar" and examples and all(type(e) in (int, float) for e in examples)
    return number(text) if shape == "number" or numbers else text


def same(one: Any, other: Any) -> bool:
    """The same in value, type and order."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return list(one) == list(other) and all(same(v, other[k]) for k, v in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return (
        isinstance(one, bool) == isinstance(other, bool)
        and isinstance(one, str) == isinstance(other, str)
        and bool(one == other)
    )
