"""Which setting a diagnostic of Terraform speaks of: from the place in the code back to the interface file."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stackyard import hcl
from stackyard.errors import Problem
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.events import Diagnostic, references_in

_MODULE = re.compile(r"module\.([^.\[]+)(?:\[[^\]]*\])?\.")
_RESOURCE = re.compile(r"(?:data\.)?([a-z0-9_]+)\.([^.\[]+)(?:\[[^\]]*\])?$")


@dataclass(frozen=True)
class Code:
    """The code of an environment, and the settings that its interface has, by dotted path."""

    folder: Path
    settings: frozenset[str]

    def refused(self, error: TerraformFailed) -> list[Problem]:
        """The settings that the error speaks of, as `settings.<path>`, each with Terraform's words; none when it is
        not about settings, or when it cannot be told."""
        found = error.diagnostic
        if error.recovery != "setting" or found is None or error.known is None:
            return []
        words = " ".join((found.detail or found.summary).split())
        return [Problem(f"settings.{path}", words[:600]) for path in self._blamed(found, error.known.attribute(found))]

    def _blamed(self, found: Diagnostic, attribute: str) -> list[str]:
        modules = _MODULE.findall(found.address) or self._modules_of(found.file)
        references = list(found.references)
        if attribute:
            references = self._references_of(modules, found.address, attribute) or references
        return sorted({path for name in references for path in self._settings_behind(modules, name)})

    def _settings_behind(self, modules: list[str], name: str) -> Iterator[str]:
        """From a name in a module to the settings: what its caller gives for it, and so on up to the root."""
        kind, *steps = name.split(".")
        if not modules:
            paths = [".".join(steps[:n]) for n in range(len(steps), 0, -1)]
            yield from [path for path in paths if path in self.settings][:1]
        elif kind == "var":
            *above, own = modules
            for block in self._blocks(above, "module", (own,)):
                given = block.body.attribute(steps[0])
                for reference in references_in(_narrowed(given.expr, steps[1:]) if given else ""):
                    yield from self._settings_behind(above, reference)

    def _references_of(self, modules: list[str], address: str, attribute: str) -> list[str]:
        resource = _RESOURCE.search(address)
        blocks = self._blocks(modules, "resource", resource.groups()) if resource else ()
        found = [a for block in blocks if (a := block.body.attribute(attribute)) is not None]
        return [name for a in found for name in references_in(a.text)]

    def _modules_of(self, file: str) -> list[str]:
        """The module of a file, when there is just one call of it."""
        folder = Path(file).parent.as_posix()
        calls = [b for b in self._root if b.type == "module" and _source(b) == folder] if file else []
        return [calls[0].labels[0]] if len(calls) == 1 else []

    def _blocks(self, modules: list[str], kind: str, labels: Iterable[str]) -> Iterator[hcl.Block]:
        folder = self.folder
        blocks = self._root
        for name in modules:
            call = next((b for b in blocks if b.type == "module" and b.labels == (name,)), None)
            if call is None:
                return
            folder = folder / _source(call)
            blocks = list(_read(folder))
        yield from (b for b in blocks if b.type == kind and b.labels == tuple(labels))

    @cached_property
    def _root(self) -> list[hcl.Block]:
        return list(_read(self.folder))


def _read(folder: Path) -> Iterator[hcl.Block]:
    for file in sorted(folder.glob("*.tf")):
        try:
            yield from hcl.File.parse(file.read_bytes(), file.name).body.blocks
        except hcl.HclError:
            continue  # an error in the code has its own diagnostic


def _source(call: hcl.Block) -> str:
    given = call.body.attribute("source")
    return str(given.expr.value).removeprefix("./") if given is not None and given.expr.is_constant else ""


def _narrowed(expression: hcl.Expression, steps: list[str]) -> str:
    """The text of the part of an object that the steps lead to, as far as it is written as an object."""
    for step in steps:
        items = expression.find(step) if isinstance(expression, hcl.ObjectCons) else []
        if not items:
            break
        expression = items[-1].expr
    return expression.text
