"""Types of parameters: what a value must be, before any other rule, and how a type constraint of Terraform reads.

A type says the same twice, in words (`Type.problem`) and as JSON Schema (`stackyard.patterns.schema`). Constraints:
https://developer.hashicorp.com/terraform/language/expressions/type-constraints
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from stackyard import hcl
from stackyard.errors import shown

Kind = Literal["string", "number", "bool", "list", "map"]
Shape = Literal["string", "number", "bool", "scalar", "any", "list", "tuple", "map", "object"]

MAX_TEXT = 4096
MAX_ITEMS = 100
MAX_DEPTH = 8
NUMBER_LIMIT = 1e30
REQUIRED = "This is required."
TOO_FINE = "This number has more digits than can be kept: a fraction keeps 15 to 17."

_CALL = re.compile(r"(\w+)\s*\((.*)\)", re.DOTALL)
_INTEGER = r"-?(0|[1-9][0-9]{0,99})"
NUMBER_TEXT = re.compile(_INTEGER + r"(\.[0-9]{1,99})?([eE][-+]?[0-9]{1,3})?\Z")


@dataclass(frozen=True)
class Attribute:
    """One attribute of an object type. `default` counts where it is optional and left out."""

    type: "Type"
    required: bool = True
    default: Any = None
    description: str = ""


@dataclass(frozen=True)
class Type:
    """A type. `scalar` is text, a number or true/false; `any` is every value that JSON can hold.

    `element` is the type of each value of a list or map, `elements` those of a tuple, in order.
    """

    shape: Shape
    element: "Type | None" = None
    elements: tuple["Type", ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """The kind of widget that fits."""
        kinds: dict[Shape, Kind] = {"tuple": "list", "object": "map", "scalar": "string", "any": "string"}
        return kinds.get(self.shape, self.shape)  # type: ignore[arg-type]

    def problem(self, value: Any) -> str | None:
        """The rule that `value` breaks, in words; None when it is of this type."""
        return _PROBLEMS[self.shape](self, value)


STRING, NUMBER, BOOL, SCALAR, ANY = (Type(s) for s in ("string", "number", "bool", "scalar", "any"))


def type_of_kind(kind: Kind) -> Type:
    """The widest type of a kind: lists and maps of scalars."""
    return Type(kind, element=SCALAR if kind in ("list", "map") else None)


def type_of_value(value: Any) -> Type:
    """The type that a constant of an interface file stands for."""
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int | float):
        return NUMBER
    if not isinstance(value, list | Mapping):
        return STRING
    items = value if isinstance(value, list) else list(value.values())
    nested = any(isinstance(item, list | Mapping) for item in items)
    return Type("list" if isinstance(value, list) else "map", element=ANY if nested else SCALAR)


class NotAType(ValueError):
    """The text is not a type constraint that Terraform knows."""


def parse_type(text: str) -> Type:
    """Read a type constraint such as `list(object({ port = number }))`. Raises NotAType."""
    text = _bare(text)
    if text in ("string", "number", "bool", "any"):
        return Type(text)  # type: ignore[arg-type]
    if text in ("list", "map", "set"):
        return Type("map" if text == "map" else "list", element=ANY)
    match = _CALL.fullmatch(text)
    if match is None:
        raise NotAType(f"`{shown(text)}` is not a type.")
    constructor, inner = match[1], match[2].strip().rstrip(",")
    if constructor in ("list", "set", "map"):
        return Type("map" if constructor == "map" else "list", element=parse_type(inner))
    if constructor == "object" and isinstance(fields := _expression(inner), hcl.ObjectCons):
        return Type("object", attributes={item.key or "": _attribute(item) for item in fields.items})
    if constructor == "tuple" and isinstance(items := _expression(inner), hcl.TupleCons):
        return Type("tuple", elements=tuple(parse_type(item.text) for item in items.items))
    raise NotAType(f"`{shown(text)}` is not a type.")


def _bare(text: str) -> str:
    """A constraint without surrounding space, and without the quotes of Terraform 0.11."""
    text = text.strip()
    return text[1:-1] if re.fullmatch(r'"(string|list|map)"', text) else text


def _expression(text: str) -> hcl.Expression:
    try:
        return hcl.File.parse(f"it = {text}\n", "type").get(("it",))
    except hcl.HclError as error:
        raise NotAType(f"`{shown(text)}` is not a type.") from error


def _attribute(item: hcl.ObjectItem) -> Attribute:
    text = item.expr.text.strip()
    match = _CALL.fullmatch(text)
    if match is None or match[1] != "optional":
        return Attribute(parse_type(text), description=item.comment)
    arguments = _expression(f"[{match[2]}]")
    if not isinstance(arguments, hcl.TupleCons) or not 1 <= len(arguments.items) <= 2:
        raise NotAType(f"`{shown(text)}` is not an optional attribute.")
    type_, *default = arguments.items
    value = plain(default[0].value) if default and default[0].is_constant else None
    return Attribute(parse_type(type_.text), required=False, default=value, description=item.comment)


def plain(value: Any) -> Any:
    """A constant of HCL as JSON can hold it: numbers that are no float lose what a float cannot hold."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int | float) else float(value)


