"""Parameters: what a person may set, derived from the pattern's own interface file.

Every constant leaf of the `locals` that Stackyard does not fill itself is a parameter. Its comment is its description,
its parent is its group, and `pattern.yaml` may narrow it. A setting is a dotted path below `locals` with a value, for
example `container.cpu = 512`; only settings that differ from the default are kept.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stackyard import hcl
from stackyard.errors import Invalid, Problem, Unusable, shown
from stackyard.patterns.manifest import Manifest, Overlay, Scalar

Kind = Literal["string", "number", "bool", "list", "map"]
MAX_TEXT = 4096
MAX_ITEMS = 100


@dataclass(frozen=True)
class Parameter:
    """One setting that a person may give."""

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

    def check(self, value: Any) -> str | None:
        """The rule that `value` breaks, in words; None when it is acceptable."""
        if self.locked:
            return "This is fixed by the platform team."
        wrong = _WRONG_KIND[self.kind](value)
        if wrong:
            return wrong
        if self.enum and value not in self.enum:
            return f"Choose one of {', '.join(map(str, self.enum))}."
        if self.kind == "number":
            return self._check_range(value)
        if self.kind == "string" and self.pattern and not re.fullmatch(self.pattern, value):
            return f"Must match {self.pattern}."
        return None

    def _check_range(self, value: float) -> str | None:
        unit = f" {self.unit}" if self.unit else ""
        if self.min is not None and value < self.min:
            return f"Must be at least {self.min:g}{unit}."
        if self.max is not None and value > self.max:
            return f"Must be at most {self.max:g}{unit}."
        return None


def _text_problem(value: Any) -> str | None:
    if not isinstance(value, str):
        return "Must be text."
    if len(value) > MAX_TEXT:
        return f"Must be at most {MAX_TEXT} characters long."
    for char in value:
        # Controls and format characters (NUL, bidirectional marks): no setting needs them, and they deceive readers.
        if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char not in "\n\t":
            return f"The character U+{ord(char):04X} is not allowed."
    return None


def _number_problem(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "Must be a number."
    if isinstance(value, float) and not math.isfinite(value):  # an integer can be too large to be asked
        return "Must be a number."
    return None if abs(value) < 1e15 else "This number is too large."


def _list_problem(value: Any) -> str | None:
    if not isinstance(value, list | tuple):
        return "Must be a list."
    if len(value) > MAX_ITEMS:
        return f"Must have at most {MAX_ITEMS} items."
    return next((p for item in value if (p := _scalar_problem(item))), None)


def _map_problem(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return "Must be names with values."
    if len(value) > MAX_ITEMS:
        return f"Must have at most {MAX_ITEMS} entries."
    for key, item in value.items():
        if not isinstance(key, str) or not key.strip():
            return "A name must not be empty."
        problem = _text_problem(key) or _scalar_problem(item)
        if problem:
            return f"{shown(key, 40)}: {problem}"
    return None


def _scalar_problem(value: Any) -> str | None:
    if isinstance(value, str):
        return _text_problem(value)
    return None if isinstance(value, bool) else _number_problem(value) and "Must be text, a number or true/false."


_WRONG_KIND = {
    "string": _text_problem,
    "number": _number_problem,
    "bool": lambda value: None if isinstance(value, bool) else "Must be true or false.",
    "list": _list_problem,
    "map": _map_problem,
}


def read_parameters(file: Path, manifest: Manifest) -> tuple[Parameter, ...]:
    """The parameters of an interface file, narrowed by the manifest.

    Raises Unusable when the file is not HCL or the manifest names a path that the file does not have.
    """
    where = f"{file.parent.name}/{file.name}"
    try:
        tree = hcl.File.parse(file.read_bytes(), where)
    except FileNotFoundError:
        raise Unusable(f"{where} is missing.", hint="It is the pattern's interface; see docs/patterns.md.") from None
    except hcl.HclError as error:
        raise Unusable(str(error)) from None
    filled = {_below_locals(path) for path in manifest.fills}
    overlays = {_below_locals(path): overlay for path, overlay in manifest.parameters.items()}
    found: dict[str, Parameter] = {}
    known: set[str] = set()
    for leaf in hcl.leaves(tree):
        if leaf.path[0] != "locals":
            continue
        path = hcl.format_path(leaf.path[1:])
        known.add(path)
        if not any(path == f or path.startswith(f"{f}.") for f in filled):
            found[path] = _parameter(path, leaf.value, leaf.comment, overlays.get(path, Overlay()))
    for path in overlays.keys() - found.keys():
        raise Unusable(f"{file.parent.name}/pattern.yaml: parameters: '{path}' is not a constant in {where}.")
    for path in filled:
        if not any(k == path or k.startswith(f"{path}.") for k in known):
            raise Unusable(f"{file.parent.name}/pattern.yaml: fills: '{path}' is not in {where}.")
    return tuple(found.values())


def _below_locals(path: str) -> str:
    return path.removeprefix("locals.")


def _parameter(path: str, default: Any, comment: str, overlay: Overlay) -> Parameter:
    kind = overlay.type or _kind_of(default)
    group, _, last = path.rpartition(".")
    return Parameter(
        path=path,
        kind=kind,
        default=default,
        description=overlay.description or comment,
        title=overlay.title or last.replace("_", " ").capitalize(),
        group=group,
        **overlay.model_dump(exclude={"title", "description", "type"}),
    )


def _kind_of(default: Any) -> Kind:
    if isinstance(default, bool):
        return "bool"
    if isinstance(default, int | float):
        return "number"
    if isinstance(default, list | tuple):
        return "list"
    return "map" if isinstance(default, Mapping) else "string"


def check_settings(parameters: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check given settings (dotted path -> value) and return those that differ from their defaults.

    Raises Invalid with every problem; each field is the setting's path as `settings.<path>`.
    """
    by_path = {p.path: p for p in parameters if not p.hidden}
    problems: list[Problem] = []
    kept: dict[str, Any] = {}
    for path, value in given.items():
        parameter = by_path.get(path)
        if parameter is None:
            known = ", ".join(by_path) or "none"
            problems.append(Problem(f"settings.{shown(path, 120)}", f"There is no such setting. Settings: {known}."))
        elif _same(value, parameter.default):
            continue
        elif message := parameter.check(value):
            problems.append(Problem(f"settings.{path}", message))
        else:
            kept[path] = list(value) if isinstance(value, tuple) else value
    if problems:
        raise Invalid(problems)
    return kept


def _same(value: Any, default: Any) -> bool:
    """Equal in value and in type: 1 is not True, but 1 is 1.0, as in HCL."""
    return isinstance(value, bool) == isinstance(default, bool) and bool(value == default)
