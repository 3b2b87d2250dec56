"""The settings of a pattern as fields of an HTML form, and back.

The form is only about text and check boxes; what a value must be is the parameter's own rule (`Parameter.check`), told
by `check_settings`, so page, API and CLI refuse the same things in the same words. An absent check box means False here
and nowhere else.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.http import QueryDict

from stackyard import hcl
from stackyard.errors import Problem, shown
from stackyard.patterns.parameters import Parameter
from stackyard.patterns.types import plain
from stackyard.portal.forms.nested import NotJson, example_of, problems_of
from stackyard.portal.forms.texts import Rows, Widget, as_text, from_text, rows_to_map, same, to_text, widget_for

PREFIX = "settings."
_ABBREVIATIONS = {
    name: name.upper() for name in ("alb", "cdn", "dns", "ecr", "ecs", "iam", "rds", "s3", "vpc", "waf")
} | {"github": "GitHub"}
_WIDE = {"rows", "lines", "json", "paragraph"}
EXPRESSION = "This is written as an expression in the record; change it there."
NOT_KEPT = "This is not kept in the code and cannot be changed afterwards."


@dataclass(frozen=True)
class SettingField:
    """One parameter as a form field. `like`: the value that it was filled with at first, which decides the widget.

    `value`: what it shows: text, a bool for switches, pairs of text for rows. `fixed`: why it cannot be set here; then
    it is text, whatever the parameter is.
    """

    parameter: Parameter
    number: int
    like: Any
    value: Any = None
    error: str = ""
    fixed: str = ""

    @property
    def name(self) -> str:
        """Name of the input, and the field in a Problem."""
        return PREFIX + self.parameter.path

    @property
    def id(self) -> str:
        """Its id on the page."""
        return f"setting-{self.number}"

    @property
    def widget(self) -> Widget:
        """Which kind of input it is."""
        return "text" if self.fixed else widget_for(self.parameter, self.like)

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
        return self.widget in _WIDE

    @property
    def text_rows(self) -> int:
        """The height of a text area, in lines."""
        return min(max(str(self.value or "").count("\n") + 1, 3), 16)

    @property
    def default_text(self) -> str:
        """The pattern's own value, where the field does not show it by itself."""
        return as_text(self.parameter.default) if self.widget in {"text", "number", "select"} else ""

    @property
    def own(self) -> bool:
        """It was filled with something else than the pattern's value."""
        return bool(self.like != self.parameter.default) and not self.fixed

    @property
    def example(self) -> str:
        """For JSON: a value of the right shape; the pattern's own where that says more than its type."""
        own = to_text(self.parameter, self.parameter.default) if self.parameter.default else ""
        return example_of(self.parameter.shape) or (own if isinstance(own, str) else "")

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
    def fields(self) -> list[SettingField]:
        """All of them, wherever they stand."""
        return [field for group in (*self.groups, *self.advanced) for field in group.fields]

    @property
    def advanced_count(self) -> int:
        """How many fields are folded away."""
        return sum(len(group.fields) for group in self.advanced)

    @property
    def advanced_open(self) -> bool:
        """A refused field must not be hidden."""
        return any(f.error for group in self.advanced for f in group.fields)


def settings_form(
    parameters: Iterable[Parameter],
    posted: QueryDict | None = None,
    errors: Mapping[str, str] | None = None,
    current: Mapping[str, Any] | None = None,
    written: Mapping[str, str] | None = None,
    wished: Mapping[str, Any] | None = None,
) -> SettingsForm:
    """The form: with the pattern's values; or with the `current` ones of an environment, of which some are `written` as
    expressions, and over them those that are `wished` already; or with what was posted and why it was refused."""
    fields = []
    for number, parameter in enumerate(p for p in parameters if not p.hidden):
        like, fixed = parameter.default, ""
        if current is not None:
            like, fixed = current.get(parameter.path), _why_fixed(parameter, current)
        blank = SettingField(parameter, number, like, fixed=fixed)
        sent = None if parameter.locked else posted
        if fixed:
            value = (written or {}).get(parameter.path, "")
        elif sent is None:
            value = _shown(blank, (wished or {}).get(parameter.path, like))
        else:
            value = _as_posted(sent, blank)
        error = (errors or {}).get(blank.name, "")
        fields.append(SettingField(parameter, number, like, value, error, fixed))
    return SettingsForm(
        groups=_groups(f for f in fields if not f.parameter.advanced),
        advanced=_groups(f for f in fields if f.parameter.advanced),
    )


