"""What each stage does. One function per stage, in the order of `runs.flows`; each can be done again after a
takeover. Those that only a change has are in `runs.changing`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from django.db import connection, transaction
from django.utils import timezone

from stackyard.aws.checks.addresses import addresses_in_use
from stackyard.aws.checks.delegation import delegation_problem
from stackyard.aws.hops.balancing import names_on_certificate
from stackyard.aws.hops.path import name_covers
from stackyard.aws.inventory import Leftover, kept_snapshots, leftovers
from stackyard.aws.left_behind import clear_left_behinds, full_stores
from stackyard.aws.path_proof import DID_NOT_TELL, NOTHING, Hop, prove_path
from stackyard.aws.state_bucket import forget_state
from stackyard.cmdb.addresses import InUse
from stackyard.cmdb.addresses import release as release_blocks
from stackyard.cmdb.models import Allocation, Environment, RunKind
from stackyard.errors import Forbidden, StackyardError, Unavailable, Unusable
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import render_workspace, write_providers
from stackyard.record.repository import Record
from stackyard.runs import baseline
from stackyard.runs.addresses import call_for_list, settle_blocks
from stackyard.runs.approving import keep_plan, wait_for_approval
from stackyard.runs.backend import backend_arguments, state_bucket, state_key
from stackyard.runs.changing import (
    PlanAgain,
    edit,
    needless_stages,
    passport_of,
    plan_change,
    plan_digest,
    read_nothing_deployed,
    record_standing,
    tell_what_goes,
)
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.drift import accept, compare, forget
from stackyard.runs.filling import filling_of, further_fqdns
from stackyard.runs.judgement import plan_row
from stackyard.runs.lease import guarded, hold, write_environment
from stackyard.runs.pg_state import seed_state, standing
from stackyard.runs.plan_proof import prove_plan
from stackyard.runs.proposing import commit_by_hand, lacks, merge, propose
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.versions import passport_in, version_that_built
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.plan import Plan
from stackyard.terraform.state import State


class NotProven(StackyardError):
    """The environment was built, but a hop of its path does not hold. It stays, for a person to look at.

    `unanswered`: AWS could not be asked about the hop, so it may hold all the same.
    """

    def __init__(self, message: str, *, hint: str = "", unanswered: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.unanswered = unanswered


class Leftovers(StackyardError):
    """Something is still there after a destroy. Nothing is released until it is gone."""


async def render(ctx: RunContext) -> None:
    """Pattern + settings + sandbox facts -> the code of this environment."""
    catalogue = Catalogue.from_settings(ctx.settings)
    pattern = catalogue.baseline() if ctx.environment.is_baseline else catalogue.get(ctx.pattern.name)
    if pattern.digest != ctx.pattern.digest:
        raise Unusable(
            f"Pattern {pattern.name} was changed after this environment was requested.", hint="Request it again."
        )
    if ctx.environment.is_baseline:
        await baseline.preflight(ctx)
    if (pattern.manifest.cidr_prefix is not None or ctx.environment.is_baseline) and not ctx.lease.taken_over:
        await _settle_addresses(ctx)
    filling = await in_database(filling_of, ctx.environment, ctx.settings)
    await asyncio.to_thread(render_workspace, pattern, filling, ctx.environment.settings, ctx.workdir.code)
    ctx.log.write(f"Rendered {pattern.name} {pattern.version} with {len(ctx.environment.settings)} settings.")


async def _settle_addresses(ctx: RunContext) -> None:
    """Not after a takeover: what uses the block may be the environment itself by then."""
    found = await asyncio.to_thread(addresses_in_use, ctx.access)
    for sentence in await in_database(settle_blocks, ctx.environment, [InUse(*use) for use in found]):
        ctx.log.write(sentence, level="warning")


async def fetch(ctx: RunContext) -> None:
    """The code that built the environment, out of the record; never the pattern of today.

    A change starts from what is newest there, so that edits by hand are kept, or from the commit that it names. A
    destroy reads nothing of what is deployed: it may be gone already, and then Terraform could not even plan.
    """
    store = RecordedCode.from_settings(ctx.settings)
    commit = ctx.environment.commit
    if ctx.run.kind in (RunKind.CHANGE, RunKind.DRIFT):
        commit = ctx.wish.commit or await asyncio.to_thread(store.newest, ctx.record_folder)
    if ctx.run.kind == RunKind.CHANGE and not ctx.wish.commit:
        ctx.workdir.base.write_text(commit)
    if by_hand := await commit_by_hand(ctx):
        ctx.by_hand, commit = True, by_hand
    await asyncio.to_thread(store.fetch, ctx.record_folder, commit, ctx.workdir.code)
    ctx.pattern = await in_database(version_that_built, ctx.environment, passport_in(ctx.workdir.code))
    ctx.log.write(f"Fetched {ctx.record_folder} at {commit[:10]}: {ctx.pattern}.")
    # The sandbox may have another role or external id by now than when the code was recorded.
    filling = await in_database(filling_of, ctx.environment, ctx.settings)
    if await asyncio.to_thread(write_providers, ctx.manifest, filling, ctx.workdir.code):
        ctx.log.write(f"The way into account {ctx.sandbox.account_id} is the sandbox's of today.")
    if ctx.run.kind in (RunKind.CREATE, RunKind.DESTROY):  # a create fetches only to take back what it began
        await asyncio.to_thread(read_nothing_deployed, ctx)


async def init(ctx: RunContext) -> None:
    """Providers, modules and backend."""
    await in_database(guarded, ctx.lease, engine=f"{ctx.terraform.engine.name} {ctx.terraform.engine.version}")
    await ctx.terraform.init(backend_arguments(ctx))
    if ctx.workdir.rescued_state.exists():
        ctx.workdir.rescued_state.replace(ctx.workdir.errored_state)
        await ctx.terraform.push_errored_state()
        ctx.log.write("Saved the state that an earlier worker could not save.", level="warning")
    if ctx.environment.backend == "pg":
        await seed_state(ctx)
    ctx.ready = True


async def record(ctx: RunContext) -> None:
    """Commit code, provider lock and passport to the git record, before anything is built."""
    env = ctx.environment
    passport = await passport_of(ctx)
    store = Record.from_settings(ctx.settings)
    base = ctx.workdir.base.read_text() if ctx.workdir.base.exists() else ""

    def save() -> str:
        return store.commit(ctx.record_folder, ctx.workdir.code, passport, ctx.run.kind, base=base)

    if ctx.run.kind == RunKind.CREATE:
        commit = await asyncio.to_thread(record_standing, ctx, save)
    else:
        commit = await merge(ctx) or await asyncio.to_thread(save)
    env.commit = commit
    await in_database(write_environment, ctx.lease, commit=commit, settings=dict(passport.settings))
    await in_database(guarded, ctx.lease, commit=commit)
    ctx.log.write(f"Recorded as {commit[:10]} in {ctx.record_folder}.")


async def plan(ctx: RunContext) -> None:
    """What Terraform would do, as a saved plan."""
    ctx.plan = await (plan_change(ctx) if ctx.run.kind == RunKind.CHANGE else ctx.terraform.plan())
    await keep_plan(ctx, plan_row(ctx.plan, await asyncio.to_thread(plan_digest, ctx)))
    ctx.log.write(f"Plan: {ctx.plan.summary}.")
    if ctx.run.kind == RunKind.CHANGE:
        ctx.skip = needless_stages(ctx)
        if "apply" in ctx.skip and not ctx.wish.plan_only and await lacks(ctx):
            ctx.skip.remove("approve")


async def check(ctx: RunContext) -> None:
    """A plan for a new environment only adds; else its state belongs to something that stands. A change may take
    things away, but says so."""
    assert ctx.plan is not None
    await _check_delegation(ctx, ctx.plan)
    if not ctx.environment.is_baseline:
        await _check_path(ctx, ctx.plan)
    if ctx.run.kind == RunKind.CHANGE:
        return tell_what_goes(ctx)
    destroyed = [c.address for c in ctx.plan.changes if c.action in ("delete", "replace")]
    if destroyed and ctx.run.takeovers == 0:
        raise Unusable(
            f"A new environment would destroy {len(destroyed)} resources, first {destroyed[0]}.",
            hint="Its state belongs to something else; platform staff must look at it.",
        )
    ctx.log.write("The plan only adds." if not destroyed else "The plan goes on where another worker stopped.")


async def _check_path(ctx: RunContext, plan: Plan) -> None:
    """What certainly cannot work is not built, nor is anything that stands changed into it: the planned parts of the
    path must fit together. What is planned is the environment's path until one is proven."""
    facts, fqdn = ctx.facts, ctx.environment.fqdn
    covered: Sequence[str] | None = (f"*.{facts.zone_name}",)
    if fqdn and not name_covers(f"*.{facts.zone_name}", fqdn):
        covered = await asyncio.to_thread(names_on_certificate, ctx.access, facts)
    hops = prove_plan(plan.resources, fqdn=fqdn, facts=facts, covered=covered)
    if ctx.environment.proven_at is None:
        await in_database(write_environment, ctx.lease, hops=[asdict(hop) for hop in hops])
    for hop in hops:
        mark = {True: "fits", False: "DOES NOT FIT", None: "not known before the apply"}[hop.ok]
        ctx.log.write(f"{hop.title}: {mark}. {hop.found}", level="error" if hop.ok is False else "info")
    broken = next((hop for hop in hops if hop.ok is False), None)
    if broken is not None:
        raise Unusable(
            f"What is planned would not work. {broken.title}: {broken.found}",
            hint=f"{_nothing_was_done(ctx)} {broken.fix}",
        )


