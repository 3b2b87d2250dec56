"""Sandboxes: added, changed, checked and retired by platform staff. Their common components are in `baselines`."""

import json
from ipaddress import IPv4Network

from django.contrib.auth.models import User
from django.db import connection, transaction

from stackyard.aws.build_policies import build_policy, trust_of_builds
from stackyard.aws.caller import own_principal
from stackyard.aws.check import Finding, check_sandbox
from stackyard.aws.checks.addresses import tagged_vpc
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.own_components import GIVEN, complete
from stackyard.aws.policies import parent_permission_policy, permission_policies, trust_policy
from stackyard.aws.sessions import SandboxAccess
from stackyard.cmdb import rights
from stackyard.cmdb.models import AddressBlock, GithubCursor, GithubIssue, Sandbox, SandboxStatus
from stackyard.cmdb.space import space_of
from stackyard.environments.addresses import InUse, blocks_in_use
from stackyard.environments.baselines import (
    baseline_of,
    bootstrap,
    change_baseline,
    destroy_baseline,
    require_baseline,
)
from stackyard.environments.issues import repository_of
from stackyard.environments.occupancy import living, lock_sandboxes, refuse_while_lived_in
from stackyard.environments.sandbox_rules import SandboxRequest, filled
from stackyard.errors import Conflict, Invalid, StackyardError
from stackyard.executors.registry import REMOTE, build_place
from stackyard.runs.baseline import other_blocks
from stackyard.runs.context import access_to, parent_access_to
from stackyard.settings import get_settings

__all__ = [
    "Finding",
    "SandboxRequest",
    "add",
    "baseline_of",
    "bootstrap",
    "change_baseline",
    "check",
    "destroy_baseline",
    "living",
    "policies_for",
    "reinstate",
    "require_baseline",
    "retire",
    "update",
]

SOMEBODY = "000000000000"
"""Stands in a trust policy for whoever runs the workers, when AWS does not tell who that is."""

EMULATED_SELF = "123456789012"
"""The emulator's own account."""


def add(user: User, request: SandboxRequest) -> Sandbox:
    """Register an account. AWS is not asked; `check` does that.

    Raises Forbidden for all but platform staff; Invalid with every problem by its field, those of the account's own
    components at `facts.<name>`.
    """
    rights.require_platform(user)
    with transaction.atomic():
        _lock()
        return _save(user, request, Sandbox())


def update(user: User, sandbox: Sandbox, request: SandboxRequest) -> Sandbox:
    """Change a sandbox. What something that stands there was built with stays as it is. Raises as `add`."""
    rights.require_platform(user)
    with transaction.atomic():
        _lock()
        lock_sandboxes(sandbox.department)
        locked = Sandbox.objects.select_for_update(of=("self",)).select_related("department", "pool").get(pk=sandbox.pk)
        return _save(user, request, locked)


def _save(user: User, request: SandboxRequest, row: Sandbox) -> Sandbox:
    own_before, issues_before = row.own_baseline, row.issues
    given_before = {name: value for name, value in row.facts.items() if name in GIVEN}
    sandbox, problems = filled(request, row)
    if problems:
        raise Invalid(problems)
    if request.facts is not None:
        given = {name: list(v) if isinstance(v, list | tuple) else v for name, v in request.facts.items()}
        if not own_before or given != given_before:
            sandbox.facts = given
            _not_ready(sandbox)  # until they are checked
    elif own_before:
        sandbox.facts = {}
        _not_ready(sandbox)
    sandbox._history_user = user  # type: ignore[attr-defined]
    sandbox.save()
    if sandbox.issues != issues_before:
        _listen(sandbox)
    return sandbox


def _listen(sandbox: Sandbox) -> None:
    """What is asked in its repository counts from now on. Issues that exist stay where they are, those that were not
    opened yet, as in a repository that there is not, go with the choice."""
    named = repository_of(sandbox)
    if named:
        GithubCursor.objects.get_or_create(repository=named)
    unopened = GithubIssue.objects.filter(environment__sandbox=sandbox, number=None)
    unopened.update(repository=named, not_before=None, tries=0, problem="", **({} if named else {"settled": True}))


