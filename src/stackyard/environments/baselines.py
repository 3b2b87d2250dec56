"""The common components of a sandbox: built, changed and destroyed by runs, as any environment is."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from stackyard.cmdb import rights
from stackyard.cmdb.addresses import parse_block
from stackyard.cmdb.models import Environment, Run, RunKind, Sandbox, SandboxStatus
from stackyard.environments.addresses import blocks_in_use, claim_block
from stackyard.environments.change import ChangeRequest, change
from stackyard.environments.destroy import destroy
from stackyard.environments.occupancy import baseline_of, lock_sandboxes
from stackyard.environments.versions import version_of
from stackyard.errors import Conflict, Invalid, Problem, StackyardError
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.parameters import check_settings
from stackyard.runs.context import access_to
from stackyard.runs.queue import enqueue
from stackyard.settings import get_settings

__all__ = ["baseline_of", "bootstrap", "change_baseline", "destroy_baseline", "require_baseline"]

SMALLEST = 24
"""Six subnets, of which the load balancer wants two with at least 8 free addresses, do not fit into less than a /24."""


def bootstrap(
    user: User, sandbox: Sandbox, settings: Mapping[str, Any], *, vpc_cidr: str | None = None, via: str
) -> Run:
    """Build the common components of a sandbox; returns the queued run.

    `settings`: of the baseline, path -> value. `vpc_cidr`: the block of its network, out of the sandbox's pool; None:
    the lowest one that is free there and in the account, which is asked for that.

    Raises Forbidden for all but platform staff; Invalid with every problem at `settings.<path>`, `vpc_cidr` or `pool`;
    Conflict when there is a baseline already, or when the account does not open.
    """
    rights.require_platform(user)
    _refuse_unless_new(sandbox)  # first: who has the components needs no pool for them
    pattern = Catalogue.from_settings().baseline()
    problems: list[Problem] = []
    chosen: dict[str, Any] = {}
    wanted: IPv4Network | None = None
    try:
        chosen = check_settings(pattern.parameters, settings)
    except Invalid as error:
        problems += error.problems
    try:
        wanted = _wanted(vpc_cidr)
    except Invalid as error:
        problems += error.problems
    if sandbox.pool is None:
        problems.append(Problem("pool", f"{sandbox.name} has no address pool to take its network from; give it one."))
    if problems:
        raise Invalid(problems)
    in_use = _ask_account(sandbox)
    with transaction.atomic():
        lock_sandboxes(sandbox.department)
        locked = Sandbox.objects.select_for_update(of=("self",)).select_related("department", "pool").get(pk=sandbox.pk)
        _refuse_unless_new(locked)
        assert locked.pool is not None
        environment = _write(user, locked, version_of(pattern).pk, chosen)
        try:
            claim_block(
                locked.pool,
                locked.pool.vpc_prefix,
                purpose=f"VPC of {locked.name}",
                environment=environment,
                wanted=wanted,
                in_use=in_use,
            )
        except Invalid as error:
            raise Invalid(Problem("vpc_cidr", p.message) for p in error.problems) from None
        return enqueue(environment, RunKind.CREATE, user, via=via)


def change_baseline(user: User, sandbox: Sandbox, request: ChangeRequest, *, via: str) -> Run:
    """Change the settings of the baseline, or with an empty request apply again what is recorded. As
    `environments.change.change`; Conflict when there is none."""
    rights.require_platform(user)
    return change(user, require_baseline(sandbox), request, via=via)


def destroy_baseline(user: User, sandbox: Sandbox, *, via: str) -> Run:
    """Take the common components away; returns the queued run.

    Raises Forbidden for all but platform staff; Conflict while an environment lives in the sandbox, while another run
    of the baseline goes on, or when there is none.
    """
    rights.require_platform(user)
    return destroy(user, require_baseline(sandbox), via=via)


def require_baseline(sandbox: Sandbox) -> Environment:
    """The baseline that stands; Conflict when there is none."""
    baseline = baseline_of(sandbox)
    if baseline is None:
        hint = "Those in its facts were built by somebody else." if sandbox.facts else "Bootstrap it first."
        raise Conflict(f"{sandbox.name} has no common components that Stackyard built.", hint=hint)
    return baseline


def _wanted(vpc_cidr: str | None) -> IPv4Network | None:
    if not vpc_cidr:
        return None
    network = parse_block(vpc_cidr, "vpc_cidr")
    if not 16 <= network.prefixlen <= SMALLEST:
        raise Invalid.field("vpc_cidr", f"The network of a sandbox is a /16 to /{SMALLEST}, not /{network.prefixlen}.")
    return network


def _refuse_unless_new(sandbox: Sandbox) -> None:
    if sandbox.status == SandboxStatus.RETIRED:
        raise Conflict(f"{sandbox.name} is retired.", hint="Reinstate it first.")
    if sandbox.own_baseline:
        raise Conflict(f"{sandbox.name} has its account's own components; none of ours are built there.")
    baseline = baseline_of(sandbox)
    if baseline is not None:
        raise Conflict(
            f"{sandbox.name} has a baseline already: {baseline.get_status_display().lower()}.",
            hint="Change it, or destroy it; or wait until its run has ended.",
        )
    if sandbox.facts:
        raise Conflict(
            f"{sandbox.name} has its common components already, and no run has built them.",
            hint="They are in its facts, and environments can be built on them. To change them, register them as the "
            "account's own.",
        )


def _ask_account(sandbox: Sandbox) -> tuple[Any, ...]:
    """What the account uses, once it is certain that it is the right one."""
    access = access_to(sandbox, get_settings())
    try:
        access.confirm_account()
        return blocks_in_use(access)
    except StackyardError as error:
        raise Conflict(error.message, hint=error.hint or "Check the sandbox; then try again.") from error


def _write(user: User, sandbox: Sandbox, pattern: int, settings: dict[str, Any]) -> Environment:
    chosen = get_settings()
    try:
        with transaction.atomic():
            return Environment.objects.create(
                product=None,
                name="baseline",
                slug=f"baseline-{sandbox.name}",
                sandbox=sandbox,
                pattern_id=pattern,
                # The bucket of the sandbox itself is a part of the baseline, so it cannot hold the baseline's state.
                backend="s3" if chosen.state == "s3" and chosen.state_bucket else "pg",
                settings=settings,
                owner=user,
            )
    except IntegrityError:
        raise Conflict(f"There is an environment baseline-{sandbox.name} already.") from None