def _shown(field: SettingField, value: Any) -> Any:
    """A value in the widget of the field; one that does not go into it is not shown."""
    fits = widget_for(field.parameter, value) == field.widget
    return to_text(field.parameter, value if fits else field.like)


def _why_fixed(parameter: Parameter, current: Mapping[str, Any]) -> str:
    if parameter.path in current:
        return ""
    return NOT_KEPT if parameter.secret else EXPRESSION


def parse_settings(parameters: Iterable[Parameter], posted: QueryDict) -> tuple[dict[str, Any], list[Problem]]:
    """Posted text as typed values, by path; what cannot be typed stays text, and `check_settings` refuses it.

    Problems are only those that a dict of values cannot express: a name given twice, text that is not JSON.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for parameter in parameters:
        if parameter.hidden or parameter.locked:
            continue
        found = _read(SettingField(parameter, 0, parameter.default), posted, problems)
        # Left empty where the pattern has no value of its own: not given. What is required is then missed by its rule.
        if found and not (parameter.default is None and (found[0] is False or found[0] in ("", [], {}))):
            values[parameter.path] = found[0]
    return values, problems


def changed_settings(
    parameters: Iterable[Parameter], posted: QueryDict, current: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...], list[Problem]]:
    """Of a form that was filled with `current` only what the person changed: (path -> new value, paths that go back to
    the default or, for entries of maps, away, problems as in `parse_settings`)."""
    wanted: dict[str, Any] = {}
    unset: list[str] = []
    problems: list[Problem] = []
    for parameter in parameters:
        if parameter.hidden or parameter.locked or _why_fixed(parameter, current):
            continue
        now = current[parameter.path]
        field = SettingField(parameter, 0, now)
        as_shown = _line_ends(_as_posted(posted, field)) == _line_ends(to_text(parameter, now))
        if as_shown and field.widget != "password":
            continue
        found = _read(field, posted, problems)
        if found is None or same(found[0], plain(now)):
            continue
        if parameter.default is None and found[0] in ("", [], {}):
            unset.append(parameter.path)
        elif field.widget == "rows" and isinstance(now, Mapping):
            _changed_entries(parameter.path, now, found[0], wanted, unset)
        else:
            wanted[parameter.path] = found[0]
    return wanted, tuple(unset), problems


def _changed_entries(
    path: str, now: Mapping[str, Any], then: Mapping[str, Any], wanted: dict[str, Any], unset: list[str]
) -> None:
    """Entry by entry, so that entries which others add meanwhile stay."""
    steps = hcl.parse_path(path)
    unset += [hcl.format_path((*steps, key)) for key in now if key not in then]
    for key, value in then.items():
        if key not in now or as_text(now[key]) != as_text(value):
            wanted[hcl.format_path((*steps, key))] = value


def _read(field: SettingField, posted: QueryDict, problems: list[Problem]) -> tuple[Any] | None:
    """The value of one field; None where nothing was sent for it, or nothing that is a value (then with a problem)."""
    if field.widget == "switch":
        return (field.name in posted,)
    if field.widget == "rows":
        rows = [(k.strip(), v) for k, v in _rows(posted, field.name) if k.strip() or v]
        names = [k for k, _ in rows]
        if twice := next((n for n in names if names.count(n) > 1), None):
            problems.append(Problem(field.name, f"{shown(twice, 40)} is given twice."))
        return (rows_to_map(rows, field.parameter, field.like),)
    text = posted.get(field.name)
    if text is None or (field.widget == "password" and not text):
        return None  # left empty, a secret stays what it is
    if field.widget == "json" and not text.strip():
        return (field.parameter.default,)
    try:
        value = from_text(field.parameter, text, field.like)
    except NotJson as error:
        problems.append(Problem(field.name, str(error)))
        return None
    if field.widget == "json" and value is not None and (wrong := problems_of(field.parameter.shape, value)):
        problems.append(Problem(field.name, "\n".join(wrong)))
        return None
    return (value,)


def _as_posted(posted: QueryDict, field: SettingField) -> Any:
    if field.widget == "switch":
        return field.name in posted
    if field.widget == "rows":
        return [(k, v) for k, v in _rows(posted, field.name) if k or v]
    sent = posted.get(field.name) if field.widget != "password" else None
    return to_text(field.parameter, field.like) if sent is None else sent


def _rows(posted: QueryDict, name: str) -> Rows:
    return list(zip(posted.getlist(f"{name}:name"), posted.getlist(f"{name}:value"), strict=False))


def _line_ends(value: Any) -> Any:
    """Browsers send line ends as CRLF (HTML, form-data set)."""
    if isinstance(value, list):
        return [(k, v.replace("\r\n", "\n")) for k, v in value]
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


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
