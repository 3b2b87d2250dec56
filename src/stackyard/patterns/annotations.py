"""Annotations in comments: what narrows a parameter, beside the value that it narrows.

    # Memory of one task.
    # @title Memory @unit MiB @min 512 @max 30720
    memory = 512

A comment line that begins with `@` holds annotations and no help text. The names are those of an entry of
`parameters` in `pattern.yaml`, which wins where both say something. `@pattern` takes the rest of its line; `@advanced`,
`@hidden`, `@locked` and `@secret` stand alone; `@enum` and `@depends_on` take YAML: `[1, 2]`, `{a.b: true}`.
"""

import re
from typing import Any

import yaml
from pydantic import ValidationError

from stackyard.errors import shown
from stackyard.patterns.manifest import Overlay

_NEXT = re.compile(r"(?:^|\s)@([A-Za-z_]+)")
FLAGS = frozenset({"advanced", "hidden", "locked", "secret"})
TEXTS = frozenset({"title", "unit", "pattern"})
VALUES = frozenset({"enum", "min", "max", "depends_on"})


class NotAnAnnotation(ValueError):
    """An annotation that does not exist, or whose value does not fit. `name` is without its `@`."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def read_comment(comment: str) -> tuple[str, Overlay]:
    """Help text and annotations of a comment. Raises NotAnAnnotation."""
    said: list[str] = []
    found: dict[str, Any] = {}
    for line in comment.splitlines():
        if re.match(r"@[A-Za-z_]", line):
            found |= _annotations(line)
        else:
            said.append(line)
    try:
        return "\n".join(said).strip(), Overlay.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise NotAnAnnotation(str(first["loc"][0]), f"@{first['loc'][0]}: {first['msg']}.") from None


def _annotations(line: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while match := _NEXT.match(line, at):
        name = match[1]
        following = _NEXT.search(line, match.end()) if name != "pattern" else None
        at = following.start() if following else len(line)
        found[name] = _value(name, line[match.end() : at].strip())
    return found


def _value(name: str, text: str) -> Any:
    if name in FLAGS:
        if text:
            raise NotAnAnnotation(name, f"@{name} stands alone, but '{shown(text)}' follows.")
        return True
    if not name.islower() or name not in TEXTS | VALUES:
        known = ", ".join(f"@{known}" for known in sorted(FLAGS | TEXTS | VALUES))
        raise NotAnAnnotation(name, f"There is no annotation @{shown(name)}. Annotations: {known}.")
    if not text:
        raise NotAnAnnotation(name, f"@{name} needs a value.")
    if name in TEXTS:
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise NotAnAnnotation(name, f"@{name}: '{shown(text)}' is not a value; write a list as [1, 2].") from None
