"""Further FQDNs of an environment: given to it and taken from it, each by a change run.

A name that is added is claimed at once, in the transaction that asks for the run; a name that is taken away is released
only when the run has succeeded, so that nobody else gets it while its record still stands.
"""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, Run, RunKind, Sandbox
from stackyard.cmdb.naming import name_problem
from stackyard.environments.allocate import claim_fqdn
from stackyard.environments.change import require_standing
from stackyard.environments.naming import certificate_problem, covered
from stackyard.errors import Conflict, Invalid, NotFound, shown
from stackyard.runs.filling import FURTHER_FQDNS, further_fqdns
from stackyard.runs.queue import enqueue
from stackyard.runs.wish import Wish

MAX_FURTHER = 3
"""A listener rule takes five values (ELBv2 quotas): the FQDN, CloudFront's header where there is one, and these."""


@dataclass(frozen=True)
class FurtherName:
    """`own_certificate`: the sandbox's wildcard does not cover it."""

    fqdn: str
    own_certificate: bool


def further_names(environment: Environment) -> list[FurtherName]:
    """The names that the environment holds beside its FQDN, sorted."""
    return [FurtherName(name, not covered(name, environment.sandbox)) for name in further_fqdns(environment)]


def takes_names(environment: Environment) -> bool:
    """Whether the pattern version that it was built from knows further names."""
    return FURTHER_FQDNS in environment.pattern.manifest.get("fills", {}).values()


def add_fqdn(user: User, environment: Environment, fqdn: str, *, via: str) -> Run:
    """Give the environment one more name: record, listener rule, CloudFront's alias and, where the wildcard does not
    cover it, a certificate follow by the run that is returned.

    Raises Invalid at `fqdn` when it is no name, lies in another zone or is held already; Conflict while another run
    goes on, when nothing stands, or when the pattern takes no (more) names; Forbidden as rights say.
    """
    rights.require_act_on(user, environment)
    _require_names(environment)
    name = _read(fqdn)
    _check(name, environment)
    with transaction.atomic():
        locked = Environment.objects.select_for_update(of=("self",)).select_related("sandbox").get(pk=environment.pk)
        require_standing(locked)
        if len(further_fqdns(locked)) >= MAX_FURTHER:
            raise Conflict(
                f"{locked.slug} has {MAX_FURTHER} further names, and a listener rule takes no more.",
                hint="Take one away first.",
            )
        claim_fqdn(locked, name, field="fqdn")
        return enqueue(locked, RunKind.CHANGE, user, via=via)


def remove_fqdn(user: User, environment: Environment, fqdn: str, *, via: str) -> Run:
    """Take a further name away; it is free for others when the run that is returned has succeeded.

    Raises NotFound when the environment has no such further name, else as `add_fqdn`.
    """
    rights.require_act_on(user, environment)
    name = fqdn.strip().rstrip(".").lower()
    with transaction.atomic():
        locked = Environment.objects.select_for_update(of=("self",)).get(pk=environment.pk)
        if name not in further_fqdns(locked):
            known = ", ".join(further_fqdns(locked)) or "none"
            own = name == locked.fqdn
            raise NotFound(
                f"{shown(name)} is {'what it was built with' if own else 'no further name of ' + locked.slug}.",
                hint="That one goes with the environment." if own else f"Further names: {known}.",
            )
        require_standing(locked)
        return enqueue(locked, RunKind.CHANGE, user, via=via, wish=Wish(drop_fqdns=(name,)))


def _require_names(environment: Environment) -> None:
    if environment.is_baseline or not takes_names(environment):
        raise Conflict(
            f"{environment.pattern.title or environment.pattern.name} {environment.pattern.version}, from which "
            f"{environment.slug} was built, takes no further names.",
            hint="A pattern takes them when its pattern.yaml fills a list from environment.further_fqdns.",
        )


def _read(text: str) -> str:
    name = text.strip().rstrip(".").lower()
    if not name:
        raise Invalid.field("fqdn", "Write a host name.")
    if problem := name_problem(name):
        raise Invalid.field("fqdn", problem)
    return name


def _check(name: str, environment: Environment) -> None:
    """Refuse what the sandbox cannot serve."""
    zone = environment.sandbox.zone_name
    if name == zone or not name.endswith(f".{zone}"):
        raise Invalid.field(
            "fqdn",
            f"{shown(name)} does not lie in {zone}, the zone of sandbox {environment.sandbox.name}. Records in other "
            "zones are made by those who own them, and a certificate needs one there.",
        )
    below = Sandbox.objects.exclude(pk=environment.sandbox_id).filter(zone_name__endswith=f".{zone}")
    for other in below.values_list("zone_name", flat=True):
        if name == other or name.endswith(f".{other}"):
            raise Invalid.field("fqdn", f"{shown(name)} lies in {other}, which is the zone of another sandbox.")
    if name.partition(".")[0].endswith("-origin"):
        raise Invalid.field("fqdn", "Names that begin with …-origin are kept for CloudFront's way to a load balancer.")
    if problem := certificate_problem(name, environment.sandbox):
        raise Invalid.field("fqdn", problem)
    if name == environment.fqdn or name in further_fqdns(environment):
        raise Invalid.field("fqdn", f"{environment.slug} has this name already.")
