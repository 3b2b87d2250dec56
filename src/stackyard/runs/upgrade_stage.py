"""What the stage `edit` does in an upgrade: the fetched code becomes code of the newer version."""

from pathlib import Path

import yaml

from stackyard.cmdb.sealing import unseal
from stackyard.errors import Problem, Unusable
from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.patterns.handwork import digests, read_folder, rendered_files, required_providers
from stackyard.patterns.workspace import Filling, write_providers
from stackyard.record.repository import PASSPORT
from stackyard.runs.context import RunContext
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.upgrading import Target, Upgraded, read_recorded, upgraded
from stackyard.runs.versions import passport_in


def bring_to_version(ctx: RunContext, filling: Filling) -> tuple[Problem, ...]:
    """Bring the code in the work folder to the version that was wished for; or every reason why not, and it stays.

    Raises Unusable when the catalogue holds another content by now.
    """
    pattern = _wished(ctx)
    code = ctx.workdir.code
    target = Target.of(pattern, ctx.environment.backend)
    store = RecordedCode.from_settings(ctx.settings)
    recorded = read_recorded(store, ctx.environment, ctx.pattern, read_folder(code), filling, ctx.settings)
    found = upgraded(recorded, target, ctx.wish, unseal(ctx.environment.sealed))
    if found.refusals:
        return found.refusals
    if required_providers(recorded.files) != required_providers(found.files):
        ctx.workdir.lock_file.unlink(missing_ok=True)
        ctx.log.write("The new version asks for other providers: they are chosen anew.")
    _replace(code, found)
    write_providers(target.manifest, filling, code)
    _write_passport(code, target, found.file_name)
    _tell(ctx, found, target)
    return ()


def _wished(ctx: RunContext) -> Pattern:
    catalogue = Catalogue.from_settings(ctx.settings)
    pattern = catalogue.baseline() if ctx.environment.is_baseline else catalogue.get(ctx.pattern.name)
    if pattern.digest != ctx.wish.upgrade:
        raise Unusable(
            f"Pattern {pattern.name} was changed after this upgrade was requested.", hint="Look at it again, and ask."
        )
    return pattern


def _replace(code: Path, found: Upgraded) -> None:
    own = rendered_files(read_folder(code), "")
    for name in own.keys() - found.files.keys():
        (code / name).unlink()
    for name, content in found.files.items():
        file = code / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _write_passport(code: Path, target: Target, interface: str) -> None:
    """From here on the folder says itself which version it is, also to a worker that goes on after an approval."""
    passport = {
        **passport_in(code),
        "pattern": f"{target.name} {target.version}",
        "pattern_digest": target.digest,
        "rendered": digests(rendered_files(target.rendered, interface)),
    }
    (code / PASSPORT).write_text(yaml.safe_dump(passport, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _tell(ctx: RunContext, found: Upgraded, target: Target) -> None:
    ctx.log.write(f"Brought from {ctx.pattern} to {target.version}.")
    for kept in found.kept:
        ctx.log.write(f"Kept as it was here: {kept.path}.")
    for path, side in ctx.wish.take.items():
        ctx.log.write(f"As decided: {path} is {'as it was here' if side == 'mine' else 'what the new version has'}.")
