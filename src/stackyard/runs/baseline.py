"""What the runs of a baseline do differently: they prove the whole sandbox, and what they build becomes its facts."""

import asyncio
import re
from dataclasses import replace

from django.db import transaction

from stackyard.aws.check import Finding, check_sandbox
from stackyard.aws.checks.delegation import delegated
from stackyard.aws.checks.parent import delegation_left, parent_zone
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.inventory import Leftover
from stackyard.aws.path_proof import Hop
from stackyard.cmdb.models import AddressBlock, Environment, Sandbox, SandboxStatus
from stackyard.errors import Unusable
from stackyard.patterns.workspace import Filling
from stackyard.runs.context import RunContext, parent_access_to
from stackyard.runs.database import in_database
from stackyard.runs.lease import hold
from stackyard.terraform.state import State

CHECKED = {
    "Role and account": "The role opens the sandbox's own account.",
    "VPCs": "The account may have as many as it needs.",
    "Elastic IP addresses": "The account may have as many as it needs.",
    "Rules of the load balancer": "There is room for one more environment.",
    "Fargate vCPUs": "There is room for one more environment.",
    "Parent zone": "The sandbox's zone lies in it, and its role opens it.",
    "Delegation of the zone": "The parent names the name servers that the zone has.",
    "Address block": "It overlaps with nothing in the account and with no other sandbox.",
    "VPC": "It is there, with its block.",
    "Subnets": "All are in the VPC, those of each kind in two zones.",
    "ECS cluster": "It is active.",
    "Load balancer": "It is active, and lies in the VPC.",
    "HTTPS listener": "It takes HTTPS on port 443 at the load balancer.",
    "Certificate": "It is issued and covers names under the zone.",
}
"""Title of a finding -> what was looked at."""


async def preflight(ctx: RunContext) -> None:
    """Before anything is rendered: the role opens the right account, and the parent zone is one that we may write in.
    Unusable, with what to do, when not."""
    await asyncio.to_thread(ctx.access.confirm_account)
    parent = parent_access_to(ctx.sandbox, ctx.settings)
    if parent is None or ctx.lease.taken_over:  # an earlier worker may have made the record
        return
    verdict = await asyncio.to_thread(
        parent_zone, ctx.access, None, parent, ctx.sandbox.parent_zone_id, ctx.sandbox.zone_name
    )
    if verdict.ok is False:
        raise Unusable(verdict.found, hint=verdict.fix)


async def await_delegation(ctx: RunContext, filling: Filling) -> Filling:
    """Where somebody else delegates the zone, look whether that is done by now; Unusable when not. On the emulator,
    which has no DNS, it is."""
    if not ctx.environment.is_baseline or filling.sandbox["delegated"]:
        return filling
    verdict = await asyncio.to_thread(delegated, ctx.access, None, ctx.sandbox.zone_name, None)
    if not verdict.ok and not (verdict.ok is None and ctx.sandbox.emulated):
        raise Unusable(verdict.found, hint=f"{verdict.fix} Then apply the baseline again.".strip())
    ctx.log.write(verdict.found)
    return replace(filling, sandbox={**filling.sandbox, "delegated": True})


async def prove(ctx: RunContext, state: State) -> list[Hop]:
    """Look at the sandbox as a whole, with what was built just now. Raises Unusable when an output is missing."""
    if not state.outputs.get("certificate_arn"):
        zone, servers = ctx.sandbox.zone_name, ", ".join(sorted(state.outputs.get("zone_name_servers", [])))
        fix = f"In the parent zone, make the record {zone} of type NS with the values {servers}. Then apply again."
        return [as_hop(Finding("Delegation of the zone", False, f"Nobody is known to delegate {zone} yet.", fix))]
    facts = BaselineFacts.from_dict(state.outputs)
    others = await in_database(other_blocks, ctx.sandbox)
    parent = parent_access_to(ctx.sandbox, ctx.settings)
    found = await asyncio.to_thread(
        check_sandbox,
        ctx.access,
        facts,
        zone_name=ctx.sandbox.zone_name,
        vpc_cidr=facts.vpc_cidr,
        other_cidrs=others,
        parent=parent,
        parent_zone_id=ctx.sandbox.parent_zone_id,
    )
    return [as_hop(finding) for finding in found]


def as_hop(finding: Finding) -> Hop:
    """A finding in the form of a hop, so that it is kept and shown as one."""
    name = re.sub(r"[^a-z]+", "_", finding.title.lower())
    return Hop(name, finding.title, finding.ok, CHECKED.get(finding.title, ""), finding.found, finding.fix, 0.0)


def other_blocks(sandbox: Sandbox) -> list[str]:
    """The address blocks of the networks of all other sandboxes, built or being built."""
    others = Sandbox.objects.exclude(pk=sandbox.pk)
    known = {str(facts["vpc_cidr"]) for facts in others.values_list("facts", flat=True) if facts.get("vpc_cidr")}
    held = AddressBlock.objects.filter(environment__product=None, environment__sandbox__in=others, released_at=None)
    return sorted(known | {str(block) for block in held.values_list("block", flat=True)})


def register(ctx: RunContext, state: State) -> None:
    """The outputs become the facts of the sandbox, which takes environments from now on."""
    with transaction.atomic():
        hold(ctx.lease)
        environment = Environment.objects.get(pk=ctx.environment.pk)
        environment.outputs = dict(state.outputs)
        environment.resources = [r.as_dict() for r in state.resources]
        environment.save(update_fields=["outputs", "resources"])
        _write(ctx.sandbox, SandboxStatus.READY, dict(state.outputs))


def close(ctx: RunContext) -> None:
    """Before anything of it is destroyed: the sandbox takes no environments any more."""
    with transaction.atomic():
        hold(ctx.lease)
        _write(ctx.sandbox, SandboxStatus.NEW, None)


def forget(ctx: RunContext) -> None:
    """After the proof, in the caller's transaction under the lease: the sandbox is as it was before."""
    _write(ctx.sandbox, SandboxStatus.NEW, {})


def _write(sandbox: Sandbox, status: SandboxStatus, facts: dict[str, object] | None) -> None:
    row = Sandbox.objects.select_for_update().get(pk=sandbox.pk)
    row.status = status
    row.facts = row.facts if facts is None else facts
    row.save(update_fields=["status", "facts"])
    sandbox.status, sandbox.facts = row.status, row.facts


async def left_in_parent(ctx: RunContext) -> list[Leftover]:
    """The NS record in the parent zone, when it is still there."""
    parent = parent_access_to(ctx.sandbox, ctx.settings)
    if parent is None:
        return []
    return await asyncio.to_thread(delegation_left, parent, ctx.sandbox.parent_zone_id, ctx.sandbox.zone_name)
