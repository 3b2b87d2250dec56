"""The settings as a page: docs/reference/settings.md is this, and a test keeps the two equal."""

import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge
from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from stackyard.cli.server.logging import hidden
from stackyard.settings import PROJECT_ROOT, Settings

_HEAD = """# Settings

Every setting is an environment variable, read when a process starts. This page is printed by
`stackyard settings --markdown`. The client commands of the command line read `STACKYARD_URL` and `STACKYARD_TOKEN`
instead: see [the command line](cli.md).

| Variable | What it is for | Values | Default |
|---|---|---|---|
"""


def variable(name: str, field: FieldInfo) -> str:
    """The environment variable of a setting, the first where there are several."""
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"STACKYARD_{name}".upper()


def page() -> str:
    """All settings as Markdown."""
    lines = []
    for name, field in Settings.model_fields.items():
        values = ", ".join(
            [_values(field.annotation), *(f"at least {m.ge}" for m in field.metadata if isinstance(m, Ge))]
        )
        cells = (f"`{variable(name, field)}`", field.description or "", values, _default(field))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return _HEAD + "\n".join(lines) + "\n"


def current(settings: Settings) -> list[tuple[str, str]]:
    """Variable and present value of each setting. Secrets are never shown."""
    listed = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        # pydantic's secrets print as stars; what is not set says so.
        listed.append((variable(name, field), "(not set)" if value is None else hidden(str(value))))
    return listed


def _values(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return _values(next(part for part in get_args(annotation) if part is not type(None)))
    if get_origin(annotation) is list:
        return "JSON list"
    names = {
        bool: "`true`, `false`",
        int: "whole number",
        float: "number",
        Path: "path",
        str: "text",
        SecretStr: "text",
    }
    return names.get(annotation, "text")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value == "":
        return ""
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        return f"`{value.relative_to(PROJECT_ROOT)}` in the project"
    if isinstance(value, list):
        return "`[" + ", ".join(f'"{item}"' for item in value) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