def _not_ready(sandbox: Sandbox) -> None:
    if sandbox.status == SandboxStatus.READY:
        sandbox.status = SandboxStatus.NEW


def policies_for(sandbox: Sandbox) -> tuple[tuple[str, str], ...]:
    """What is to be created in AWS by hand, for copying: (title, policy as JSON) of the sandbox's role and, where it
    has one, of the role for the parent zone."""
    settings = get_settings()
    asked = EMULATED_SELF if sandbox.emulated else own_principal(sandbox.region)
    principal = settings.principal or asked or SOMEBODY
    note = "" if principal != SOMEBODY else f" ({SOMEBODY} stands for the role that Stackyard's workers run as)"
    trust, permissions = trust_policy(principal, sandbox.external_id), permission_policies()
    if sandbox.executor in REMOTE:
        trust["Statement"].append(trust_of_builds(sandbox.account_id, sandbox.external_id))
        permissions["stackyard-builds"] = build_policy(access_to(sandbox, settings))
    policies = [(f"Trust policy of {sandbox.role_arn}{note}", trust)]
    policies += [(f"Permission policy {name}", policy) for name, policy in permissions.items()]
    if sandbox.parent_role_arn:
        title = f"Trust policy of {sandbox.parent_role_arn}{note}"
        policies.append((title, trust_policy(principal, sandbox.parent_external_id)))
        record = parent_permission_policy(sandbox.parent_zone_id, sandbox.zone_name)
        policies.append((f"Permission policy of {sandbox.parent_role_arn}", record))
    return tuple((title, json.dumps(policy, indent=2)) for title, policy in policies)


def check(user: User, sandbox: Sandbox) -> list[Finding]:
    """Look at the account: what is missing, in plain words. The account's own components are completed by what AWS
    tells, and the sandbox is ready exactly when no finding has failed.

    Raises Forbidden for all but platform staff.
    """
    rights.require_platform(user)
    settings = get_settings()
    access, parent = access_to(sandbox, settings), parent_access_to(sandbox, settings)
    facts = dict(sandbox.facts)
    problem = None
    if sandbox.own_baseline:
        try:
            access.confirm_account()
            facts = complete(access, {name: value for name, value in facts.items() if name in GIVEN})
        except Invalid as error:
            problem = Finding("Components", False, " ".join(p.message for p in error.problems), error.hint)
        except StackyardError:
            problem = None  # the first finding tells it
    whole = BaselineFacts.from_dict(facts) if facts and _is_whole(facts) else None
    cidr, block = _block(sandbox, access, whole)
    found = check_sandbox(
        access,
        whole,
        zone_name=sandbox.zone_name,
        vpc_cidr=cidr or "0.0.0.0/32",
        other_cidrs=other_blocks(sandbox),
        parent=parent if not sandbox.own_baseline else None,
        parent_zone_id=sandbox.parent_zone_id,
        own_vpc=_own_vpc(sandbox, access),
        build_place=build_place(sandbox.executor, access, sandbox.executor_options),
    )
    if block is not None:
        found = [block if finding.title == block.title else finding for finding in found]
    if problem is not None and len(found) > 1:
        found.append(problem)
    if whole is not None and whole.zone_name != sandbox.zone_name:
        said = f"{whole.zone_id} is {whole.zone_name}, but the sandbox's zone is {sandbox.zone_name}."
        found.append(Finding("Zone", False, said, "Correct the zone of the sandbox, or its id."))
    if sandbox.own_baseline:
        _settle(user, sandbox, facts if whole else None, found)
    return found


def _own_vpc(sandbox: Sandbox, access: SandboxAccess) -> str:
    """The network of a baseline that stands, or is being built, but whose facts are not the sandbox's yet; empty: none
    is known."""
    baseline = baseline_of(sandbox)
    if baseline is None:
        return ""
    vpcs = (str(r["id"]) for r in baseline.resources if r.get("type") == "aws_vpc")
    return next(vpcs, "") or tagged_vpc(access, "stackyard:environment", baseline.uid)


