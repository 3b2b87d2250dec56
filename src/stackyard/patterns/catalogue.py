"""The catalogue: every pattern in the patterns folder, read afresh when a file of it changed."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from stackyard.errors import NotFound, StackyardError, Unusable, meant, shown
from stackyard.patterns.from_variables import variables_of
from stackyard.patterns.interface import bare
from stackyard.patterns.manifest import Manifest, Overlay, read_manifest
from stackyard.patterns.parameters import Parameter
from stackyard.patterns.reading import read_parameters
from stackyard.settings import Settings, get_settings

# `source = "../../modules/NAME"`: how a shipped pattern or module names a module beside it.
_CERTIFICATE = re.compile(r'^\s*resource\s+"aws_acm_certificate"', re.MULTILINE)
_MODULE_SOURCE = re.compile(r'source\s*=\s*"(?:\.\./)+(?:modules/)?([a-z0-9][a-z0-9-]*)"')


Stamp = tuple[tuple[str, int, int], ...]
"""Path, time of change in ns and size in bytes of each file."""


@dataclass(frozen=True)
class Pattern:
    """One pattern as it lies on disk."""

    manifest: Manifest
    directory: Path
    modules_directory: Path

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> str:
        return self.manifest.version

    @property
    def title(self) -> str:
        return self.manifest.title

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a person may set, in the order of the interface file."""
        return read_parameters(self.directory, self.manifest)

    @cached_property
    def variable_defaults(self) -> Mapping[str, Any]:
        """Variable -> its default, of the variables that have one."""
        variables, _ = variables_of(self.directory)
        return {v.name: v.default for v in variables if not v.required}

    @cached_property
    def readme(self) -> str:
        """Its README in Markdown, or an empty text."""
        path = self.directory / "README.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @cached_property
    def modules(self) -> tuple[Path, ...]:
        """The module folders that it needs, directly or through another module."""
        found: dict[str, Path] = {}
        waiting = [self.directory]
        while waiting:
            for file in sorted(waiting.pop().glob("*.tf")):
                for name in _MODULE_SOURCE.findall(file.read_text(encoding="utf-8")):
                    if name not in found:
                        found[name] = self.modules_directory / name
                        waiting.append(found[name])
        missing = [name for name, path in found.items() if not path.is_dir()]
        if missing:
            raise Unusable(f"Pattern {self.name} needs modules that are not there: {', '.join(missing)}.")
        return tuple(found[name] for name in sorted(found))

    @cached_property
    def makes_certificates(self) -> bool:
        """Whether it, or a module of it, makes certificates, as a host name needs that the sandbox's does not cover."""
        files = (file for folder in (self.directory, *self.modules) for file in sorted(folder.glob("*.tf")))
        return any(_CERTIFICATE.search(file.read_text(encoding="utf-8")) for file in files)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and bytes of every file of the pattern and its modules."""
        digest = hashlib.sha256()
        for folder in (self.directory, *self.modules):
            for file in code_files(folder):
                content = file.read_bytes()
                digest.update(f"{folder.name}/{file.relative_to(folder)}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()


def code_files(folder: Path) -> list[Path]:
    """The files of a pattern or module that count: everything but Terraform's own working files and hidden ones."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]  # not entered: providers lie there
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.is_file())


class Catalogue:
    """Patterns by name. A pattern that cannot be read is reported, and does not hide the others."""

    def __init__(self, directory: Path, modules: Path, baseline: Path | None = None) -> None:
        self._directory = directory.resolve()
        self._modules = modules.resolve()
        self._baseline = baseline.resolve() if baseline else None
        self._known: dict[Path, tuple[Stamp, Pattern]] = {}

    @classmethod
    def from_settings(cls, settings: Settings | None = None) -> "Catalogue":
        """The catalogue that the settings name."""
        settings = settings or get_settings()
        return _catalogue(settings.patterns, settings.modules, settings.baseline)

    def list(self) -> list[Pattern]:
        """All usable patterns for environments, by title."""
        patterns = []
        for folder in self._folders():
            try:
                patterns.append(self._load(folder))
            except StackyardError:
                continue  # shown by `broken`
        return sorted((p for p in patterns if p.manifest.kind == "environment"), key=lambda p: p.title.lower())

    def broken(self) -> dict[str, str]:
        """Folder name -> why it cannot be used."""
        reasons = {}
        for folder in self._folders():
            try:
                self._load(folder)
            except StackyardError as error:
                reasons[folder.name] = str(error)
        return reasons

    def get(self, name: str) -> Pattern:
        """The pattern of that name; NotFound with the names there are, Unusable when it cannot be read."""
        for folder in self._folders():
            if folder.name == name:
                pattern = self._load(folder)
                if pattern.manifest.kind == "environment":
                    return pattern
        known = [p.name for p in self.list()]
        hint = f"{meant(name, known)} Patterns: {', '.join(known) or 'none'}.".strip()
        raise NotFound(f"There is no pattern '{shown(name)}'.", hint=hint)

    def baseline(self) -> Pattern:
        """The pattern of a sandbox's common components, which is not listed. Unusable when it cannot be read."""
        if self._baseline is None:
            raise Unusable("This catalogue has no baseline.", hint="The setting STACKYARD_BASELINE names its folder.")
        pattern = self._load(self._baseline)
        if pattern.manifest.kind != "baseline":
            raise Unusable(f"{self._baseline.name} is no baseline.", hint="Its pattern.yaml must say `kind: baseline`.")
        return pattern

    def _folders(self) -> tuple[Path, ...]:
        return tuple(sorted(p.parent for p in self._directory.glob("*/pattern.yaml")))

    def _load(self, folder: Path) -> Pattern:
        known = self._known.get(folder)
        if known is not None and known[0] == _stamp(folder, *known[1].modules):
            return known[1]
        pattern = read_pattern_folder(folder, self._modules)
        self._known[folder] = (_stamp(folder, *pattern.modules), pattern)
        return pattern


def _stamp(*folders: Path) -> Stamp:
    """What changes when a file of these folders changes."""
    seen = ((file, file.stat()) for folder in folders for file in code_files(folder))
    return tuple((str(file), status.st_mtime_ns, status.st_size) for file, status in seen)


def read_pattern_folder(folder: Path, modules: Path) -> Pattern:
    """One pattern, read as a whole, so that a broken one is found here and not in a run. Raises Unusable."""
    manifest = read_manifest(folder / "pattern.yaml")
    if manifest.name != folder.name:
        raise Unusable(f"{folder.name}/pattern.yaml names itself '{manifest.name}'; folder and name must be equal.")
    pattern = Pattern(manifest, folder, modules)
    pattern = replace(pattern, manifest=_with_secrets(manifest, pattern.parameters))
    _ = pattern.parameters, pattern.modules, pattern.digest
    return pattern


def _with_secrets(manifest: Manifest, parameters: tuple[Parameter, ...]) -> Manifest:
    """The manifest, which is kept with every environment, with what the files alone know to be secret."""
    overlays = {bare(path): overlay for path, overlay in manifest.parameters.items()}
    secret = {
        p.path: overlays.get(p.path, Overlay()).model_copy(update={"secret": True}) for p in parameters if p.secret
    }
    return manifest.model_copy(update={"parameters": overlays | secret}) if secret else manifest


@cache
def _catalogue(patterns: Path, modules: Path, baseline: Path) -> Catalogue:
    """One per set of folders in a process, so that what it has read is read once."""
    return Catalogue(patterns, modules, baseline)
