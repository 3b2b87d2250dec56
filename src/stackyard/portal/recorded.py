"""An environment's own interface file as it lies in the record: what the form of a change begins with."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from stackyard import hcl
from stackyard.cmdb.models import Environment, PatternVersion
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.errors import NotFound, Problem, StackyardError
from stackyard.patterns.components import parts_of
from stackyard.patterns.interface import is_below
from stackyard.patterns.parameters import Parameter
from stackyard.portal.diff import Diff, diff_of
from stackyard.portal.forms.settings import PREFIX
from stackyard.portal.patterns import catalogue
from stackyard.runs.interface import Interface
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.versions import version_at
from stackyard.settings import get_settings


@dataclass(frozen=True)
class Recorded:
    """One commit of the record. `values`: what is set, by path; `written`: what is an expression there, as it reads.

    `applied`: it is what the last good run applied. `pending`: how its file differs from that.
    """

    commit: str
    parameters: tuple[Parameter, ...]
    values: Mapping[str, Any]
    written: Mapping[str, str]
    applied: bool
    pending: Diff


def recorded(environment: Environment, commit: str = "") -> Recorded:
    """What the record holds now, or held at a commit that the person has seen.

    A commit that it does not hold counts as none. Raises NotFound or Unusable when the record cannot be read.
    """
    store, folder = RecordedCode.from_settings(get_settings()), Path(environment.record_folder)
    interface = Interface.of(version_at(store, environment, commit), get_settings())
    try:
        text = store.read(folder, commit, interface.file_name)
    except NotFound:
        commit = store.newest(folder)
        interface = Interface.of(version_at(store, environment, commit), get_settings())
        text = store.read(folder, commit, interface.file_name)
    name = interface.file_name
    good = changes.last_good_commit(environment)
    try:
        before = store.read(folder, good, name)
    except NotFound:
        before = text
    pending = diff_of(before.decode(errors="replace"), text.decode(errors="replace"), name)
    applied = not good or store.same(folder, commit, good)
    values = interface.values(text)
    return Recorded(commit, interface.parameters, values, _written(text, interface, values), applied, pending)


def _written(text: bytes, interface: Interface, values: Mapping[str, Any]) -> dict[str, str]:
    file = hcl.File.parse(text, interface.file_name)
    above = ("locals",) if interface.manifest.interface == "locals.tf" else ()
    found = {}
    for parameter in interface.parameters:
        with contextlib.suppress(hcl.HclError):  # it is not there, or above it something is an expression
            if parameter.path not in values and not parameter.secret:
                found[parameter.path] = file.get((*above, *hcl.parse_path(parameter.path))).text
    return found


def wished(values: Mapping[str, Any], wish: Mapping[str, Any], parameters: Iterable[Parameter]) -> dict[str, Any]:
    """These values as an earlier wish (`runs.wish`) would have had them, to fill a form with it again."""
    found = dict(values)
    by_path = {p.path: p for p in parameters}
    steps: list[tuple[str, tuple[Any, ...]]] = [(path, ()) for path in wish.get("unset", ())]
    steps += [(path, (value,)) for path, value in wish.get("set", {}).items()]
    for path, given in steps:
        if path in by_path:
            found[path] = given[0] if given else by_path[path].default
            continue
        *above, entry = hcl.parse_path(path)
        above_path = hcl.format_path(above)
        if isinstance(found.get(above_path), Mapping):
            rest = {k: v for k, v in found[above_path].items() if k != entry}
            found[above_path] = {**found[above_path], entry: given[0]} if given else rest
    return found


@dataclass(frozen=True)
class ChangePreview:
    """What a change would do to the file, and which components would come or go with it."""

    diff: Diff
    touched: bool
    come: tuple[str, ...]
    go: tuple[str, ...]
    problems: tuple[Problem, ...]


def preview_change(user: User, environment: Environment, request: ChangeRequest) -> ChangePreview:
    """Look, without asking for it. Raises as `environments.change.preview`."""
    seen = changes.preview(user, environment, request)
    interface = Interface.of(seen.version, get_settings())
    before, after = (_built(seen.version, interface.values(text.encode())) for text in (seen.before, seen.after))
    return ChangePreview(
        diff=diff_of(seen.before, seen.after, interface.file_name),
        touched=seen.touched,
        come=tuple(title for title in after if title not in before),
        go=tuple(title for title in before if title not in after),
        problems=seen.problems,
    )


def _built(version: PatternVersion, values: Mapping[str, Any]) -> list[str]:
    """The components that are built with these values; none is known of a version that the catalogue has no more."""
    try:
        pattern = catalogue().get(version.name)
    except StackyardError:
        return []
    return [part.title for part in parts_of(pattern, values) if part.built] if pattern.digest == version.digest else []


def by_field(problems: Iterable[Problem], parameters: Iterable[Parameter]) -> tuple[dict[str, str], list[Problem]]:
    """(field of the form -> its first problem, problems that belong to no field). A problem at an entry of a map is
    told at the map."""
    names = [p.path for p in parameters if not p.hidden]
    errors: dict[str, str] = {}
    elsewhere = []
    for problem in problems:
        path = problem.field.removeprefix(PREFIX) if problem.field.startswith(PREFIX) else ""
        owner = next((name for name in names if path and is_below(path, name)), None)
        if owner is None:
            elsewhere.append(problem)
        else:
            errors.setdefault(PREFIX + owner, problem.message)
    return errors, elsewhere
