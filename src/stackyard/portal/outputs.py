"""Outputs and settings of an environment, with the titles that the pattern gives them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Named:
    """One value with its title."""

    name: str
    title: str
    value: Any

    @property
    def text(self) -> str:
        """The value as one would copy it: text as it is, everything else as JSON."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)


def titled_outputs(outputs: Mapping[str, Any], titles: Mapping[str, str]) -> list[Named]:
    """Those of the manifest first, in its order; empty ones are left out."""
    order = [*titles, *sorted(set(outputs) - set(titles))]
    return [
        Named(name, titles.get(name, name), outputs[name])
        for name in order
        if name in outputs and outputs[name] not in ("", None, [], {})
    ]


def titled_settings(settings: Mapping[str, Any], overlays: Mapping[str, Any]) -> list[Named]:
    """What differs from the pattern's defaults, by path."""
    return [
        Named(
            path, (overlays.get(path) or {}).get("title") or path.rpartition(".")[2].replace("_", " ").capitalize(), v
        )
        for path, v in sorted(settings.items())
    ]
