"""Parameters: what a person may set, derived from the pattern's own interface files.

Every constant of `locals.tf`, or every variable, that Stackyard does not fill itself is a parameter. Its comment is its
description, its parent is its group, and annotations or `pattern.yaml` may narrow it. A setting is a dotted path with a
value, for example `container.cpu = 512`; only settings that differ from the default are kept.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackyard import hcl
from stackyard.errors import Invalid, Problem, meant, shown
from stackyard.patterns.evaluate import UNKNOWN, holds
from stackyard.patterns.interface import Interface, Offer, Rule, bare, is_below, overlaid
from stackyard.patterns.manifest import Manifest, Overlay, Scalar
from stackyard.patterns.positions import Trouble
from stackyard.patterns.types import REQUIRED, Kind, Type, type_of_kind

FIXED = "This is fixed by the platform team."


@dataclass(frozen=True)
class Parameter:
    """One setting that a person may give. `kind` tells the widget, `type` what exactly a value must be.

    `required`: the pattern has no default. `nullable`: null is a value as well. `rules`: `validation` of the variable
    that it belongs to; `unknown`: what Stackyard fills in of that variable later.
    """

    path: str
    kind: Kind
    default: Any
    description: str = ""
    title: str = ""
    group: str = ""
    enum: tuple[Scalar, ...] = ()
    min: float | None = None
    max: float | None = None
    pattern: str = ""
    unit: str = ""
    advanced: bool = False
    hidden: bool = False
    locked: bool = False
    secret: bool = False
    depends_on: Mapping[str, Scalar | tuple[Scalar, ...]] = field(default_factory=dict)
    type: Type | None = None
    required: bool = False
    nullable: bool = False
    rules: tuple[Rule, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def shape(self) -> Type:
        """What a value must be."""
        return self.type or type_of_kind(self.kind)

    def check(self, value: Any) -> str | None:
        """The rule that `value` breaks, in words; None when it is acceptable."""
        if self.locked:
            return FIXED
        if value is None and self.nullable:
            return None
        return self.shape.problem(value) or self._narrower(value)

    def _narrower(self, value: Any) -> str | None:
        if self.enum and not any(same(value, allowed) for allowed in self.enum):
            return f"Choose one of {', '.join(map(str, self.enum))}."
        if self.kind == "number":
            return self._check_range(value)
        if self.kind == "string" and self.pattern and not re.fullmatch(self.pattern, str(value)):
            return f"Must match {self.pattern}."
        return None

    def _check_range(self, value: float) -> str | None:
        unit = f" {self.unit}" if self.unit else ""
        if self.min is not None and value < self.min:
            return f"Must be at least {self.min:g}{unit}."
        if self.max is not None and value > self.max:
            return f"Must be at most {self.max:g}{unit}."
        return None


def make_parameters(interface: Interface, manifest: Manifest) -> tuple[Parameter, ...]:
    """The parameters of an interface: what neither `fills` nor `secrets` give, narrowed."""
    given = [bare(path) for path in manifest.fills]
    if manifest.interface == "variables.tf":
        given += manifest.secrets
    return tuple(
        _parameter(offer, overlay, given)
        for offer, overlay in overlaid(interface.offers, manifest)
        if not any(is_below(offer.name, path) for path in given)
    )


def _parameter(offer: Offer, overlay: Overlay, given: Iterable[str]) -> Parameter:
    type_ = type_of_kind(overlay.type) if overlay.type else offer.type
    variable = str(offer.path[0])
    return Parameter(
        path=offer.name,
        kind=type_.kind,
        default=offer.default,
        description=overlay.description or offer.description,
        title=overlay.title or str(offer.path[-1]).replace("_", " ").capitalize(),
        group=hcl.format_path(offer.path[:-1]),
        enum=overlay.enum or offer.enum,
        min=offer.min if overlay.min is None else overlay.min,
        max=offer.max if overlay.max is None else overlay.max,
        pattern=overlay.pattern,
        unit=overlay.unit,
        advanced=overlay.advanced,
        hidden=overlay.hidden,
        locked=overlay.locked,
        secret=overlay.secret or offer.secret,
        depends_on=overlay.depends_on,
        type=type_,
        required=offer.required,
        nullable=offer.nullable,
        rules=offer.rules,
        unknown=tuple(path for path in given if is_below(path, variable)),
    )


def no_such_setting(path: object, known: Iterable[str]) -> str:
    """That there is none of this path: with the one that may have been meant, else with all there are."""
    names = list(known)
    others = f"Settings: {', '.join(names) or 'none'}."
    return f"There is no such setting. {meant(path, names) or others}"


def check_settings(parameters: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check given settings (dotted path -> value) and return those that differ from their defaults.

    Raises Invalid with every problem; each field is the setting's path as `settings.<path>`. A `validation` counts as
    far as it can be worked out here; the rest is Terraform's.
    """
    listed = list(parameters)
    by_path = {p.path: p for p in listed if not p.hidden}
    problems: list[Problem] = []
    kept: dict[str, Any] = {}
    for path, value in given.items():
        parameter = by_path.get(path)
        if parameter is None:
            problems.append(Problem(f"settings.{shown(path, 120)}", no_such_setting(path, by_path)))
        elif not parameter.required and same(value, parameter.default):
            continue
        elif message := parameter.check(value):
            problems.append(Problem(f"settings.{path}", message))
        else:
            kept[path] = list(value) if isinstance(value, tuple) else value
    problems += [
        Problem(f"settings.{p.path}", REQUIRED) for p in by_path.values() if p.required and p.path not in given
    ]
    refused = {p.field.removeprefix("settings.") for p in problems}
    problems += _broken_rules(listed, kept, refused)
    if problems:
        raise Invalid(problems)
    return kept


