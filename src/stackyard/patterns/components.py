"""The components of a pattern: which one a resource belongs to, and which ones settings switch off."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from stackyard import hcl
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.evaluate import holds
from stackyard.patterns.interface import is_below, parse_file, terraform_files
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.parameters import put, same

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
    """A resource in the code. `counts`: the expressions of `count` in the root module that decide about it. `text`:
    its block."""

    address: str
    type: str
    counts: tuple[str, ...] = ()
    text: str = ""


Difference = Literal["new", "changed", "gone"]


@dataclass(frozen=True)
class Code:
    """A rendered folder: its files by path, the values that are set in it (dotted path -> value), and its manifest."""

    files: Mapping[str, bytes]
    values: Mapping[str, Any]
    manifest: Manifest


def differences(old: Code, new: Code) -> dict[str, Difference]:
    """Component -> how the code that makes it differs, in the new manifest's order; those without a difference are left
    out. What comes of it in AWS only Terraform's plan tells."""
    room = "local" if new.manifest.interface == "locals.tf" else "var"
    paths = old.values.keys() | new.values.keys()
    values = {f"{room}.{p}" for p in paths if not same(old.values.get(p, OTHER), new.values.get(p, OTHER))}
    (before, _), (after, touched) = _made(old, set()), _made(new, values)
    found: dict[str, Difference] = {}
    for title in dict.fromkeys((*new.manifest.components, *old.manifest.components, OTHER)):
        was = {r.address: r for r in before if _title(r, old.manifest) == title}
        becomes = {r.address: r for r in after if _title(r, new.manifest) == title}
        if not (was and becomes):
            found |= {title: "new"} if becomes else {title: "gone"} if was else {}
        elif (
            was.keys() != becomes.keys()
            or touched & becomes.keys()
            or any(r.text.split() != was[address].text.split() for address, r in becomes.items())
        ):
            found[title] = "changed"
    return found


def _title(resource: _Resource, manifest: Manifest) -> str:
    return component_of({"type": resource.type, "address": resource.address}, manifest.components)


def _made(code: Code, differing: set[str]) -> tuple[list[_Resource], set[str]]:
    """What is built with the values of today (what certainly is not counts as not there), and the addresses of what
    reads one of the values that differ."""
    values: dict[str, Any] = {}
    for path, value in code.values.items():
        put(values, hcl.parse_path(path), value)
    with tempfile.TemporaryDirectory(prefix="stackyard-") as scratch:
        root = Path(scratch).resolve()
        for name, content in code.files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        modules = {f.parent for f in root.rglob("*.tf") if f.parent != root}
        resources = list(_declared(root, "", (), modules, _DEEPEST))
        touched = set(_readers(root, "", differing, modules, _DEEPEST)) if differing else set()
    return [r for r in resources if not _is_none(r.counts, values, code.manifest.interface)], touched


def _readers(folder: Path, prefix: str, differing: set[str], modules: set[Path], deeper: int) -> Iterator[str]:
    """The addresses of the resources that read one of these values (`local.a.b`, `var.c`), directly, through other
    locals, or as an argument of the module that they lie in."""
    blocks = [block for file in terraform_files(folder) for block in parse_file(file).body.blocks]
    derived = {f"local.{a.name}": a.expr.text for b in blocks if b.type == "locals" for a in b.body.attributes}
    known = {name.partition(".")[0] + "." + name.split(".")[1] for name in differing}
    derived = {name: text for name, text in derived.items() if name not in known}
    differing = set(differing)
    while more := {n for n, text in derived.items() if n not in differing and _reads(text, differing)}:
        differing |= more
    for block in blocks:
        if block.type == "resource" and _reads(block.text, differing):
            yield prefix + ".".join(block.labels)
        inner = _folder_of(block, folder, modules) if block.type == "module" else None
        if inner is not None and deeper:
            passed = {f"var.{a.name}" for a in block.body.attributes if _reads(a.expr.text, differing)}
            if passed:
                yield from _readers(inner, f"{prefix}module.{block.labels[0]}.", passed, modules, deeper - 1)


def _reads(text: str, differing: set[str]) -> bool:
    named = re.findall(r"\b(?:local|var)(?:\.\w+)+", text)
    return any(is_below(n, p) or is_below(p, n) for n in named for p in differing)


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
                kind = block.labels[0] if block.type == "resource" else ""
                yield _Resource(address, kind, deciding, block.text)


def _folder_of(block: hcl.Block, folder: Path, modules: set[Path]) -> Path | None:
    source = block.body.attribute("source")
    if source is None or not source.expr.is_constant:
        return None
    found = (folder / str(source.expr.value)).resolve()
    return found if found in modules or (found.is_dir() and found.is_relative_to(folder.resolve())) else None
