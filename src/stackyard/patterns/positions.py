"""Where things stand in a file: troubles with file and line, and the lines of the keys of `pattern.yaml`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Trouble:
    """Something wrong in a pattern's file. `line` counts from 1; 0: the file as a whole."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}" if self.line else f"{self.file}: {self.message}"


def in_words(troubles: Iterable[Trouble]) -> str:
    """All of them in one message."""
    return "; ".join(map(str, troubles))


def yaml_lines(path: Path) -> Mapping[tuple[str, ...], int]:
    """Line of every key of a YAML file, by its path. Empty for what is not YAML."""
    try:
        tree = yaml.compose(path.read_text(encoding="utf-8"), yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return {}
    found: dict[tuple[str, ...], int] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), tree)]
    while waiting:
        above, node = waiting.pop()
        if not isinstance(node, yaml.MappingNode) or len(above) > 8:
            continue
        for key, value in node.value:
            place = (*above, str(key.value))
            found.setdefault(place, key.start_mark.line + 1)
            waiting.append((place, value))
    return found


def line_in(lines: Mapping[tuple[str, ...], int], *path: object) -> int:
    """Line of a path in a YAML file, or of what stands above it; 0 when nothing of it is there."""
    names = tuple(map(str, path))
    while names and names not in lines:
        names = names[:-1]
    return lines.get(names, 0)