async def _check_delegation(ctx: RunContext, plan: Plan) -> None:
    """A certificate in a zone that its parent does not know would wait for most of an hour, and in vain."""
    if not any(c.type == "aws_acm_certificate_validation" and c.action in ("create", "replace") for c in plan.changes):
        return
    facts = ctx.facts if ctx.sandbox.facts.get("zone_id") else None
    problem = await asyncio.to_thread(delegation_problem, ctx.access, facts, ctx.sandbox.zone_name)
    if problem is not None:
        raise Unusable(
            f"The plan waits for a certificate that cannot be validated. {problem.message}",
            hint=f"{_nothing_was_done(ctx)} Correct the delegation, then ask again.",
        )
    ctx.log.write(f"Nothing is known against certificates in {ctx.sandbox.zone_name}.")


def _nothing_was_done(ctx: RunContext) -> str:
    return "Nothing was changed." if ctx.run.kind == RunKind.CHANGE else "Nothing was built."


async def approve(ctx: RunContext) -> None:
    """Wait for a person when that is asked for. A change that goes through a pull request waits there."""
    await wait_for_approval(ctx, proposed=await propose(ctx))


async def apply(ctx: RunContext) -> None:
    """Build it. Terraform saves its state even when this fails, because an apply can end half way."""
    ctx.state = None
    try:
        await ctx.terraform.apply()
    except TerraformFailed as error:
        if any("plan is stale" in d.summary for d in error.diagnostics):
            raise PlanAgain("The plan is out of date: something changed the state since it was made.") from error
        raise
    ctx.log.write("Terraform has applied the plan.")


