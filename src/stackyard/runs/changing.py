"""The stages that only a change has, and what it does differently in the others."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stackyard.cmdb.models import RunKind
from stackyard.errors import Invalid, Problem, StackyardError
from stackyard.patterns.handwork import digests, read_folder, rendered_files
from stackyard.patterns.workspace import Filling
from stackyard.record.repository import Passport
from stackyard.runs.baseline import await_delegation
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.filling import allocations_of, filling_of
from stackyard.runs.interface import Interface
from stackyard.runs.judgement import is_destructive
from stackyard.runs.upgrade_stage import bring_to_version
from stackyard.runs.versions import passport_in, version_that_built
from stackyard.runs.wish import Wish
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.plan import Plan


class PlanAgain(StackyardError):
    """The saved plan cannot be applied any more: plan anew, and ask anew. `first`: the stage to begin with."""

    def __init__(self, message: str, *, first: str = "plan") -> None:
        super().__init__(message)
        self.first = first


async def edit(ctx: RunContext) -> None:
    """Fulfil the wish in the environment's own interface file, and renew what Stackyard fills."""
    filling = await await_delegation(ctx, await in_database(filling_of, ctx.environment, ctx.settings))
    if ctx.wish.drop_fqdns:
        left = [name for name in filling.environment["further_fqdns"] if name not in ctx.wish.drop_fqdns]
        filling = replace(filling, environment={**filling.environment, "further_fqdns": left})
    upgrading = bool(ctx.wish.upgrade) and ctx.wish.upgrade != ctx.pattern.digest  # else an earlier worker did it
    problems = await asyncio.to_thread(bring_to_version if upgrading else _edit, ctx, filling)
    if upgrading and not problems:
        ctx.pattern = await in_database(version_that_built, ctx.environment, passport_in(ctx.workdir.code))
    if problems:
        raise Invalid(problems, hint="The record was edited by hand meanwhile; look at it and ask again.")


def _edit(ctx: RunContext, filling: Filling) -> tuple[Problem, ...]:
    interface, file = _interface(ctx)
    before = file.read_bytes()
    wish = Wish() if ctx.by_hand else ctx.wish
    edited = interface.edited(before, wish, filling)
    file.write_bytes(edited.text)
    ctx.log.write(f"{file.name} is {'as it was' if edited.text == before else 'edited'}.")
    return edited.problems


async def passport_of(ctx: RunContext) -> Passport:
    """What the code in the work folder is, for the record, and what the environment will hold when it stands."""
    allocations = await in_database(allocations_of, ctx.environment, ctx.wish.drop_fqdns)
    return await asyncio.to_thread(_passport, ctx, allocations)


def _passport(ctx: RunContext, allocations: list[dict[str, str]]) -> Passport:
    """Takes time: the code is read."""
    env = ctx.environment
    return Passport(
        environment=env.slug,
        uid=env.uid,
        product=env.product.name if env.product else "",
        department=env.department.name,
        pattern=f"{ctx.pattern.name} {ctx.pattern.version}",
        pattern_digest=ctx.pattern.digest,
        sandbox=ctx.sandbox.name,
        account_id=ctx.sandbox.account_id,
        region=ctx.sandbox.region,
        fqdn=env.fqdn,
        settings=settings_in_code(ctx) if ctx.run.kind == RunKind.CHANGE else env.settings,
        run=ctx.run.pk,
        allocations=allocations,
        rendered=rendered_in_code(ctx),
    )


def rendered_in_code(ctx: RunContext) -> dict[str, str]:
    """Digests of the files as the pattern gave them, for the passport: of a new environment what was rendered, later
    what the passport in the work folder says."""
    if ctx.run.kind == RunKind.CREATE:
        return digests(rendered_files(read_folder(ctx.workdir.code), _interface(ctx)[1].name))
    known = passport_in(ctx.workdir.code).get("rendered")
    return known if isinstance(known, dict) else {}


def settings_in_code(ctx: RunContext) -> dict[str, object]:
    """What is set in the work folder's code and differs from the pattern's defaults."""
    interface, file = _interface(ctx)
    return interface.differing(file.read_bytes())


