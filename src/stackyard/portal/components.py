"""The components of a pattern: which one a resource belongs to, and which ones settings switch off."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.evaluate import holds
from stackyard.patterns.interface import parse_file, terraform_files
from stackyard.patterns.parameters import put

OTHER = "Other"
_DEEPEST = 5
"""Modules in modules are followed so far."""


def component_of(resource: Mapping[str, Any], components: Mapping[str, Sequence[str]]) -> str:
    """The first component with an entry that is the resource's type or the beginning of its address."""
    kind, address = str(resource.get("type", "")), str(resource.get("address", ""))
    for title, entries in components.items():
        if any(entry == kind or _begins(address, entry) for entry in entries):
            return title
    return OTHER


def _begins(address: str, entry: str) -> bool:
    """`module.cdn` begins `module.cdn.aws_x.y` and `module.cdn[0].aws_x.y`, but not `module.cdn_logs.aws_x.y`."""
    return address == entry or (address.startswith(entry) and address[len(entry)] in ".[")


@dataclass(frozen=True)
class Part:
    """A component before it is built. `built` is False only where a `count` of the pattern certainly comes to 0."""

    title: str
    built: bool


def parts_of(pattern: Pattern, settings: Mapping[str, Any]) -> list[Part]:
    """The pattern's components in its order, with what becomes of each under these settings (dotted path -> value)."""
    values: dict[str, Any] = {}
    for parameter in pattern.parameters:
        put(values, hcl.parse_path(parameter.path), settings.get(parameter.path, parameter.default))
    components = pattern.manifest.components
    built: dict[str, bool] = {}
    for resource in _resources(pattern.directory, pattern.modules, pattern.digest):
        title = component_of({"type": resource.type, "address": resource.address}, components)
        built[title] = built.get(title, False) or not _is_none(resource.counts, values, pattern.manifest.interface)
    return [Part(title, built.get(title, True)) for title in components]


@dataclass(frozen=True)
class _Resource:
    """A resource in the code. `counts`: the expressions of `count` in the root module that decide about it."""

    address: str
    type: str
    counts: tuple[str, ...] = ()


def _is_none(counts: Sequence[str], values: Mapping[str, Any], interface: str) -> bool:
    """Whether one of these certainly comes to 0. The evaluator knows `var` only: what is meant is put in its place."""
    if interface == "locals.tf":
        counts = [re.sub(r"\blocal\.", "var.", re.sub(r"\bvar\.", "other.", text)) for text in counts]
    return any(holds(f"({text}) > 0", values) is False for text in counts)


@lru_cache(maxsize=64)
def _resources(directory: Path, modules: tuple[Path, ...], digest: str) -> tuple[_Resource, ...]:
    """Every resource that the code can make. The digest is there so that changed code is read again."""
    known = {path.resolve() for path in modules}
    return tuple(_declared(directory, "", (), known, _DEEPEST))


def _declared(
    folder: Path, prefix: str, counts: tuple[str, ...], modules: set[Path], deeper: int
) -> Iterator[_Resource]:
    for file in terraform_files(folder):
        for block in parse_file(file).body.blocks:
            if block.type not in ("resource", "module"):
                continue
            address = prefix + (".".join(block.labels) if block.type == "resource" else f"module.{block.labels[0]}")
            count = block.body.attribute("count")
            # Inside of a module `local` and `var` are others than those that a person sets.
            deciding = (*counts, count.expr.text) if count is not None and not prefix else counts
            inner = _folder_of(block, folder, modules) if block.type == "module" else None
            if inner is not None and deeper:
                yield from _declared(inner, f"{address}.", deciding, modules, deeper - 1)
            else:
                yield _Resource(address, block.labels[0] if block.type == "resource" else "", deciding)


def _folder_of(block: hcl.Block, folder: Path, modules: set[Path]) -> Path | None:
    source = block.body.attribute("source")
    if source is None or not source.expr.is_constant:
        return None
    found = (folder / str(source.expr.value)).resolve()
    return found if found in modules or (found.is_dir() and found.is_relative_to(folder.resolve())) else None
