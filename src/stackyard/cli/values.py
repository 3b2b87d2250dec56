"""Settings of the command line: `--set path=value` and YAML files, typed by what the pattern's parameters are.

A value for a text parameter stays the text that was written (`image=123`, `tag=1.10`, `zone=no`). Numbers and
true/false become what they say; a number that would lose digits is refused. Lists and maps are written as YAML (`[443,
5432]`, `{A: x}`); an entry of a map can be given alone (`container.environment.MODE=dev`) and is text. What does not
fit is sent as it is, so that the server names the rule.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from stackyard import hcl
from stackyard.errors import Invalid, Problem
from stackyard.patterns.types import NUMBER_TEXT, TOO_FINE, parse_number


class _Core(yaml.SafeLoader):
    """YAML 1.2's few types: `no`, `012`, `1:30` and dates stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node; aliases are refused, because a short text of them can stand for any amount of data."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read here")
        return super().compose_node(parent, index)


class _TooFine(ValueError):
    """A number that would lose digits."""


def _number(text: str) -> Any:
    number = parse_number(text)
    if isinstance(number, Decimal):
        raise _TooFine
    return text if number is None else number


_Core.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"(true|false)\Z"), list("tf"))
_Core.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER_TEXT, list("-0123456789"))
_Core.add_constructor("tag:yaml.org,2002:float", lambda _, node: _number(node.value))


@dataclass(frozen=True)
class Interface:
    """The parameters of a pattern, as far as typing needs them."""

    kinds: Mapping[str, str]
    defaults: Mapping[str, Any]

    @classmethod
    def of(cls, parameters: Iterable[Mapping[str, Any]]) -> "Interface":
        """From the API's description."""
        listed = list(parameters)
        return cls({p["path"]: p["kind"] for p in listed}, {p["path"]: p["default"] for p in listed})

    def map_above(self, path: str) -> str:
        """The map parameter that `path` is an entry of, or an empty text."""
        if path in self.kinds:
            return ""
        return next((p for p, kind in self.kinds.items() if kind == "map" and path.startswith(f"{p}.")), "")

    def address(self, path: str) -> str:
        """A path as the API takes it: the name of a map's entry is quoted where it holds dots or the like."""
        above = self.map_above(path)
        return hcl.format_path((*hcl.parse_path(above), path[len(above) + 1 :])) if above else path


def read_settings(
    parameters: Iterable[Mapping[str, Any]], assignments: Sequence[str], file: Path | None = None
) -> dict[str, Any]:
    """Dotted path -> value, as the API takes them. Raises Invalid that names the assignment or the file."""
    interface = Interface.of(parameters)
    settings = _from_file(interface, file) if file is not None else {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        path = path.strip()
        if not equals or not path:
            raise Invalid.field("--set", f"'{assignment}' is not PATH=VALUE, such as container.cpu=512.")
        if above := interface.map_above(path):
            _add_entry(settings, interface, above, path, text)
        else:
            settings[path] = _typed(interface.kinds.get(path, "string"), text, path)
    return settings


def _add_entry(settings: dict[str, Any], interface: Interface, above: str, path: str, text: str) -> None:
    """Add one entry to a map setting, which starts from the pattern's default."""
    start = settings.get(above, interface.defaults[above])
    settings[above] = {**(start if isinstance(start, dict) else {}), path[len(above) + 1 :]: text}


def _typed(kind: str, text: str, path: str) -> Any:
    """A value as its parameter's kind; as it was written when it is none."""
    if kind == "bool":
        return {"true": True, "false": False}.get(text.strip().lower(), text)
    if kind in {"number", "list", "map"}:
        try:
            if kind == "number":
                return _number(text.strip())
            return yaml.load(text, _Core)  # noqa: S506  (_Core is a SafeLoader)
        except _TooFine:
            raise Invalid.field(f"settings.{path}", TOO_FINE) from None
        except (yaml.YAMLError, RecursionError):
            example = "[443, 5432]" if kind == "list" else "{NAME: value}"
            raise Invalid.field(f"settings.{path}", f"Is not YAML; write a {kind} such as {example}.") from None
    return text


def _from_file(interface: Interface, file: Path) -> dict[str, Any]:
    """A YAML file: dotted paths or nested names, as one likes."""
    try:
        tree = yaml.compose(file.read_text(encoding="utf-8"), _Core)
    except OSError as error:
        raise Invalid.field("--settings", f"{file} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid.field("--settings", f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if tree is None:
        return {}
    if not isinstance(tree, yaml.MappingNode):
        raise Invalid.field("--settings", f"{file} must hold names with values.")
    settings: dict[str, Any] = {}
    problems: list[Problem] = []
    waiting = [("", tree)]
    while waiting:
        prefix, node = waiting.pop()
        for key, value in node.value:
            path = f"{prefix}{key.value}"
            if path in settings:
                problems.append(Problem(f"settings.{path}", "Is given twice."))
            elif path not in interface.kinds and isinstance(value, yaml.MappingNode):
                waiting.append((f"{path}.", value))
            elif (above := interface.map_above(path)) and isinstance(value, yaml.ScalarNode):
                _add_entry(settings, interface, above, path, value.value)
            else:
                try:
                    settings[path] = _from_node(interface.kinds.get(path, ""), value)
                except _TooFine:
                    problems.append(Problem(f"settings.{path}", TOO_FINE))
    if problems:
        raise Invalid(problems)
    return settings


def _from_node(kind: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        if kind == "string":
            return node.value
        if kind == "number":
            return _number(node.value)
    maker = _Core("")
    try:
        return maker.construct_document(node)
    finally:
        maker.dispose()
