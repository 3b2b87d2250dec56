"""Files of an environment's code beside its interface: which a person changed by hand, and what becomes of them when a
newer version of the pattern brings others.

A file is one piece: what nobody touched is the new version's, what only a person touched stays, and what both touched
is a conflict under the file's name.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from stackyard import hcl
from stackyard.patterns.merging import BOTH_ADDED, BOTH_CHANGED, GONE, REMOVED_HERE, Conflict, Kept
from stackyard.patterns.workspace import PROVIDER_FILE

LOCK_FILE = ".terraform.lock.hcl"
NOT_RENDERED = frozenset({LOCK_FILE, PROVIDER_FILE, "environment.yaml"})
"""What runs write anew by themselves, beside the interface file."""


@dataclass(frozen=True)
class MergedFiles:
    """Path in the folder -> content. Of `conflicts` none was decided yet; the new version's file stands for each."""

    files: Mapping[str, bytes]
    kept: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of a folder of code by its path in it, without what Terraform and its plans leave there."""
    found = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        if file.is_file() and ".terraform" not in path.parts and file.suffix not in (".tfstate", ".tfplan"):
            found[path.as_posix()] = file.read_bytes()
    return found


def rendered_files(files: Mapping[str, bytes], interface: str) -> dict[str, bytes]:
    """Those that come from the pattern as they are. `interface`: name of the interface file."""
    return {name: content for name, content in files.items() if name not in NOT_RENDERED and name != interface}


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file, in hexadecimal digits."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def merge_files(
    old: Mapping[str, str], new: Mapping[str, bytes], mine: Mapping[str, bytes], take: Mapping[str, str]
) -> MergedFiles:
    """Bring the files `mine` to `new`. `old`: the digests of what the environment's own version gave; `take`: name of a
    file in conflict -> `mine` or `new`."""
    files: dict[str, bytes] = {}
    kept: list[Kept] = []
    conflicts: list[Conflict] = []
    told_new, told_mine = digests(new), digests(mine)
    for name in sorted({*old, *new, *mine}):
        before, after, here = old.get(name), told_new.get(name), told_mine.get(name)
        stands = new.get(name)
        if here not in (before, after):
            choice = "mine" if before == after else take.get(name)
            if choice == "mine":
                stands = mine.get(name)
                kept.append(Kept(name, _text(stands), file=True))
            elif choice != "new":
                conflicts.append(_conflict(name, before, new.get(name), mine.get(name)))
        if stands is not None:
            files[name] = stands
    return MergedFiles(files, tuple(kept), tuple(conflicts))


def _conflict(name: str, before: str | None, new: bytes | None, mine: bytes | None) -> Conflict:
    reason = BOTH_CHANGED if before else BOTH_ADDED
    reason = GONE if new is None else REMOVED_HERE if mine is None else reason
    return Conflict(name, "", _text(new), _text(mine), reason, file=True)


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", errors="replace")


def required_providers(files: Mapping[str, bytes]) -> frozenset[str]:
    """What a folder of code, with its modules, asks of providers; two folders that ask the same can share a lock."""
    return frozenset(_providers(files))


def _providers(files: Mapping[str, bytes]) -> Collection[str]:
    asked = set()
    for name, content in files.items():
        if not name.endswith(".tf"):
            continue
        try:
            blocks = hcl.File.parse(content, name).body.blocks
        except hcl.HclError:
            continue  # Terraform will say so
        for block in (b for b in blocks if b.type == "terraform"):
            for inner in block.body.blocks:
                if inner.type == "required_providers":
                    asked |= {f"{a.name} {' '.join(a.expr.text.split())}" for a in inner.body.attributes}
    return asked