async def verify(ctx: RunContext) -> None:
    """Prove the line from FQDN to the last part, hop by hop, from what AWS says."""
    names = await in_database(further_fqdns, ctx.environment)
    await _verify(ctx, [name for name in names if name not in ctx.wish.drop_fqdns])


async def _verify(ctx: RunContext, further: Sequence[str]) -> None:
    state = await standing(ctx)
    ctx.outputs = dict(state.outputs)
    try:
        hops = await _hops(ctx, state, further)
    except (Unavailable, Forbidden) as error:  # AWS is away, or the role: what was built stands for all that is known
        raise NotProven(error.message, hint=error.hint, unanswered=True) from error
    await in_database(
        write_environment,
        ctx.lease,
        hops=[asdict(h) for h in hops],
        proven_at=timezone.now(),
        resources=[r.as_dict() for r in state.resources],
    )
    if hops == [NOTHING]:
        ctx.skip.add("verify")  # not done: nothing was proven
        return ctx.log.write(f"{NOTHING.title}: {NOTHING.found} {NOTHING.fix}", level="warning")
    for hop in hops:
        mark = {True: "ok", False: "BROKEN", None: "not reached"}[hop.ok]
        ctx.log.write(f"{hop.title}: {mark}. {hop.found}", level="error" if hop.ok is False else "info")
    broken = next((h for h in hops if h.ok is False), None)
    if broken is not None:
        unanswered = broken.found.startswith(DID_NOT_TELL)
        raise NotProven(f"{broken.title}: {broken.found}", hint=broken.fix, unanswered=unanswered)


