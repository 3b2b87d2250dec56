"""An environment's recorded code brought to a newer version of its pattern: the preview and the run do the same.

Of the recorded code, what the old version gave becomes what the new one gives; what the person set, and what somebody
edited by hand, goes on. What both sides changed is a conflict, which a person decides: nothing is guessed.
"""

import contextlib
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.cmdb.models import Environment, PatternVersion
from stackyard.errors import Invalid, NotFound, Problem, Unusable, shown
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.from_variables import own_values
from stackyard.patterns.handwork import digests, merge_files, read_folder, rendered_files
from stackyard.patterns.interface import bare
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.merging import GONE, Conflict, Kept, Merged, merge
from stackyard.patterns.needs import missing_facts
from stackyard.patterns.parameters import Parameter, check_settings, put, same
from stackyard.patterns.workspace import VALUES_FILE, Filling, interface_as_shipped, render_code
from stackyard.record.repository import PASSPORT
from stackyard.runs.interface import Interface, interface_texts
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.versions import read_passport
from stackyard.runs.wish import Wish
from stackyard.settings import Settings


@dataclass(frozen=True)
class Target:
    """A version of a pattern as far as an upgrade needs it. `texts`: its interface files by name; `rendered`: the files
    that every environment of it has alike; `brought`: variables to which the pattern itself gives values."""

    name: str
    version: str
    digest: str
    interface: Interface
    texts: Mapping[str, str]
    rendered: Mapping[str, bytes]
    brought: frozenset[str] = frozenset()

    @property
    def manifest(self) -> Manifest:
        """Its `pattern.yaml`."""
        return self.interface.manifest

    @classmethod
    def of(cls, pattern: Pattern, backend: str) -> "Target":
        """A pattern as it lies in a folder. `backend`: where the environment keeps its state."""
        with tempfile.TemporaryDirectory(prefix="stackyard-") as scratch:
            render_code(pattern, backend, Path(scratch) / "code")
            rendered = read_folder(Path(scratch) / "code")
        brought = frozenset(own_values(pattern.directory)[0]) if pattern.manifest.interface != "locals.tf" else ()
        return cls(
            pattern.name,
            pattern.version,
            pattern.digest,
            Interface(pattern.manifest, pattern.parameters),
            interface_texts(pattern),
            rendered,
            frozenset(brought),
        )


@dataclass(frozen=True)
class Recorded:
    """The recorded code of an environment, and the version of its pattern that it was built from.

    `rendered`: digests of its files as that version gave them; `filling`: what Stackyard fills in today."""

    files: Mapping[str, bytes]
    version: PatternVersion
    old: Interface
    rendered: Mapping[str, str]
    filling: Filling


@dataclass(frozen=True)
class Upgraded:
    """What becomes of the code. `files` is all of it but provider lock, providers and passport; `before` and `after`
    are the interface file.

    `conflicts`: all that a person has to decide, also what was decided (`undecided` is the rest); where nothing was
    decided the new version's side stands. `problems`: why it cannot be had so, beside conflicts."""

    files: Mapping[str, bytes]
    file_name: str
    before: bytes
    after: bytes
    kept: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]
    undecided: tuple[Conflict, ...]
    problems: tuple[Problem, ...]

    @property
    def refusals(self) -> tuple[Problem, ...]:
        """Every reason why no run can do this: the problems, and what nobody has decided yet."""
        return (*self.problems, *(Problem(f"take.{c.path}", f"{c.reason} {_ways(c)}") for c in self.undecided))


def _ways(conflict: Conflict) -> str:
    return f"Take {' or '.join(conflict.choices)}."


def read_recorded(
    store: RecordedCode,
    environment: Environment,
    version: PatternVersion,
    files: Mapping[str, bytes],
    filling: Filling,
    settings: Settings,
) -> Recorded:
    """What an upgrade begins with. `files`: the recorded folder; `version`: what built it. Raises Unusable when the
    defaults of that version are not known any more.

    Code whose passport does not say how its files were rendered is compared with the first commit of that version,
    which no hand had touched yet.
    """
    old = Interface.of(version, settings)
    rendered = read_passport(files.get(PASSPORT, b"")).get("rendered")
    if not isinstance(rendered, dict) or not rendered:
        rendered = _rendered_at_first(store, environment, version, old.file_name)
    return Recorded(files, version, old, rendered, filling)


