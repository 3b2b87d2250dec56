"""The path of an environment before it is built or changed: whether the parts of a plan fit together, as far as it
knows values.

A plan does not know the ids of what it will make, so a hop is broken here only when known values contradict each other
or the sandbox; what cannot be known yet is left to the proof after the apply (`aws.path_proof`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import Broken
from stackyard.aws.path_proof import Hop
from stackyard.runs.planned import balancing, names, service, stores
from stackyard.runs.planned.parts import Planned, Said

_Prove = Callable[[Planned], Said]

LINE: tuple[tuple[str, str, str, _Prove], ...] = (
    ("record", "DNS record", "It has the environment's name and leads to a load balancer.", names.record),
    ("cloudfront", "CloudFront", "A distribution answers for the name.", names.cloudfront),
    (
        "edge_certificate",
        "CloudFront's certificate",
        "It lies in us-east-1 and covers the name.",
        names.edge_certificate,
    ),
    (
        "certificate",
        "Certificate",
        "The listener has one for the name, or the one under which CloudFront asks.",
        names.certificate,
    ),
    ("rule", "Listener rule", "It takes the name, at the sandbox's listener.", balancing.rule),
    ("target_group", "Target group", "It takes the addresses of tasks, in the VPC.", balancing.target_group),
    ("service", "Service", "It registers a port that its container opens.", service.service),
    ("task_subnets", "Subnets of the tasks", "They are the sandbox's, with a way out.", service.task_subnets),
    ("task_network", "Way to the tasks", "A rule lets the load balancer in on that port.", service.task_network),
    ("database_network", "Way to the database", "A rule lets somebody in on its port.", stores.database_network),
    ("subnet_group", "Database subnets", "There are two at least.", stores.subnet_group),
    ("secret", "Secret", "A value is put into it, and a role may read it.", stores.secret),
    ("cache_network", "Way to the cache", "A rule lets somebody in on its port.", stores.cache_network),
)
"""Name, title, what is looked at, and who does it. A hop that is proven after the apply, too, has the name and title
that it has there."""


def prove_plan(
    resources: Sequence[Mapping[str, Any]], *, fqdn: str, facts: BaselineFacts, covered: Sequence[str] | None = None
) -> list[Hop]:
    """What is known of each hop before anything is built. `resources`: `resource_changes` of the plan's JSON;
    `covered`: the names on the certificate of the sandbox's listener, None when they are not known. Hops that the plan
    has no part of are left out. `ok` None: it cannot be known before the apply. Nothing is raised."""
    planned = Planned(resources, fqdn, facts, covered)
    found = (_hop(name, title, checked, prove, planned) for name, title, checked, prove in LINE)
    return [hop for hop in found if hop is not None]


def _hop(name: str, title: str, checked: str, prove: _Prove, planned: Planned) -> Hop | None:
    try:
        said = prove(planned)
    except Broken as broken:
        return Hop(name, title, False, checked, broken.found, broken.fix, 0.0, planned=True)
    return Hop(name, title, said[0], checked, said[1], "", 0.0, planned=True) if said else None