async def _hops(ctx: RunContext, state: State, further: Sequence[str]) -> list[Hop]:
    if ctx.environment.is_baseline:
        return await baseline.prove(ctx, state)
    return await asyncio.to_thread(
        prove_path, ctx.access, fqdn=ctx.environment.fqdn, facts=ctx.facts, outputs=ctx.outputs, further=further
    )


async def register(ctx: RunContext) -> None:
    """FQDN, account, outputs and what stands, into the CMDB."""
    state = await standing(ctx)
    if ctx.pattern.pk != ctx.environment.pattern_id:
        await in_database(write_environment, ctx.lease, pattern=ctx.pattern)
        ctx.log.write(f"It is {ctx.pattern} from now on.")
    if ctx.environment.is_baseline:
        await in_database(baseline.register, ctx, state)
        return ctx.log.write(f"Sandbox {ctx.sandbox.name} is ready for environments.")
    known = ctx.manifest.outputs
    outputs = {name: value for name, value in state.outputs.items() if not known or name in known}
    await in_database(write_environment, ctx.lease, outputs=outputs, resources=[r.as_dict() for r in state.resources])
    await in_database(forget, ctx.environment)
    place = f"https://{ctx.environment.fqdn}" if ctx.pattern.takes_fqdn else ctx.environment.slug
    ctx.log.write(f"Registered {place} with {len(state.resources)} resources.")


async def survey(ctx: RunContext) -> None:
    """What a change that did not come to its end left: save the state, and prove the path again."""
    ctx.state = None
    await ctx.terraform.push_errored_state()
    await _verify(ctx, further=())  # a name that the change was to add may not be there yet
    ctx.log.write("The change is not complete, but what stands works from end to end.", level="warning")


async def destroy(ctx: RunContext) -> None:
    """Take away whatever the state knows, and what the application put into it: images, objects, revisions."""
    if ctx.environment.is_baseline:
        await in_database(baseline.close, ctx)
    await _clear_left_behinds(ctx)
    await ctx.terraform.destroy()
    ctx.log.write("Terraform has destroyed everything that its state knew.")
    await _clear_left_behinds(ctx)


async def _clear_left_behinds(ctx: RunContext) -> None:
    """Before, because AWS deletes no repository or bucket with content; after, because revisions outlive a service.

    What holds the application's own images and objects stops the destroy before anything is gone, where the sandbox's
    rule says so.
    """
    if not ctx.sandbox.force_empty:
        await _stop_at_full_stores(ctx)
    done = await asyncio.to_thread(
        clear_left_behinds,
        ctx.access,
        tag_key="stackyard:environment",
        tag_value=ctx.environment.uid,
        name=ctx.environment.base_name,
        force_empty=ctx.sandbox.force_empty,
    )
    for sentence in done:
        ctx.log.write(sentence)