def _rendered_at_first(
    store: RecordedCode, environment: Environment, version: PatternVersion, interface: str
) -> dict[str, str]:
    folder = Path(environment.record_folder)
    for commit in store.commits(folder, PASSPORT):
        with contextlib.suppress(NotFound):  # it was taken out of the record there
            passport = read_passport(store.read(folder, commit, PASSPORT))
            if (passport.get("uid"), passport.get("pattern_digest")) == (environment.uid, version.digest):
                return digests(rendered_files(store.files(folder, commit), interface))
    return {}


def upgraded(recorded: Recorded, target: Target, wish: Wish, sealed: Collection[str] = ()) -> Upgraded:
    """Bring recorded code to a version. `sealed`: names of the secrets that the environment has, or gets beside this.

    Raises Unusable when the recorded code is not HCL, or when the two versions keep their settings in other ways.
    """
    old, name = recorded.old, target.interface.file_name
    if old.manifest.interface != target.manifest.interface:
        raise Unusable(
            f"{target.name} {target.version} has its settings in {target.manifest.interface}; the version that built "
            f"this environment has them in {old.manifest.interface}.",
            hint="It cannot be upgraded. Build a new environment beside it.",
        )
    mine = recorded.files.get(name)
    if mine is None:
        raise Unusable(f"The recorded code has no {name}.", hint="Restore it in the record, then try again.")
    bring = _values_file if name == VALUES_FILE else _locals_file
    here, there = (rendered_files(files, name) for files in (recorded.files, target.rendered))
    try:
        every, merged = (bring(recorded, target, mine, take) for take in ({}, wish.take))
        # What cannot stay as it is here shows only when somebody wants that.
        never = bring(recorded, target, mine, {c.path: "mine" for c in every.conflicts})
    except hcl.HclError as error:
        raise Unusable(f"The recorded code is not HCL any more. {error}", hint="Mend it in the record.") from None
    every_file, files = (merge_files(recorded.rendered, there, here, take) for take in ({}, wish.take))
    conflicts = {c.path: c for c in (*every.conflicts, *every_file.conflicts, *never.conflicts)}
    left_open = (*merged.conflicts, *files.conflicts)
    undecided = {c.path: conflicts.setdefault(c.path, c) for c in left_open}
    edited = target.interface.edited(merged.text, wish, _complete(recorded.filling, target.manifest))
    problems = [*_wrong_takes(wish.take, conflicts, undecided), *_lacking(recorded, target), *edited.problems]
    told = {p.field for p in problems}
    problems += (p for p in _refused(target.interface, edited.text, sealed) if p.field not in told)
    return Upgraded(
        files={**files.files, name: edited.text},
        file_name=name,
        before=mine,
        after=edited.text,
        kept=(*merged.kept, *files.kept),
        conflicts=tuple(conflicts.values()),
        undecided=tuple(undecided.values()),
        problems=tuple(problems),
    )


def _filled(*manifests: Manifest) -> set[str]:
    return {bare(path) for manifest in manifests for path in manifest.fills}


def _locals_file(recorded: Recorded, target: Target, mine: bytes, take: Mapping[str, str]) -> Merged:
    return merge(
        interface_as_shipped(recorded.old.manifest, recorded.version.interface),
        interface_as_shipped(target.manifest, target.texts),
        mine,
        "locals.tf",
        parameters=target.interface.parameters,
        filled=_filled(recorded.old.manifest, target.manifest),
        take=take,
    )


def _values_file(recorded: Recorded, target: Target, mine: bytes, take: Mapping[str, str]) -> Merged:
    """A file of values has only what differs from the defaults; the three are merged with all defaults spelled out."""
    old_defaults, new_defaults = _defaults(recorded.old.parameters), _defaults(target.interface.parameters)
    given = {a.name: a.expr for a in hcl.File.parse(mine, VALUES_FILE).body.attributes}
    required = {str(hcl.parse_path(p.path)[0]) for p in recorded.old.parameters if p.required}
    # What had to be given before has no old default, so a new one is not a change of both sides.
    before = {**{n: v for n, v in new_defaults.items() if n in required}, **old_defaults}
    texts = [_spelled(values) for values in (before, new_defaults)]
    now = _spelled({n: v for n, v in old_defaults.items() if n not in given})
    now += "".join(f"{name} = {expr.text}\n" for name, expr in given.items())
    merged = merge(
        texts[0].encode(),
        texts[1].encode(),
        now.encode(),
        VALUES_FILE,
        parameters=target.interface.parameters,
        room="",
        filled=_filled(recorded.old.manifest, target.manifest),
        take=take,
    )
    known = {str(hcl.parse_path(p.path)[0]) for p in target.interface.parameters}
    known |= {str(hcl.parse_path(path)[0]) for path in _filled(target.manifest)}
    filled = {str(hcl.parse_path(path)[0]) for path in _filled(recorded.old.manifest)}
    stray = [name for name in given if name not in known | filled and take.get(name) != "new"]
    told = {c.path for c in merged.conflicts}
    gone = [Conflict(n, "", "", given[n].text, GONE, ("new",)) for n in stray if n not in told]
    return Merged(
        _shortened(mine, merged.text, new_defaults, known, target),
        tuple(k for k in merged.kept if k.path not in stray),
        (*merged.conflicts, *gone),
    )


