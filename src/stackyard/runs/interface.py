"""The interface file of an environment that stands: what is set in it, and edits that touch nothing else.

The rules come from the pattern version that built the environment, the values from the environment's own recorded
file, so that what a person changed there by hand is seen and kept.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.cmdb.models import PatternVersion
from stackyard.errors import Invalid, NotFound, Problem, Unusable, shown
from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.patterns.interface import bare
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.parameters import Parameter, check_settings, no_such_setting, put, same
from stackyard.patterns.reading import read_pattern
from stackyard.patterns.types import is_kept
from stackyard.patterns.workspace import VALUES_FILE, Filling
from stackyard.runs.wish import Wish
from stackyard.settings import Settings


def interface_texts(pattern: Pattern) -> dict[str, str]:
    """The files that tell what a person may set and the defaults, by name: kept with the pattern's version."""
    if pattern.manifest.interface == "locals.tf":
        files = [pattern.directory / "locals.tf"]
    else:
        files = [f for f in sorted(pattern.directory.iterdir()) if f.suffix in (".tf", ".tfvars")]
    return {f.name: f.read_text(encoding="utf-8") for f in files}


@dataclass(frozen=True)
class Edited:
    """A file after a wish, and every reason why the wish cannot be fulfilled (then `text` is without that part).

    `touched`: the wish itself makes a difference, not only what Stackyard fills.
    """

    text: bytes
    touched: bool
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Interface:
    """The rules of one pattern version."""

    manifest: Manifest
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, version: PatternVersion, settings: Settings) -> "Interface":
        """The rules of the version that built an environment, with its own defaults.

        Raises Unusable when they are neither in the CMDB nor equal to the catalogue's.
        """
        manifest = Manifest.model_validate(version.manifest)
        if version.interface:
            return cls(manifest, _read(version.interface, manifest))
        try:
            today = Catalogue.from_settings(settings).get(version.name)
        except NotFound:
            today = None
        if today is None or today.digest != version.digest:
            raise Unusable(
                f"The defaults of {version.name} {version.version} are not known any more.",
                hint="Platform staff can put this version of the pattern back into the catalogue.",
            )
        return cls(manifest, today.parameters)

    @property
    def file_name(self) -> str:
        """The file of an environment's code that holds what is set."""
        return self.manifest.interface if self._locals else VALUES_FILE

    def values(self, text: bytes) -> dict[str, Any]:
        """Path -> value of every parameter that is a constant in this file."""
        return self._values(self._parse(text))

    def differing(self, text: bytes) -> dict[str, Any]:
        """Only those values that differ from the pattern's defaults."""
        return {
            path: value
            for path, value in self.values(text).items()
            if self._by_path[path].required or not same(value, self._by_path[path].default)
        }

    def edited(self, text: bytes, wish: Wish, filling: Filling) -> Edited:
        """The file with the wish fulfilled and with what Stackyard fills renewed; all else byte for byte as it was."""
        file = self._parse(text)
        values, problems = self._targets(self._values(file), wish)
        fills = {bare(path): filling.value(source) for path, source in self.manifest.fills.items()}
        wished = file
        for path, value in values.items():
            try:
                wished = self._set(wished, path, value)
            except hcl.HclError as error:
                problems.append(Problem(f"settings.{path}", f"In the recorded {self.file_name}: {error}"))
        filled = wished
        for path, value in fills.items():
            try:
                filled = self._set(filled, path, value)
            except hcl.HclError as error:
                raise Unusable(
                    f"In the recorded {self.file_name}: {error}", hint=f"Stackyard fills {path}; mend it in the record."
                ) from None
        return Edited(filled.bytes(), wished.text() != file.text(), tuple(problems))

    def with_existence(self, text: bytes, exists: bool) -> bytes:
        """The file with what is filled from `environment.exists` set. False: nothing that is deployed is read."""
        file = self._parse(text)
        for path in (p for p, source in self.manifest.fills.items() if source == "environment.exists"):
            file = self._set(file, bare(path), exists)
        return file.bytes()

    @property
    def _locals(self) -> bool:
        return self.manifest.interface == "locals.tf"

    @cached_property
    def _by_path(self) -> dict[str, Parameter]:
        return {p.path: p for p in self.parameters}

    def _parse(self, text: bytes) -> hcl.File:
        try:
            return hcl.File.parse(text, self.file_name)
        except hcl.HclError as error:
            raise Unusable(f"The recorded code is not HCL any more. {error}", hint="Mend it in the record.") from None

    def _place(self, path: str) -> hcl.Path:
        return ("locals", *hcl.parse_path(path)) if self._locals else hcl.parse_path(path)

    def _values(self, file: hcl.File) -> dict[str, Any]:
        values = {}
        for parameter in self.parameters:
            try:
                value = file.get_value(self._place(parameter.path))
                if is_kept(value):  # else it stays in the code as it is, as an expression does
                    values[parameter.path] = value
            except hcl.PathNotFound:
                if not self._locals and not parameter.required and not parameter.secret:
                    values[parameter.path] = parameter.default
            except hcl.PathError:
                continue  # written as an expression, by hand: not ours to show
        return values

    def _set(self, file: hcl.File, path: str, value: Any) -> hcl.File:
        place = self._place(path)
        if not self._locals and len(place) > 1 and file.body.attribute(str(place[0])) is None:
            # An object is given as a whole: Terraform does not take the rest of it from the variable's default.
            whole: dict[str, Any] = {}
            for parameter in self.parameters:
                if hcl.parse_path(parameter.path)[0] == place[0]:
                    put(whole, hcl.parse_path(parameter.path), parameter.default)
            put(whole, place, value)
            place, value = place[:1], whole[str(place[0])]
        return file.set_attribute_value(place, value, force=True)

    def _targets(self, now: Mapping[str, Any], wish: Wish) -> tuple[dict[str, Any], list[Problem]]:
        """The parameters that the wish touches, with their whole new values, and what the pattern's rules refuse."""
        targets: dict[str, Any] = {}
        problems: list[Problem] = []
        for path in wish.unset:
            self._aim(path, None, now, targets, problems)
        for path, value in wish.set.items():
            self._aim(path, (value,), now, targets, problems)
        if not problems:
            problems += self._broken_together(now, targets)
        return targets, problems

    def _aim(
        self,
        path: str,
        given: tuple[Any] | None,
        now: Mapping[str, Any],
        targets: dict[str, Any],
        problems: list[Problem],
    ) -> None:
        """One path of a wish: put the parameter's new value into `targets`, or the reason why not into `problems`.

        `given` None: back to the default, or, for an entry of a map, away.
        """
        parameter, key = self._find(path)
        field = f"settings.{shown(path, 120)}"
        if parameter is None:
            known = [p.path for p in self.parameters if not p.hidden]
            problems.append(Problem(field, no_such_setting(path, known)))
            return
        old = targets.get(parameter.path, now.get(parameter.path))
        if not self._locals and parameter.secret:
            problems.append(Problem(field, "This is not kept in the code and cannot be changed afterwards."))
        elif key is None and given is None and parameter.required:
            problems.append(Problem(field, "The pattern has no default for this."))
        elif key is not None and not isinstance(old, Mapping):
            problems.append(Problem(field, "This is written as an expression in the record; change it there."))
        else:
            value = given[0] if given else parameter.default
            if key is not None and isinstance(old, Mapping):
                value = {**old, key: value} if given else {k: v for k, v in old.items() if k != key}
            wrong = None if not parameter.required and same(value, parameter.default) else parameter.check(value)
            if wrong:
                problems.append(Problem(field, wrong))
            else:
                targets[parameter.path] = list(value) if isinstance(value, tuple) else value

    def _find(self, path: str) -> tuple[Parameter | None, str | None]:
        """(parameter, entry): the entry is the name in a map parameter that the path leads to, else None."""
        by_path = {p.path: p for p in self.parameters if not p.hidden}
        if path in by_path:
            return by_path[path], None
        try:
            *above, last = hcl.parse_path(path)
        except hcl.HclError:
            return None, None
        parameter = by_path.get(hcl.format_path(above))
        return (parameter, last) if parameter and parameter.kind == "map" and isinstance(last, str) else (None, None)

    def _broken_together(self, now: Mapping[str, Any], targets: Mapping[str, Any]) -> list[Problem]:
        """What the rules over several settings say about those that the wish touches."""
        shown_ones = {path: value for path, value in now.items() if not self._by_path[path].hidden}
        try:
            check_settings(self.parameters, {**shown_ones, **targets})
        except Invalid as error:
            return [p for p in error.problems if p.field.removeprefix("settings.") in targets]
        return []


def _read(texts: Mapping[str, str], manifest: Manifest) -> tuple[Parameter, ...]:
    with tempfile.TemporaryDirectory(prefix="stackyard-") as scratch:
        folder = Path(scratch) / manifest.name
        folder.mkdir()
        for name, text in texts.items():
            (folder / Path(name).name).write_text(text, encoding="utf-8")
        return read_pattern(folder, manifest).parameters
