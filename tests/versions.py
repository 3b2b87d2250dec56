"""A catalogue of one pattern with versions: `publish` puts another one in its place."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard.patterns.catalogue import Pattern, read_pattern_folder
from stackyard.settings import get_settings
from tests.factories import SHIPPED_PATTERNS

Replacements = Mapping[str, tuple[tuple[str, str], ...]]
"""File name -> what is replaced in it by what."""


def own_catalogue(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str = "ecs-worker") -> Path:
    """The settings name a catalogue in `folder` that holds only this pattern; returns the pattern's folder."""
    made = folder / "patterns" / pattern
    shutil.copytree(SHIPPED_PATTERNS / pattern, made)
    monkeypatch.setattr(get_settings(), "patterns", made.parent)
    return made


def publish(folder: Path, version: str, replacements: Replacements = {}, **files: str) -> Pattern:  # noqa: B006
    """Give the pattern a new version: texts replaced in its files, and new files (`__` is a dot)."""
    manifest = folder / "pattern.yaml"
    manifest.write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", manifest.read_text()))
    for name, pairs in replacements.items():
        text = (folder / name).read_text()
        for old, new in pairs:
            assert old in text, (name, old)
            text = text.replace(old, new, 1)
        (folder / name).write_text(text)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return read_pattern_folder(folder, get_settings().modules)