def parse_number(text: str) -> int | float | Decimal | None:
    """The number that a text is, as JSON writes numbers; None when it is none, or larger than a float.

    Integers are exact. A Decimal is what a float would bend: nothing behind keeps it, and `Type.problem` refuses it.
    """
    if re.fullmatch(_INTEGER, text):
        return int(text)
    return exact(text) if NUMBER_TEXT.match(text) and math.isfinite(float(text)) else None


def exact(text: str) -> float | Decimal:
    """A number with fraction or exponent: as float where that keeps every digit (or is infinite), else as Decimal."""
    near = float(text)
    return near if not math.isfinite(near) or Decimal(repr(near)) == Decimal(text) else Decimal(text)


def is_kept(value: Any) -> bool:
    """Whether JSON keeps this constant of HCL: all but numbers that no float is."""
    if isinstance(value, Mapping):
        return all(map(is_kept, value.values()))
    return all(map(is_kept, value)) if isinstance(value, list | tuple) else not isinstance(value, Decimal)


# What each shape asks of a value


def _text(_: Type, value: Any) -> str | None:
    if not isinstance(value, str):
        return "Must be text."
    if len(value) > MAX_TEXT:
        return f"Must be at most {MAX_TEXT} characters long."
    for char in value:
        # Controls and format characters (NUL, bidirectional marks): no setting needs them, and they deceive readers.
        if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char not in "\n\t":
            return f"The character U+{ord(char):04X} is not allowed."
    return None


def _number(_: Type, value: Any) -> str | None:
    if isinstance(value, Decimal):
        return TOO_FINE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "Must be a number."
    if isinstance(value, float) and not math.isfinite(value):  # an integer can be too large to be asked
        return "Must be a number."
    return None if abs(value) < NUMBER_LIMIT else "This number is too large."


def _bool(_: Type, value: Any) -> str | None:
    return None if isinstance(value, bool) else "Must be true or false."


def _scalar(_: Type, value: Any) -> str | None:
    if isinstance(value, str):
        return STRING.problem(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return NUMBER.problem(value)
    return "Must be text, a number or true/false."


def _any(_: Type, value: Any, depth: int = 0) -> str | None:
    if depth > MAX_DEPTH:
        return f"Must not be nested deeper than {MAX_DEPTH}."
    if value is None or isinstance(value, str | bool | int | float | Decimal):
        return None if value is None else SCALAR.problem(value)
    if isinstance(value, Mapping):
        return _names(value) or next((p for v in value.values() if (p := _any(ANY, v, depth + 1))), None)
    return _count(value) or next((p for v in value if (p := _any(ANY, v, depth + 1))), None)


def _count(value: Any) -> str | None:
    if not isinstance(value, list | tuple):
        return "Must be a list."
    return f"Must have at most {MAX_ITEMS} items." if len(value) > MAX_ITEMS else None


def _names(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return "Must be names with values."
    if len(value) > MAX_ITEMS:
        return f"Must have at most {MAX_ITEMS} entries."
    for key in value:
        if not isinstance(key, str) or not key.strip():
            return "A name must not be empty."
        if problem := STRING.problem(key):
            return f"{shown(key, 40)}: {problem}"
    return None


def _list(type_: Type, value: Any) -> str | None:
    element = type_.element or SCALAR
    return _count(value) or next((p for item in value if (p := element.problem(item))), None)


def _tuple(type_: Type, value: Any) -> str | None:
    if problem := _count(value):
        return problem
    if len(value) != len(type_.elements):
        return f"Must have {len(type_.elements)} items."
    return next((p for t, item in zip(type_.elements, value, strict=True) if (p := t.problem(item))), None)


def _map(type_: Type, value: Any) -> str | None:
    element = type_.element or SCALAR
    if problem := _names(value):
        return problem
    return next((f"{shown(k, 40)}: {p}" for k, v in value.items() if (p := element.problem(v))), None)


def _object(type_: Type, value: Any) -> str | None:
    if problem := _names(value):
        return problem
    for name in value:
        if name not in type_.attributes:
            return f"{shown(name, 40)}: There is no such name. Names: {', '.join(type_.attributes)}."
    for name, attribute in type_.attributes.items():
        if name not in value:
            if attribute.required:
                return f"{name}: {REQUIRED}"
        elif not (value[name] is None and not attribute.required) and (p := attribute.type.problem(value[name])):
            return f"{name}: {p}"
    return None


_PROBLEMS: dict[Shape, Callable[[Type, Any], str | None]] = {
    "string": _text,
    "number": _number,
    "bool": _bool,
    "scalar": _scalar,
    "any": _any,
    "list": _list,
    "tuple": _tuple,
    "map": _map,
    "object": _object,
}
