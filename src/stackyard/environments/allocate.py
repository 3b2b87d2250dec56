"""Claim what may be given only once. Call inside the transaction that writes the environment."""

from django.db import IntegrityError, connection, transaction

from stackyard.cmdb.models import Allocation, Environment, Sandbox
from stackyard.errors import Conflict, Invalid

# An ALB takes priorities 1 to 50,000 but at most 100 rules by default (ELBv2 quotas); the first hundred stay free for
# people.
FIRST_PRIORITY, LAST_PRIORITY = 101, 50_000


def claim_fqdn(environment: Environment, fqdn: str = "", *, field: str = "name") -> None:
    """Take the environment's FQDN, or a further one, or say at `field` who has it."""
    fqdn = fqdn or environment.fqdn
    holder = (
        Allocation.objects.filter(kind=Allocation.Kind.FQDN, value=fqdn, released_at=None)
        .select_related("environment")
        .first()
    )
    if holder is not None:
        raise Invalid.field(field, f"{fqdn} belongs to environment {holder.environment.slug}.")
    try:
        with transaction.atomic():
            Allocation.objects.create(kind=Allocation.Kind.FQDN, value=fqdn, environment=environment)
    except IntegrityError:
        raise Invalid.field(field, f"{fqdn} was taken a moment ago.") from None


def claim_rule_priority(environment: Environment, sandbox: Sandbox) -> int:
    """Take the lowest free priority of the sandbox's HTTPS listener.

    First-free search under concurrency livelocks on the constraint, so an advisory lock per listener goes first; the
    constraint stays as the backstop.
    """
    listener = sandbox.facts["https_listener_arn"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"rule:{listener}"])
    taken = {
        int(value)
        for value in Allocation.objects.filter(
            kind=Allocation.Kind.RULE_PRIORITY, scope=listener, released_at=None
        ).values_list("value", flat=True)
    }
    free = next((p for p in range(FIRST_PRIORITY, LAST_PRIORITY + 1) if p not in taken), None)
    if free is None:
        raise Conflict(f"The load balancer of sandbox {sandbox.name} has no free rule priority.")
    Allocation.objects.create(
        kind=Allocation.Kind.RULE_PRIORITY, scope=listener, value=str(free), environment=environment
    )
    return free
