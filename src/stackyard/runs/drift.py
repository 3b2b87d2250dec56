"""The stages that only a look for drift has: compare what was applied with what AWS has, and accept the difference."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from stackyard.cmdb.models import Environment, Notice
from stackyard.errors import Conflict
from stackyard.runs.changing import plan_change
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.lease import hold
from stackyard.runs.schedule import settle


def digest(resources: Sequence[dict[str, Any]]) -> str:
    """Names a list of drifted resources, so that exactly what a person saw is accepted."""
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()


async def compare(ctx: RunContext) -> None:
    """Plan with a refresh, and keep what differs in the environment's row, without sensitive values.

    The plan is one of the recorded code with the facts of today, so what the application deployed itself, and the code
    leaves to it, is no drift.
    """
    await plan_change(ctx)
    found = [resource.as_dict() for resource in await ctx.terraform.drift(ctx.log.clean)]
    await in_database(_keep, ctx, found)
    for resource in found:
        names = ", ".join(a["path"] for a in resource["attributes"])
        text = "is gone from AWS" if resource["action"] == "delete" else f"differs in AWS: {names}"
        ctx.log.write(f"{resource['address']} {text}.", level="warning", address=resource["address"])
    if not found:
        ctx.log.write("AWS has what was applied.")
    if not ctx.wish.accept or not found:
        ctx.skip = {"accept"}
    elif ctx.wish.accept != digest(found):
        raise Conflict("Something else differs now than what was accepted.", hint="Look at it, then accept that.")


async def accept(ctx: RunContext) -> None:
    """Let Terraform's state know what AWS has, and change nothing in AWS."""
    await ctx.terraform.plan(refresh_only=True)
    await ctx.terraform.apply()
    state = await ctx.terraform.state()
    await in_database(_accept, ctx, [resource.as_dict() for resource in state.resources])
    ctx.log.write("Accepted: it counts as applied from now on. The next change of the code puts it back.")


def _keep(ctx: RunContext, found: list[dict[str, Any]]) -> None:
    """The row, and a notice unless the same was told before. Not in history: nobody changed the environment."""
    with transaction.atomic():
        hold(ctx.lease)
        now = timezone.now()
        environment = Environment.objects.get(pk=ctx.environment.pk)
        before = environment.drift.get("resources", [])
        row = {"checked_at": now.isoformat(), "run": ctx.run.pk, "resources": found} if found else {}
        Environment.objects.filter(pk=environment.pk).update(drift=row, drift_checked_at=now)
        open_notice = Notice.objects.filter(environment=environment, kind=Notice.Kind.DRIFT, settled_at=None).exists()
        if found and open_notice and digest(before) == digest(found):
            return
        settle(environment, [Notice.Kind.DRIFT])
        if found:
            Notice.objects.create(
                environment=environment, kind=Notice.Kind.DRIFT, about=f"run {ctx.run.pk}", message=_told(ctx, found)
            )


def _told(ctx: RunContext, found: list[dict[str, Any]]) -> str:
    first = found[0]["address"]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"{ctx.environment.slug} differs in AWS from its code: {first}{more}."[:400]


def _accept(ctx: RunContext, resources: list[dict[str, Any]]) -> None:
    with transaction.atomic():
        hold(ctx.lease)
        environment = Environment.objects.get(pk=ctx.environment.pk)
        addresses = ", ".join(r["address"] for r in environment.drift.get("resources", []))
        environment.drift = {}
        environment.resources = resources
        environment._history_user = ctx.run.requested_by  # type: ignore[attr-defined]
        environment._change_reason = f"Drift accepted: {addresses}"[:100]  # type: ignore[attr-defined]
        environment.save(update_fields=["drift", "resources"])
        settle(environment, [Notice.Kind.DRIFT])


def forget(environment: Environment) -> None:
    """After an apply nothing differs any more."""
    if environment.drift:
        Environment.objects.filter(pk=environment.pk).update(drift={})
        settle(environment, [Notice.Kind.DRIFT])
