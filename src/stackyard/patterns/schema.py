"""The settings of a pattern as JSON Schema 2020-12, for programs: https://json-schema.org/draft/2020-12

The schema says what `check_settings` checks, but for two things that it cannot say: characters that no text may hold
(controls, format marks), and the `validation` rules of variables beyond enum, min and max.
"""

from typing import Any, Protocol

from stackyard.patterns.parameters import Parameter
from stackyard.patterns.types import MAX_ITEMS, MAX_TEXT, NUMBER_LIMIT, Type

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Described(Protocol):
    """What of a pattern the schema tells."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def parameters(self) -> tuple[Parameter, ...]: ...


def json_schema(pattern: Described) -> dict[str, Any]:
    """The schema of the object `settings` in a request for an environment: dotted path -> value.

    What belongs to the form and not to the value (group, unit, advanced, depends_on) stands under `x-stackyard`.
    """
    shown = [p for p in pattern.parameters if not p.hidden]
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"urn:stackyard:pattern:{pattern.name}:{pattern.version}",
        "title": f"Settings of {pattern.title}",
        "type": "object",
        "properties": {p.path: parameter_schema(p) for p in shown},
        "additionalProperties": False,
    }
    if required := [p.path for p in shown if p.required]:
        schema["required"] = required
    return schema


def parameter_schema(parameter: Parameter) -> dict[str, Any]:
    """The schema of one setting."""
    schema: dict[str, Any] = {"title": parameter.title}
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.secret:
        schema["writeOnly"] = True
    elif not parameter.required:
        schema["default"] = parameter.default
    hints = {
        "group": parameter.group,
        "unit": parameter.unit,
        "advanced": parameter.advanced,
        "depends_on": {k: list(v) if isinstance(v, tuple) else [v] for k, v in parameter.depends_on.items()},
    }
    if hints := {key: value for key, value in hints.items() if value}:
        schema["x-stackyard"] = hints
    if parameter.locked:
        return schema | {"const": parameter.default, "readOnly": True}
    rule = type_schema(parameter.shape) | _narrower(parameter)
    # The default is always accepted (null above all), whatever the rules say.
    if parameter.nullable or (parameter.default is None and not parameter.required):
        return schema | {"anyOf": [rule, {"type": "null"}]}
    return schema | rule


def _narrower(parameter: Parameter) -> dict[str, Any]:
    rule: dict[str, Any] = {}
    if parameter.enum:
        rule["enum"] = list(parameter.enum)
    if parameter.kind == "number" and parameter.min is not None:
        rule["minimum"] = parameter.min
    if parameter.kind == "number" and parameter.max is not None:
        rule["maximum"] = parameter.max
    if parameter.kind == "string" and parameter.pattern:
        # Ours has to match as a whole. `$` alone would, to some readers, leave a line break at the end.
        rule["pattern"] = rf"^(?:{parameter.pattern})$(?![\s\S])"
    return rule


def type_schema(type_: Type) -> dict[str, Any]:
    """The schema of a type."""
    text = {"type": "string", "maxLength": MAX_TEXT}
    number = {"type": "number", "exclusiveMinimum": -NUMBER_LIMIT, "exclusiveMaximum": NUMBER_LIMIT}
    names = {"minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}
    element = type_schema(type_.element) if type_.element else {}
    match type_.shape:
        case "string":
            return text
        case "number":
            return number
        case "bool":
            return {"type": "boolean"}
        case "scalar":
            return {"anyOf": [text, number, {"type": "boolean"}]}
        case "list":
            return {"type": "array", "items": element, "maxItems": MAX_ITEMS}
        case "tuple":
            items = [type_schema(t) for t in type_.elements]
            sizes = {"minItems": len(items), "maxItems": len(items)}
            return {"type": "array", **({"prefixItems": items} if items else {}), **sizes}
        case "map":
            limits = {"maxProperties": MAX_ITEMS, "propertyNames": names}
            return {"type": "object", "additionalProperties": element, **limits}
        case "object":
            return _object_schema(type_)
        case "any":
            return {"type": ["string", "number", "boolean", "array", "object", "null"]}


def _object_schema(type_: Type) -> dict[str, Any]:
    properties = {}
    for name, attribute in type_.attributes.items():
        inner = type_schema(attribute.type)
        properties[name] = inner if attribute.required else {"anyOf": [inner, {"type": "null"}]}
    required = [name for name, attribute in type_.attributes.items() if attribute.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
