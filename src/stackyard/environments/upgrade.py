"""Bring an environment to the newer version of its pattern: see what becomes of it, decide what conflicts, ask for it.

The run is a change: from the recorded code, with plan, approval of what takes something away, and the way back.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from stackyard import hcl
from stackyard.cmdb import rights
from stackyard.cmdb.models import Allocation, Environment, PatternVersion, Run, RunKind
from stackyard.cmdb.sealing import seal, unseal
from stackyard.environments import naming
from stackyard.environments.addresses import InUse, blocks_in_use, claim_block, free_space
from stackyard.environments.allocate import claim_fqdn, claim_rule_priority
from stackyard.environments.change import require_standing
from stackyard.environments.versions import is_newer, version_of
from stackyard.errors import Conflict, Invalid, Problem, StackyardError
from stackyard.patterns import merging
from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.patterns.components import Code, Difference, differences
from stackyard.patterns.handwork import rendered_files
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.parameters import Parameter
from stackyard.patterns.workspace import made_up_secrets, secret_settings
from stackyard.runs.context import access_to
from stackyard.runs.filling import filling_of
from stackyard.runs.queue import enqueue
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.upgrading import Recorded, Target, Upgraded, read_recorded, upgraded
from stackyard.runs.versions import version_at
from stackyard.runs.wish import Wish
from stackyard.settings import get_settings


@dataclass(frozen=True)
class UpgradeRequest:
    """`take`: path of a conflict, or name of a file -> `mine` or `new`. `set`, `unset`: settings, by the rules of the
    new version. `plan_only`: end after the plan. `confirm`: ask before applying, whatever the plan. `digest`: of the
    version that the person saw; refused when the catalogue holds another one by now."""

    take: Mapping[str, str] = field(default_factory=dict)
    set: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    plan_only: bool = False
    confirm: bool = False
    digest: str = ""


@dataclass(frozen=True)
class UpgradePreview:
    """What an upgrade would do to the code.

    `built`: the version that built the recorded code; `to`: the one in the catalogue. `conflicts`: all that a person
    has to decide; `undecided`: those of them that the request leaves open. `problems`: what is wrong beside that.
    `diff`: of the interface file `file_name`, unified, a line each. `added`, `changed`, `removed`: the other files.
    `components`: how the code of each differs.
    """

    built: PatternVersion
    to: Pattern
    file_name: str
    before: str
    after: str
    diff: tuple[str, ...]
    kept: tuple[merging.Kept, ...]
    conflicts: tuple[merging.Conflict, ...]
    undecided: tuple[merging.Conflict, ...]
    problems: tuple[Problem, ...]
    refusals: tuple[Problem, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    components: Mapping[str, Difference]


def newer_version(environment: Environment, catalogue: Catalogue | None = None) -> Pattern | None:
    """The version in the catalogue that this environment can be brought to; None when it has that, or none is newer."""
    if environment.is_gone:
        return None
    try:
        pattern = _in_catalogue(environment, catalogue)
    except StackyardError:
        return None
    return pattern if is_newer(pattern, environment.pattern) else None


def preview(user: User, environment: Environment, request: UpgradeRequest) -> UpgradePreview:
    """What would become of the code; what is wrong with the request is in `problems`, never raised.

    Raises Forbidden as rights say; Conflict when there is nothing newer; NotFound or Unusable when the recorded code or
    the pattern cannot be read.
    """
    rights.require_act_on(user, environment)
    pattern = _in_catalogue(environment)
    store, folder = RecordedCode.from_settings(get_settings()), Path(environment.record_folder)
    commit = store.newest(folder)
    _require_newer(environment, pattern, version_at(store, environment, commit))
    return look(environment, commit, pattern, Target.of(pattern, environment.backend), request)


def upgrade(user: User, environment: Environment, request: UpgradeRequest, *, via: str) -> Run:
    """Accept an upgrade; returns the queued run, which is a change.

    What the new version needs beside the code is claimed and made up now: host name, rule priority, addresses, secrets.

    Raises Invalid with every problem at `settings.<path>`, `take.<path>` or `pattern`, also for each conflict that was
    not decided; Conflict while another run is going on, when nothing stands, or when there is nothing newer; Forbidden
    as rights say.
    """
    seen = preview(user, environment, request)
    require_standing(environment)
    if request.digest and request.digest != seen.to.digest:
        raise Conflict("The pattern was changed since you looked at it.", hint="Look at the upgrade again first.")
    if seen.refusals:
        raise Invalid(seen.refusals)
    manifest, secret = seen.to.manifest, secret_settings(seen.to, request.set)
    in_use = _ask_account(environment) if _needs_block(environment, manifest) else ()
    wish = Wish(
        set={path: value for path, value in request.set.items() if path not in secret},
        unset=request.unset,
        plan_only=request.plan_only,
        confirm=request.confirm,
        upgrade=seen.to.digest,
        take=request.take,
    )
    with transaction.atomic():
        locked = Environment.objects.select_for_update(of=("self",)).get(pk=environment.pk)
        require_standing(locked)
        version_of(seen.to)
        if locked.product is not None and manifest.takes_name and not locked.fqdn:
            locked.fqdn = naming.fqdn(locked.product, locked.name, locked.sandbox)
            claim_fqdn(locked, field="pattern")
        if _needs_priority(locked, manifest):
            claim_rule_priority(locked, locked.sandbox)
        if _needs_block(locked, manifest):
            pool, prefix = locked.sandbox.pool, manifest.cidr_prefix
            if pool is None or prefix is None:
                raise Conflict(f"Sandbox {locked.sandbox.name} has no address pool any more.")
            claim_block(pool, prefix, purpose="own subnets", environment=locked, in_use=in_use)
        locked.sealed = seal({**made_up_secrets(manifest), **unseal(locked.sealed), **secret})
        locked.save(update_fields=["sealed", "fqdn"])
        return enqueue(locked, RunKind.CHANGE, user, via=via, wish=wish)


def parameters(environment: Environment) -> tuple[Parameter, ...]:
    """What a person may set in the version of the catalogue."""
    return _in_catalogue(environment).parameters


def look(
    environment: Environment,
    commit: str,
    pattern: Pattern,
    target: Target,
    request: UpgradeRequest,
    *,
    components: bool = True,
) -> UpgradePreview:
    """As `preview`, whoever asks: from the recorded code at `commit`, to any version of the pattern. `components`:
    tell also how these differ."""
    settings = get_settings()
    store, folder = RecordedCode.from_settings(settings), Path(environment.record_folder)
    built, files = version_at(store, environment, commit), store.files(folder, commit)
    filling = filling_of(environment, settings)
    recorded = read_recorded(store, environment, built, files, filling, settings)
    known = unseal(environment.sealed)
    secret = secret_settings(pattern, request.set)
    wish = Wish(
        set={path: value for path, value in request.set.items() if path not in secret},
        unset=request.unset,
        take=request.take,
    )
    found = upgraded(recorded, target, wish, {*known, *secret, *pattern.manifest.secrets})
    more = (*_wrong_secrets(pattern, secret, known), *_unclaimable(environment, pattern.manifest))
    name = found.file_name
    before, after = (text.decode("utf-8", errors="replace") for text in (found.before, found.after))
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, lineterm="")
    old, new = (rendered_files(all_files, name) for all_files in (files, found.files))
    return UpgradePreview(
        built=built,
        to=pattern,
        file_name=name,
        before=before,
        after=after,
        diff=tuple(lines),
        kept=found.kept,
        conflicts=found.conflicts,
        undecided=found.undecided,
        problems=(*found.problems, *more),
        refusals=(*found.refusals, *more),
        added=tuple(sorted(new.keys() - old.keys())),
        changed=tuple(sorted(n for n in new.keys() & old.keys() if new[n] != old[n])),
        removed=tuple(sorted(old.keys() - new.keys())),
        components=_components(recorded, files, target, found) if components else {},
    )


def _components(
    recorded: Recorded, files: Mapping[str, bytes], target: Target, found: Upgraded
) -> dict[str, Difference]:
    old = Code(files, recorded.old.values(found.before), recorded.old.manifest)
    try:
        return differences(old, Code(found.files, target.interface.values(found.after), target.manifest))
    except hcl.HclError:  # a file that was edited by hand; Terraform will say so
        return {}


def _in_catalogue(environment: Environment, catalogue: Catalogue | None = None) -> Pattern:
    catalogue = catalogue or Catalogue.from_settings()
    return catalogue.baseline() if environment.is_baseline else catalogue.get(environment.pattern.name)


def _require_newer(environment: Environment, pattern: Pattern, built: PatternVersion) -> None:
    if pattern.digest == built.digest:
        if built.pk == environment.pattern_id:
            raise Conflict(f"{environment.slug} is {built} already; the catalogue has nothing newer.")
        raise Conflict(
            f"The recorded code of {environment.slug} is {built} already, but it was not applied with success.",
            hint="Apply the recorded code, or go back to the last good code.",
        )
    if not is_newer(pattern, built):
        raise Conflict(f"{environment.slug} is {built}; the catalogue has only {pattern.version}.")


def _needs_priority(environment: Environment, manifest: Manifest) -> bool:
    held = environment.allocations.filter(kind=Allocation.Kind.RULE_PRIORITY, released_at=None)
    return "allocation.listener_rule_priority" in manifest.fills.values() and not held.exists()


def _needs_block(environment: Environment, manifest: Manifest) -> bool:
    return manifest.cidr_prefix is not None and not environment.address_blocks.filter(released_at=None).exists()


def _unclaimable(environment: Environment, manifest: Manifest) -> Iterator[Problem]:
    """Why the addresses that the new version wants cannot be had."""
    prefix, pool = manifest.cidr_prefix, environment.sandbox.pool
    if prefix is None:
        return
    held = environment.address_blocks.filter(released_at=None).order_by("pk").first()
    if held is not None:
        if held.block.prefixlen != prefix:
            yield Problem(
                "pattern",
                f"It wants a /{prefix} of addresses, and this environment has {held.block}. "
                "Build a new environment beside this one.",
            )
    elif pool is None:
        yield Problem("pattern", f"It wants a /{prefix} of addresses, and the sandbox has no address pool.")
    elif (largest := free_space(pool).largest_prefix) is None or largest > prefix:
        yield Problem("pattern", f"It wants a /{prefix} of addresses, and pool {pool.name} has none free.")


def _wrong_secrets(pattern: Pattern, given: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[Problem]:
    """Of settings that lie outside of the code: only what the environment does not have yet can be given."""
    rules = {p.path: p for p in pattern.parameters}
    for path, value in given.items():
        reason = "It is there already, and cannot be changed." if path in known else rules[path].check(value)
        if reason:
            yield Problem(f"settings.{path}", reason)


def _ask_account(environment: Environment) -> tuple[InUse, ...]:
    """What the account uses already, so that no block is given that is taken there."""
    try:
        return blocks_in_use(access_to(environment.sandbox, get_settings()))
    except StackyardError as error:
        raise Conflict(
            f"The new version wants addresses, and the account does not tell which are free. {error.message}",
            hint=error.hint or "Check the sandbox; then try again.",
        ) from error