def _defaults(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Variable -> default, of those that have one and may lie in the code."""
    values: dict[str, Any] = {}
    for parameter in parameters:
        if not parameter.required and not parameter.secret:
            put(values, hcl.parse_path(parameter.path), parameter.default)
    return values


def _spelled(values: Mapping[str, Any]) -> str:
    return "".join(f"{name} = {hcl.tokens_for_value(value)}\n" for name, value in values.items())


def _shortened(
    mine: bytes, merged: bytes, defaults: Mapping[str, Any], known: Collection[str], target: Target
) -> bytes:
    """The recorded file of values with what the merge made of them, without what is the default anyway."""
    wanted = {a.name: a.expr for a in hcl.File.parse(merged, VALUES_FILE).body.attributes if a.name in known}
    file = hcl.File.parse(mine, VALUES_FILE)
    there = {a.name for a in file.body.attributes}
    edits: list[hcl.Edit] = []
    for name in sorted({*there, *wanted} - _filled(target.manifest)):  # what is filled stays in its place
        expr = wanted.get(name)
        usual = expr is not None and expr.is_constant and name in defaults and same(expr.value, defaults[name])
        if expr is None or (usual and name not in target.brought):
            edits += [hcl.RemoveAttribute((name,))] if name in there else []
        else:
            edits.append(hcl.SetValue((name,), hcl.Raw(expr.text), force=True))
    return file.edit(edits).bytes()


def _complete(filling: Filling, manifest: Manifest) -> Filling:
    """The filling with a word in the place of what is claimed only once it is asked for, or is not there at all."""
    missing: dict[str, dict[str, Any]] = {"allocation": {}, "sandbox": {}}
    for source in manifest.fills.values():
        room, _, name = source.partition(".")
        if room in missing and name not in getattr(filling, room):
            missing[room][name] = "(not known yet)"
    return replace(
        filling,
        allocation={**missing["allocation"], **filling.allocation},
        sandbox={**missing["sandbox"], **filling.sandbox},
    )


def _wrong_takes(
    take: Mapping[str, str], conflicts: Mapping[str, Conflict], undecided: Collection[str]
) -> Iterator[Problem]:
    for path, side in take.items():
        field = f"take.{shown(path, 120)}"
        if path not in conflicts:
            yield Problem(field, "There is nothing to decide here.")
        elif side not in conflicts[path].choices and path not in undecided:
            yield Problem(field, f"{conflicts[path].reason} {_ways(conflicts[path])}")


def _lacking(recorded: Recorded, target: Target) -> Iterator[Problem]:
    """What the sandbox does not offer and the new version needs."""
    facts = recorded.filling.sandbox
    if target.manifest.kind == "baseline":
        wanted = (s.removeprefix("sandbox.") for s in target.manifest.fills.values() if s.startswith("sandbox."))
        missing = [name for name in wanted if name not in facts]
    else:
        missing = missing_facts(target.manifest, facts)
    if missing:
        yield Problem(
            "pattern", f"{target.name} {target.version} needs {', '.join(missing)}, which the sandbox does not have."
        )


def _refused(interface: Interface, text: bytes, sealed: Collection[str]) -> Iterator[Problem]:
    """What the new version's rules say about the settings as they would be."""
    shown_ones = [p for p in interface.parameters if p.path not in sealed]
    hidden = {p.path for p in interface.parameters if p.hidden}
    try:
        check_settings(shown_ones, {path: v for path, v in interface.values(text).items() if path not in hidden})
    except Invalid as error:
        yield from error.problems
