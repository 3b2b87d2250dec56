"""What Stackyard itself fills into an environment's interface file."""

from collections.abc import Collection

from stackyard import __version__
from stackyard.cmdb.models import Allocation, Environment, Sandbox
from stackyard.patterns.providers import Account
from stackyard.patterns.workspace import Filling
from stackyard.settings import Settings

FURTHER_FQDNS = "environment.further_fqdns"
"""The source of `fills` by which a pattern takes them."""


def further_fqdns(environment: Environment) -> list[str]:
    """The names that the environment holds beside its FQDN, sorted."""
    held = environment.allocations.filter(kind=Allocation.Kind.FQDN, released_at=None).exclude(value=environment.fqdn)
    return sorted(held.values_list("value", flat=True))


def allocations_of(environment: Environment, without: Collection[str] = ()) -> list[dict[str, str]]:
    """All that the environment alone may have, as its passport says it: sorted by kind, scope and value, address blocks
    by their first address. `without`: further names that go with this run, and are released when it has succeeded."""
    held = environment.allocations.filter(released_at=None).order_by("kind", "scope", "value")
    blocks = environment.address_blocks.filter(released_at=None).select_related("pool").order_by("pool__name", "block")
    return [
        *({"kind": "cidr", "scope": row.pool.name, "value": str(row.block)} for row in blocks),
        *(
            {"kind": row.kind, "scope": row.scope, "value": row.value}
            for row in held
            if not (row.kind == Allocation.Kind.FQDN and row.value in without)
        ),
    ]


def filling_of(environment: Environment, settings: Settings) -> Filling:
    """The values for this environment as of now. Reads the database.

    `environment.exists`: something of it was registered or proven, so what is deployed in it must be kept.
    """
    sandbox = environment.sandbox
    priority = environment.allocations.filter(kind=Allocation.Kind.RULE_PRIORITY, released_at=None).first()
    block = environment.address_blocks.filter(released_at=None).order_by("pk").first()
    return Filling(
        environment={
            "name": environment.base_name,
            "fqdn": environment.fqdn,
            "further_fqdns": further_fqdns(environment),
            "tags": environment.tags,
            "exists": environment.ready_at is not None or bool(environment.resources),
        },
        sandbox={
            **sandbox.facts,
            "region": sandbox.region,
            "account_id": sandbox.account_id,
            **(_of_baseline(environment) if environment.is_baseline else {}),
        },
        allocation={
            **({"listener_rule_priority": int(priority.value)} if priority else {}),
            **({"vpc_cidr" if environment.is_baseline else "cidr": str(block.block)} if block else {}),
        },
        region=sandbox.region,
        role_arn=sandbox.role_arn,
        external_id=sandbox.external_id,
        session_name=f"stackyard-{environment.uid}",
        emulated=sandbox.emulated,
        backend=environment.backend,
        accounts={"parent": _parent(sandbox)} if environment.is_baseline else {},
    )


def _of_baseline(environment: Environment) -> dict[str, object]:
    """What the code of a sandbox's common components has to know of the sandbox itself. Where somebody else delegates
    the zone, that is known to be done once there is a certificate (`baseline.await_delegation`)."""
    sandbox = environment.sandbox
    return {
        "name": environment.base_name,
        "tags": environment.tags,
        "zone_name": sandbox.zone_name,
        "parent_zone_id": sandbox.parent_zone_id,
        "role_arn": sandbox.role_arn,
        "stackyard_version": __version__,
        "delegated": bool(sandbox.parent_zone_id or environment.outputs.get("certificate_arn")),
    }


def _parent(sandbox: Sandbox) -> Account:
    """The account of the zone that delegates to the sandbox's; without a role of its own it is the sandbox's."""
    if sandbox.parent_role_arn:
        return Account(sandbox.parent_role_arn, sandbox.parent_external_id)
    return Account(sandbox.role_arn, sandbox.external_id)