def _broken_rules(parameters: list[Parameter], kept: Mapping[str, Any], refused: set[str]) -> list[Problem]:
    """Every `validation` that certainly does not hold, at the setting of its variable that was given.

    What was refused already counts as not known, so that nothing is said about a value that is none.
    """
    if not any(p.rules for p in parameters):
        return []
    variables: dict[str, Any] = {}
    for p in parameters:
        put(variables, hcl.parse_path(p.path), UNKNOWN if p.path in refused else kept.get(p.path, p.default))
        for path in p.unknown:
            put(variables, hcl.parse_path(path), UNKNOWN)
    owners: dict[Rule, str] = {}
    for p in parameters:
        for rule in p.rules:
            if rule not in owners or (p.path in kept and owners[rule] not in kept):
                owners[rule] = p.path
    broken = {path: rule.message for rule, path in owners.items() if holds(rule.condition, variables) is False}
    return [Problem(f"settings.{path}", message) for path, message in broken.items()]


def put(tree: dict[str, Any], path: hcl.Path, value: Any) -> None:
    """Set a value in nested dicts, which are made on the way."""
    for step in path[:-1]:
        below = tree.get(str(step))
        if not isinstance(below, dict):
            below = tree[str(step)] = {}
        tree = below
    tree[str(path[-1])] = value


def same(value: Any, default: Any) -> bool:
    """Equal in value and in type, however deep: 1 is not True, but 1 is 1.0, as in HCL."""
    if isinstance(value, Mapping) and isinstance(default, Mapping):
        return value.keys() == default.keys() and all(same(v, default[k]) for k, v in value.items())
    if isinstance(value, list | tuple) and isinstance(default, list | tuple):
        return len(value) == len(default) and all(map(same, value, default))
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)


# What can be wrong with a manifest, held against the interface

_FITS: Mapping[str, Callable[[Parameter], bool]] = {
    "min": lambda p: p.kind == "number",
    "max": lambda p: p.kind == "number",
    "pattern": lambda p: p.kind == "string",
    "enum": lambda p: p.kind in ("string", "number", "bool"),
}


def narrowing_troubles(
    parameters: Iterable[Parameter], line_of: Callable[[Parameter, str], Trouble]
) -> Iterable[Trouble]:
    """What in annotations and overlays makes no sense. `line_of` makes a trouble at a parameter's key."""
    listed = list(parameters)
    paths = {p.path for p in listed}
    for p in listed:
        for key, message in _senseless(p, paths):
            trouble = line_of(p, key)
            yield Trouble(trouble.file, trouble.line, f"{p.path}: {message}")


def _senseless(p: Parameter, paths: set[str]) -> Iterable[tuple[str, str]]:
    for key, fits in _FITS.items():
        if getattr(p, key) not in (None, "", ()) and not fits(p):
            yield key, f"`{key}` does not go with a {p.kind}."
    if p.min is not None and p.max is not None and p.min > p.max:
        yield "min", "`min` is larger than `max`."
    for value in p.enum if _FITS["enum"](p) else ():
        if p.shape.problem(value):
            yield "enum", f"`enum` holds {value!r}, which is no {p.kind}."
    try:
        re.compile(p.pattern)
    except re.error as error:
        yield "pattern", f"`pattern` is not a regular expression: {error}."
    for other in p.depends_on:
        if bare(other) not in paths:
            yield "depends_on", f"`depends_on` names '{other}', which is no parameter."
    if p.required and (p.hidden or p.locked):
        yield "hidden" if p.hidden else "locked", "It has no default, so somebody must be able to give it."
