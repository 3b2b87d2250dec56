"""The settings of a pattern as fields of an HTML form, and back.

The form is only about text and check boxes; what a value must be is the parameter's own rule (`Parameter.check`), told
by `check_settings`, so page, API and CLI refuse the same things in the same words. An absent check box means False here
and nowhere else.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import QueryDict

from stackyard.errors import Problem
from stackyard.patterns.parameters import Parameter

PREFIX = "settings."
_INTEGER = re.compile(r"-?[0-9]{1,15}\Z")
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}\Z")
_ABBREVIATIONS = {name: name.upper() for name in ("alb", "cdn", "dns", "ecr", "ecs", "iam", "rds", "s3", "vpc", "waf")}
WIDE = {"rows", "lines"}


@dataclass(frozen=True)
class SettingField:
    """One parameter as a form field. `value`: text, a bool for switches, pairs of text for rows."""

    parameter: Parameter
    number: int
    value: Any
    error: str = ""

    @property
    def name(self) -> str:
        """Name of the input, and the field in a Problem."""
        return PREFIX + self.parameter.path

    @property
    def id(self) -> str:
        """Its id on the page."""
        return f"setting-{self.number}"

    @property
    def widget(self) -> str:
        """Which kind of input it is."""
        if self.parameter.kind == "bool":
            return "switch"
        if self.parameter.enum:
            return "select"
        if self.parameter.kind == "string":
            return "password" if self.parameter.secret else "text"
        return {"number": "number", "list": "lines", "map": "rows"}[self.parameter.kind]

    @property
    def choices(self) -> list[str]:
        """The texts of an enum."""
        return [as_text(value) for value in self.parameter.enum]

    @property
    def step(self) -> str:
        """`1` where the pattern's own value is whole, else any."""
        return "1" if isinstance(self.parameter.default, int) else "any"

    @property
    def wide(self) -> bool:
        """Takes a whole row of the form."""
        return self.widget in WIDE

    @property
    def default_text(self) -> str:
        """The pattern's own value, where the field does not show it by itself."""
        return as_text(self.parameter.default) if self.widget in {"text", "number", "select"} else ""

    @property
    def depends_json(self) -> str:
        """What other settings must be for this one to count, for the page's script; empty when nothing."""
        wanted = {
            path: list(values) if isinstance(values, list | tuple) else [values]
            for path, values in self.parameter.depends_on.items()
        }
        return json.dumps(wanted) if wanted else ""


@dataclass(frozen=True)
class Group:
    """Fields below one heading."""

    title: str
    fields: tuple[SettingField, ...]


@dataclass(frozen=True)
class SettingsForm:
    """All fields of a pattern: those that everybody sees, and the advanced ones."""

    groups: tuple[Group, ...]
    advanced: tuple[Group, ...]

    @property
    def advanced_count(self) -> int:
        """How many fields are folded away."""
        return sum(len(group.fields) for group in self.advanced)

    @property
    def advanced_open(self) -> bool:
        """A refused field must not be hidden."""
        return any(f.error for group in self.advanced for f in group.fields)


def settings_form(
    parameters: Iterable[Parameter], posted: QueryDict | None = None, errors: Mapping[str, str] | None = None
) -> SettingsForm:
    """The form: with the pattern's values, or with what was posted and why it was refused."""
    fields = []
    for number, parameter in enumerate(p for p in parameters if not p.hidden):
        field = SettingField(parameter, number, None)
        sent = posted is not None and not parameter.locked
        value = _as_posted(posted, field) if sent and posted is not None else _as_default(field)
        fields.append(SettingField(parameter, number, value, (errors or {}).get(field.name, "")))
    return SettingsForm(
        groups=_groups(f for f in fields if not f.parameter.advanced),
        advanced=_groups(f for f in fields if f.parameter.advanced),
    )


def parse_settings(parameters: Iterable[Parameter], posted: QueryDict) -> tuple[dict[str, Any], list[Problem]]:
    """Posted text as typed values, by path; what cannot be typed stays text, and `check_settings` refuses it.

    Problems are only those that a dict of values cannot express: a name given twice.
    """
    values: dict[str, Any] = {}
    problems = []
    for parameter in parameters:
        field = SettingField(parameter, 0, None)
        if parameter.hidden or parameter.locked:
            continue
        if field.widget == "switch":
            values[parameter.path] = field.name in posted
        elif field.widget == "rows":
            pairs = [(k.strip(), v) for k, v in _rows(posted, field.name) if k.strip() or v]
            names = [k for k, _ in pairs]
            if twice := next((n for n in names if names.count(n) > 1), None):
                problems.append(Problem(field.name, f"{as_text(twice)[:40]} is given twice."))
            like = list(parameter.default.values()) if isinstance(parameter.default, Mapping) else []
            values[parameter.path] = {k: _like(v, like) for k, v in pairs}
        elif field.name in posted:
            values[parameter.path] = _typed(posted.get(field.name, ""), field)
        # Left empty where the pattern has no value of its own: not given. What is required is then missed by its rule.
        value = values.get(parameter.path)
        if parameter.default is None and (value is False or value in ("", [], {})):
            values.pop(parameter.path, None)
    return values, problems


def as_text(value: Any) -> str:
    """A scalar as it stands in a text field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _as_default(field: SettingField) -> Any:
    default = field.parameter.default
    if field.widget == "switch":
        return bool(default)
    if field.widget == "rows":
        return [(str(k), as_text(v)) for k, v in default.items()] if isinstance(default, Mapping) else []
    if field.widget == "lines":
        return "\n".join(as_text(v) for v in default) if isinstance(default, list | tuple) else ""
    return as_text(default)


def _as_posted(posted: QueryDict, field: SettingField) -> Any:
    if field.widget == "switch":
        return field.name in posted
    if field.widget == "rows":
        return [(k, v) for k, v in _rows(posted, field.name) if k or v]
    return posted.get(field.name) if field.name in posted else _as_default(field)


def _rows(posted: QueryDict, name: str) -> list[tuple[str, str]]:
    return list(zip(posted.getlist(f"{name}:name"), posted.getlist(f"{name}:value"), strict=False))


def _typed(text: str, field: SettingField) -> Any:
    if field.widget == "select" and (known := [v for v in field.parameter.enum if as_text(v) == text]):
        return known[0]
    if field.parameter.kind == "number":
        return _number(text.strip())
    if field.widget == "lines":
        default = field.parameter.default
        like = list(default) if isinstance(default, list | tuple) else []
        return [_like(line.strip(), like) for line in text.splitlines() if line.strip()]
    # Browsers send line ends as CRLF (HTML, form-data set); a text field has none.
    return text.replace("\r\n", "\n")


def _number(text: str) -> int | float | str:
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text


def _like(text: str, examples: list[Any]) -> Any:
    """A number where all of the pattern's own values are numbers, else text."""
    numbers = examples and all(isinstance(e, int | float) and not isinstance(e, bool) for e in examples)
    return _number(text) if numbers else text


def _groups(fields: Iterable[SettingField]) -> tuple[Group, ...]:
    ordered = list(fields)
    first = {f.parameter.group: i for i, f in reversed(list(enumerate(ordered)))}
    ordered.sort(key=lambda f: first[f.parameter.group])  # a group whose fields are scattered stays one group
    return tuple(
        Group(_title(group), tuple(members)) for group, members in groupby(ordered, lambda f: f.parameter.group)
    )


def _title(group: str) -> str:
    words = (_ABBREVIATIONS.get(part, part.replace("_", " ").capitalize()) for part in group.split("."))
    return ", ".join(words) if group else "General"
