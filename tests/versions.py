"""A catalogue of one pattern with versions, and environments that were built from one of them."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stackyard.cmdb.models import Environment, Run, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.patterns.catalogue import Catalogue, Pattern, read_pattern_folder
from stackyard.patterns.handwork import digests, read_folder, rendered_files
from stackyard.patterns.workspace import render_workspace
from stackyard.record.repository import Passport, Record
from stackyard.runs.filling import filling_of
from stackyard.runs.lease import claim, finish
from stackyard.settings import get_settings
from tests.factories import SHIPPED_PATTERNS, Organisation

Replacements = Mapping[str, tuple[tuple[str, str], ...]]
"""File name -> what is replaced in it by what."""


def own_catalogue(folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str = "ecs-worker") -> Path:
    """The settings name a catalogue in `folder` that holds only this pattern; returns the pattern's folder."""
    made = folder / "patterns" / pattern
    shutil.copytree(SHIPPED_PATTERNS / pattern, made)
    monkeypatch.setattr(get_settings(), "patterns", made.parent)
    return made


def own_baseline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings name a baseline in `folder`; returns it."""
    made = folder / "baseline"
    shutil.copytree(SHIPPED_PATTERNS.parent / "baseline", made)
    monkeypatch.setattr(get_settings(), "baseline", made)
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


def standing(org: Organisation, name: str, settings: dict[str, Any], *, digests_known: bool = True) -> Environment:
    """An environment of rows only, on the version of today, with its code in the record."""
    run = create(org.requester, CreateRequest("shop", "ecs-worker", name, settings=settings), via="api")
    return built(run, Catalogue.from_settings().get("ecs-worker"), digests_known=digests_known)


def built(run: Run, pattern: Pattern, *, digests_known: bool = True) -> Environment:
    """As if the creation had been carried to its end."""
    found = run.environment
    code = get_settings().data / "code"
    render_workspace(pattern, filling_of(found, get_settings()), found.settings, code)
    words = dict.fromkeys(Passport.__dataclass_fields__, "x") | {
        **{
            "allocations": (),
            "settings": found.settings,
            "run": run.pk,
            "uid": found.uid,
            "pattern_digest": pattern.digest,
        },
        "rendered": digests(rendered_files(read_folder(code), "locals.tf")) if digests_known else {},
    }
    store = Record.from_settings(get_settings())
    commit = store.commit(Path(found.record_folder), code, Passport(**words), "create")  # type: ignore[arg-type]
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    finish(lease, RunStatus.SUCCEEDED, commit=commit)
    Environment.objects.filter(pk=found.pk).update(commit=commit, resources=[{"address": "a.b", "type": "a"}])
    return Environment.objects.get(pk=found.pk)


def by_hand(env: Environment, file: str, old: str, new: str) -> None:
    """Somebody edits a file in the record and commits."""
    root = get_settings().data / "record"
    path = root / env.record_folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    who = ["-c", "user.name=Hand", "-c", "user.email=hand@example.com"]
    subprocess.run(["git", *who, "commit", "-qam", "By hand"], cwd=root, check=True)
