"""Small patterns for tests, as folders."""

from collections.abc import Mapping
from pathlib import Path

from stackyard.patterns.catalogue import Pattern, read_pattern_folder

HEAD = "name: small\nversion: 1.0.0\ntitle: Small\ndescription: For tests.\n"


def write(folder: Path, manifest: str, files: Mapping[str, str]) -> Path:
    """A folder `small` below `folder` with these files; `manifest` comes after its head."""
    made = folder / "small"
    made.mkdir(parents=True)
    (made / "pattern.yaml").write_text(HEAD + manifest, encoding="utf-8")
    for name, text in files.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text, encoding="utf-8")
    return made


def variables_pattern(folder: Path, text: str, manifest: str = "", **files: str) -> Pattern:
    """A pattern whose interface are these variables."""
    written = {"variables.tf": text, **{name.replace("__", "."): content for name, content in files.items()}}
    made = write(folder, f"interface: variables.tf\n{manifest}", written)
    return read_pattern_folder(made, folder / "modules")


def locals_pattern(folder: Path, text: str, manifest: str = "") -> Pattern:
    """A pattern whose interface are these locals."""
    return read_pattern_folder(write(folder, manifest, {"locals.tf": text}), folder / "modules")
