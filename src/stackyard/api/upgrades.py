"""`/api/environments/{environment}/upgrade` and `/api/patterns/{pattern}/impact`: newer versions of patterns."""

import base64
import binascii
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from django.http import HttpRequest
from ninja import Query, Router, Status

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.environments import IDEMPOTENCY_KEY, accepted, find_environment
from stackyard.api.shapes import (
    Accepted,
    ConflictOut,
    ImpactOf,
    ImpactOut,
    ParameterOut,
    PatternFiles,
    PatternRef,
    ProblemOut,
    UpgradeIn,
    UpgradeOut,
)
from stackyard.cmdb import rights
from stackyard.environments import upgrade as upgrades
from stackyard.environments.idempotency import once
from stackyard.environments.impact import impact
from stackyard.environments.upgrade import UpgradePreview, UpgradeRequest
from stackyard.errors import Invalid, shown
from stackyard.patterns.catalogue import Catalogue, Pattern, read_pattern_folder
from stackyard.patterns.manifest import NAME

environments = Router(tags=["changes"])
patterns = Router(tags=["patterns"])


@environments.get("/{environment}/upgrade", response=answers(200, UpgradeOut), summary="Preview an upgrade")
def preview_upgrade(
    request: HttpRequest,
    environment: str,
    take: Query[list[str]] = [],  # noqa: B006
) -> UpgradeOut:
    """What would become of the recorded code in the newer version of its pattern. 409 when there is none. `take`, as
    `PATH=mine` or `PATH=new`, can be given many times. Nothing is started; what nobody has decided stands as the new
    version has it."""
    row = find_environment(request, environment)
    return _preview_out(upgrades.preview(person(request), row, UpgradeRequest(take=_takes(take))))


@environments.post("/{environment}/upgrade/preview", response=answers(200, UpgradeOut), summary="Preview with settings")
def preview_upgrade_with(request: HttpRequest, environment: str, wish: UpgradeIn) -> UpgradeOut:
    """As the preview, for a whole wish."""
    return _preview_out(upgrades.preview(person(request), find_environment(request, environment), _asked(wish)))


@environments.get(
    "/{environment}/upgrade/settings", response=answers(200, list[ParameterOut]), summary="Settings of the new version"
)
def show_new_settings(request: HttpRequest, environment: str) -> list[ParameterOut]:
    """What can be set in the version of the catalogue."""
    return [
        convert.parameter_out(p) for p in upgrades.parameters(find_environment(request, environment)) if not p.hidden
    ]


@environments.post("/{environment}/upgrade", response=answers(202, Accepted), summary="Upgrade an environment")
def upgrade_environment(
    request: HttpRequest, environment: str, wish: UpgradeIn, idempotency_key: str = IDEMPOTENCY_KEY
) -> Status[Accepted]:
    """Brings it to the newer version of its pattern, by a change with plan and approval. 422 lists what was not decided
    as `take.<path>`, and every other problem by field."""
    user, row = person(request), find_environment(request, environment)
    body = ["upgrade", row.uid, wish.model_dump()]
    return accepted(once(user, idempotency_key, body, lambda: upgrades.upgrade(user, row, _asked(wish), via="api")))


@patterns.get("/{pattern}/impact", response=answers(200, ImpactOut), summary="What a pattern's version means")
def show_impact(request: HttpRequest, pattern: str) -> ImpactOut:
    """For each environment that you see and that was built from other content of the pattern: whether it follows
    without a decision."""
    catalogue = Catalogue.from_settings()
    found = catalogue.baseline() if pattern == "baseline" else catalogue.get(pattern)
    return _impact_out(request, found)


@patterns.post("/{pattern}/impact", response=answers(200, ImpactOut), summary="What a pattern would mean")
def show_impact_of_files(request: HttpRequest, pattern: str, body: PatternFiles) -> ImpactOut:
    """The same for a version that is not published yet, from its files. Platform staff only."""
    rights.require_platform(person(request))
    with tempfile.TemporaryDirectory(prefix="stackyard-") as scratch:
        root = Path(scratch)
        _unpack(pattern, body.files, root)
        return _impact_out(request, read_pattern_folder(root / pattern, root / "modules"))


def _impact_out(request: HttpRequest, pattern: Pattern) -> ImpactOut:
    found = impact(person(request), pattern)
    return ImpactOut(
        pattern=PatternRef(name=pattern.name, version=pattern.version),
        digest=pattern.digest,
        breaks=sum(not i.clean for i in found),
        items=[
            ImpactOf(
                environment=i.environment.slug,
                version=i.built,
                clean=i.clean,
                conflicts=[c.path for c in i.conflicts],
                refused=list(i.refused),
                problems=[ProblemOut(field=p.field, message=p.message) for p in i.problems],
                error=i.error,
            )
            for i in found
        ],
    )


def _unpack(name: str, files: Mapping[str, str], root: Path) -> None:
    """Write the sent files to `root/<name>` and `root/modules`. Invalid at `files` for a name that leads elsewhere."""
    if not re.fullmatch(NAME, name) or name == "modules":
        raise Invalid.field("pattern", f"'{shown(name)}' is no name for a pattern.")
    (root / "modules").mkdir()
    (root / name).mkdir()
    for path, content in files.items():
        parts = PurePosixPath(path).parts
        if len(parts) < 2 or parts[0] not in ("pattern", "modules") or ".." in parts or not path.isprintable():
            raise Invalid.field("files", f"'{shown(path)}' is no name of a file of a pattern.")
        target = root.joinpath(name, *parts[1:]) if parts[0] == "pattern" else root.joinpath(*parts)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(base64.b64decode(content, validate=True))
        except (OSError, ValueError, binascii.Error):
            raise Invalid.field("files", f"'{shown(path)}' cannot be read.") from None


def _takes(texts: list[str]) -> dict[str, str]:
    """`PATH=SIDE`: a path may hold an equals sign of its own, a side cannot."""
    found = {}
    for text in texts:
        path, equals, side = text.rpartition("=")
        if not equals or side not in ("mine", "new"):
            raise Invalid.field("take", f"'{shown(text)}' is not PATH=mine or PATH=new.")
        found[path] = side
    return found


def _asked(wish: UpgradeIn) -> UpgradeRequest:
    return UpgradeRequest(
        take=dict(wish.take),
        set=wish.set,
        unset=tuple(wish.unset),
        plan_only=wish.plan_only,
        confirm=wish.confirm,
        digest=wish.digest,
    )


def _preview_out(seen: UpgradePreview) -> UpgradeOut:
    open_ones = {c.path for c in seen.undecided}
    return UpgradeOut(
        built=PatternRef(name=seen.built.name, version=seen.built.version),
        to=PatternRef(name=seen.to.name, version=seen.to.version),
        digest=seen.to.digest,
        diff=list(seen.diff),
        kept=[k.path for k in seen.kept],
        conflicts=[
            ConflictOut(
                path=c.path,
                file=c.file,
                old=c.old,
                new=c.new,
                mine=c.mine,
                reason=c.reason,
                choices=list(c.choices),
                decided=c.path not in open_ones,
            )
            for c in seen.conflicts
        ],
        problems=[ProblemOut(field=p.field, message=p.message) for p in seen.problems],
        added=list(seen.added),
        changed=list(seen.changed),
        removed=list(seen.removed),
        components=dict(seen.components),
    )