def _is_whole(facts: dict[str, object]) -> bool:
    try:
        BaselineFacts.from_dict(facts)
    except StackyardError:
        return False
    return True


def _settle(user: User, sandbox: Sandbox, facts: dict[str, object] | None, found: list[Finding]) -> None:
    """Keep what AWS told of the account's own components, and whether the sandbox is ready with them."""
    failed = facts is None or any(finding.ok is False for finding in found)
    with transaction.atomic():
        row = Sandbox.objects.select_for_update(of=("self",)).get(pk=sandbox.pk)
        if row.facts != sandbox.facts or not row.own_baseline:
            return  # somebody corrected it meanwhile: then this says nothing about it
        if facts is not None:
            row.facts = facts
        if row.status != SandboxStatus.RETIRED:
            row.status = SandboxStatus.NEW if failed else SandboxStatus.READY
        row._history_user = user  # type: ignore[attr-defined]
        row.save(update_fields=["facts", "status"])
    sandbox.facts, sandbox.status = row.facts, row.status


def _block(sandbox: Sandbox, access: SandboxAccess, facts: BaselineFacts | None) -> tuple[str, Finding | None]:
    """The block of the sandbox's network, or the one that it would get; and a finding when there is none."""
    title = "Address block"
    if facts is not None:
        return facts.vpc_cidr, None
    baseline = baseline_of(sandbox)
    held = AddressBlock.objects.filter(environment=baseline, released_at=None).first() if baseline else None
    if held is not None:
        return str(held.block), None
    if sandbox.own_baseline:
        return "", Finding(title, None, "It is not known yet.")
    if sandbox.pool is None:
        return "", Finding(title, False, "The sandbox has no address pool.", "Give it one.")
    try:
        in_use: tuple[InUse, ...] = blocks_in_use(access)
    except StackyardError:
        in_use = ()
    for part in space_of(sandbox.pool).parts:
        for network in part.networks() if part.kind == "free" else ():
            for block in network.subnets(new_prefix=max(network.prefixlen, sandbox.pool.vpc_prefix)):
                if _fits(block, sandbox.pool.vpc_prefix, in_use):
                    return str(block), None
    said = f"Pool {sandbox.pool.name} has no /{sandbox.pool.vpc_prefix} that is free there and in the account."
    return "", Finding(title, False, said, "Make the pool larger, or give the sandbox another one.")


def _fits(block: IPv4Network, prefix: int, in_use: tuple[InUse, ...]) -> bool:
    return block.prefixlen == prefix and not any(use.block.overlaps(block) for use in in_use)


def retire(user: User, sandbox: Sandbox) -> Sandbox:
    """Let no environment in any more; account and zone stay taken. Conflict while an environment lives there or a
    baseline of ours stands."""
    rights.require_platform(user)
    with transaction.atomic():
        refuse_while_lived_in(sandbox)
        row = Sandbox.objects.select_for_update(of=("self",)).get(pk=sandbox.pk)
        if row.status == SandboxStatus.RETIRED:
            raise Conflict(f"{row.name} is retired already.")
        if baseline_of(row) is not None:
            raise Conflict(f"The common components of {row.name} still stand.", hint="Destroy them first.")
        return _set_status(user, row, SandboxStatus.RETIRED)


def reinstate(user: User, sandbox: Sandbox) -> Sandbox:
    """Take a retired sandbox back: to be bootstrapped or, with components of its own, checked. Conflict when it is not
    retired."""
    rights.require_platform(user)
    with transaction.atomic():
        row = Sandbox.objects.select_for_update(of=("self",)).get(pk=sandbox.pk)
        if row.status != SandboxStatus.RETIRED:
            raise Conflict(f"{row.name} is not retired.")
        return _set_status(user, row, SandboxStatus.NEW)


def _set_status(user: User, row: Sandbox, status: SandboxStatus) -> Sandbox:
    row.status = status
    row._history_user = user  # type: ignore[attr-defined]
    row.save(update_fields=["status"])
    return row


def _lock() -> None:
    """Zones may not lie in one another; whoever adds or changes a sandbox goes alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('sandboxes', 0))")