def read_nothing_deployed(ctx: RunContext) -> None:
    """Let the code in the work folder plan without what is deployed."""
    if "environment.exists" in ctx.manifest.fills.values():
        interface, file = _interface(ctx)
        file.write_bytes(interface.with_existence(file.read_bytes(), False))


def record_standing(ctx: RunContext, commit: Callable[[], str]) -> str:
    """Commit the code of a new environment as it will be right once that stands: whoever plans the recorded folder by
    hand keeps what is deployed. The work folder stays as it is. Returns the commit."""
    if "environment.exists" not in ctx.manifest.fills.values():
        return commit()
    interface, file = _interface(ctx)
    now = file.read_bytes()
    file.write_bytes(interface.with_existence(now, True))
    try:
        return commit()
    finally:
        file.write_bytes(now)


async def plan_change(ctx: RunContext) -> Plan:
    """The plan of a change; when what it reads of the living environment does not stand any more, without that.

    An earlier change may have taken the service away and failed before it stood again, or a person deleted it. That it
    is gone, and not only out of reach for a moment, is certain when the plan without it makes it anew.
    """
    try:
        return await ctx.terraform.plan()
    except TerraformFailed as error:
        read = {m[1] for d in error.diagnostics if (m := re.search(r"(?:^|\.)data\.([a-z0-9_]+)\.", d.address))}
        if ctx.cancelled or not read or "environment.exists" not in ctx.manifest.fills.values():
            raise
        ctx.log.write("What is deployed could not be read: planning without it.", level="warning")
        await asyncio.to_thread(read_nothing_deployed, ctx)
        plan = await ctx.terraform.plan()
        if not any(c.action == "create" and c.type in read for c in plan.changes):
            raise
        return plan


def needless_stages(ctx: RunContext) -> set[str]:
    """After the plan: the stages that have nothing to do.

    Without changes the code is recorded all the same: it is what was asked for. After a takeover an earlier worker may
    have applied the plan already, so its proof is still due; so it is when the code is of another version than the CMDB
    knows, which then has to be registered.
    """
    assert ctx.plan is not None
    if ctx.wish.plan_only:
        ctx.log.write("Only the plan was asked for: nothing is recorded and nothing applied.")
        return {"check", "approve", "record", "apply", "verify", "register"}
    if ctx.plan.is_empty and not ctx.plan.changed_outputs:
        ctx.log.write("There is nothing to apply: what stands is what was asked for.")
        due = ctx.lease.taken_over or ctx.pattern.pk != ctx.environment.pattern_id
        return {"check", "approve", "apply", *(() if due else ("verify", "register"))}
    return set()


def tell_what_goes(ctx: RunContext) -> None:
    """Into the log: what the plan replaces or destroys."""
    assert ctx.plan is not None
    gone = [c for c in ctx.plan.changes if is_destructive(c)]
    for change in gone:
        said = "replaced" if change.action == "replace" else "destroyed"
        ctx.log.write(f"Will be {said}: {change.address}.", level="warning", address=change.address)
    if not gone:
        ctx.log.write("The plan takes nothing away.")


def plan_digest(ctx: RunContext) -> str:
    """SHA-256 of the saved plan, or an empty text when there is none."""
    try:
        return hashlib.sha256(ctx.workdir.plan_file.read_bytes()).hexdigest()
    except OSError:
        return ""


def is_approved(ctx: RunContext) -> bool:
    """Whether the work folder still holds the very plan that was approved, with its code and providers."""
    return (
        ctx.run.kind != RunKind.DESTROY  # it has none
        and ctx.run.approved_at is not None
        and not ctx.lease.taken_over
        and (ctx.workdir.code / ".terraform").is_dir()
        and plan_digest(ctx) == ctx.run.plan.get("digest")
    )


def _interface(ctx: RunContext) -> tuple[Interface, Path]:
    """The rules of the pattern's version, and the interface file in the work folder."""
    interface = Interface.of(ctx.pattern, ctx.settings)
    return interface, ctx.workdir.code / interface.file_name