async def _stop_at_full_stores(ctx: RunContext) -> None:
    full = await asyncio.to_thread(
        full_stores,
        ctx.access,
        tag_key="stackyard:environment",
        tag_value=ctx.environment.uid,
        name=ctx.environment.base_name,
    )
    await in_database(guarded, ctx.lease, leftovers=[asdict(item) for item in full])
    if full:
        for item in full:
            ctx.log.write(f"Not empty: {item.kind} {item.id}. {item.how_to_clear}", level="error")
        first = f"{full[0].kind} {full[0].id}"
        raise Leftovers(
            f"Sandbox {ctx.sandbox.name} empties nothing by itself. Not empty: {len(full)}, first {first}.",
            hint=f"{full[0].how_to_clear} Then press Destroy again.",
        )


async def prove(ctx: RunContext) -> None:
    """Ask AWS itself, by tag and by name, whether anything is left. Asked again for a while: AWS forgets slowly."""
    origin = f"{ctx.environment.slug}-origin.{ctx.sandbox.zone_name}"  # as ecs-web-db calls it
    further = [*await in_database(further_fqdns, ctx.environment), origin]
    for patience in (0, 2, 5, 15, 30):
        await asyncio.sleep(0 if ctx.sandbox.emulated and patience > 5 else patience)
        left = await asyncio.to_thread(
            leftovers,
            ctx.access,
            tag_key="stackyard:environment",
            tag_value=ctx.environment.uid,
            name=ctx.environment.base_name,
            fqdn=ctx.environment.fqdn,
            zone_id=ctx.sandbox.facts.get("zone_id", ""),
            further_names=further,
        )
        if ctx.environment.is_baseline:
            left += await baseline.left_in_parent(ctx)
        if not left:
            break
    await in_database(guarded, ctx.lease, leftovers=[asdict(item) for item in left])
    if left:
        for item in left:
            ctx.log.write(f"Still there: {item.kind} {item.id}. {item.how_to_clear}", level="error")
        raise Leftovers(
            f"{len(left)} resources are still there, first {left[0].kind} {left[0].id}.", hint=left[0].how_to_clear
        )
    ctx.log.write("Nothing is left in the account.")
    for item in await _kept(ctx):
        ctx.log.write(f"Kept, as it was asked for, and paid for until somebody deletes it: {item.kind} {item.id}.")


async def _kept(ctx: RunContext) -> list[Leftover]:
    env = ctx.environment
    return await asyncio.to_thread(
        kept_snapshots, ctx.access, tag_key="stackyard:environment", tag_value=env.uid, name=env.base_name
    )


async def release(ctx: RunContext) -> None:
    """Give back what was claimed, forget the state, and take the folder out of the record. Only after the proof."""
    store = Record.from_settings(ctx.settings)
    if ctx.environment.commit:
        await asyncio.to_thread(store.remove, ctx.record_folder, ctx.environment.slug, ctx.run.pk)
    if ctx.environment.backend == "s3":
        bucket = state_bucket(ctx.settings, ctx.sandbox)
        await asyncio.to_thread(forget_state, ctx.access, bucket, state_key(ctx.environment))
    released = await in_database(_release, ctx)
    ctx.log.write(f"Released {', '.join(released) or 'nothing'}.")


def _release(ctx: RunContext) -> list[str]:
    with transaction.atomic():
        hold(ctx.lease)
        rows = Allocation.objects.filter(environment=ctx.environment, released_at=None)
        released = [f"{row.get_kind_display()} {row.value}" for row in rows]
        rows.update(released_at=timezone.now())
        if blocks := release_blocks(ctx.environment):
            released += [f"addresses {block}" for block in blocks]
            call_for_list()
        Environment.objects.filter(pk=ctx.environment.pk).update(resources=[], hops=[])
        if ctx.environment.is_baseline:
            baseline.forget(ctx)
            released.append("the facts of the sandbox")
        if ctx.environment.backend == "pg":
            with connection.cursor() as cursor:
                name = connection.ops.quote_name(ctx.environment.state_name)
                cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    return released


STAGES: dict[str, Callable[[RunContext], Awaitable[None]]] = {
    f.__name__: f
    for f in (
        *(render, fetch, edit, init, record, plan, check, approve, apply, verify, register),
        *(survey, destroy, prove, release),
        *(compare, accept),
    )
}
