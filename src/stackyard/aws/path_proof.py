"""The proof that an environment stands: a seamless line from FQDN to database, hop by hop, as AWS tells it."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops import balancing, database, edge, names, secret, service
from stackyard.aws.hops.path import Broken, HopFunction, Path, Unknown
from stackyard.aws.sessions import SandboxAccess

__all__ = ["DID_NOT_TELL", "LINE", "NOTHING", "Hop", "Link", "prove_path"]

DID_NOT_TELL = "AWS did not tell: "
"""So begins what was found at a hop about which AWS gave no answer."""


@dataclass(frozen=True)
class Hop:
    """One hop of a proven path. `ok` None: not known, because a hop before it is broken or nobody here can tell.
    `checked`: what was asked; `found`: what AWS said; `fix`: what to do about it; `seconds`: how long it took;
    `planned`: it is what a plan says before anything is built, and not what AWS says."""

    name: str
    title: str
    ok: bool | None
    checked: str
    found: str
    fix: str
    seconds: float
    planned: bool = False


@dataclass(frozen=True)
class Link:
    """One hop to be proven, when the environment has the output `needs`."""

    name: str
    title: str
    checked: str
    needs: str
    prove: HopFunction


LINE = (
    Link("zone", "Hosted zone", "The zone exists and the name lies in it.", "target_group_arn", names.zone),
    Link(
        "delegation",
        "Delegation",
        "The parent zone names the zone's own name servers.",
        "target_group_arn",
        names.delegation,
    ),
    Link("record", "DNS record", "An alias record has the name.", "target_group_arn", names.record),
    Link(
        "cloudfront",
        "CloudFront",
        "The record points to a distribution that is on, has the name, and asks the load balancer.",
        "cloudfront_id",
        edge.cloudfront,
    ),
    Link(
        "edge_certificate",
        "CloudFront's certificate",
        "It is issued, in date, in us-east-1, and covers the name.",
        "cloudfront_id",
        edge.edge_certificate,
    ),
    Link(
        "firewall",
        "Firewall",
        "It stands before CloudFront, or before the load balancer.",
        "firewall_arn",
        edge.firewall,
    ),
    Link(
        "load_balancer",
        "Load balancer",
        "It is active and the name leads to it.",
        "target_group_arn",
        balancing.load_balancer,
    ),
    Link("listener", "Listener", "It takes HTTPS on port 443.", "target_group_arn", balancing.listener),
    Link(
        "certificate",
        "Certificate",
        "One is issued, in date, and covers the name, or the one under which CloudFront asks.",
        "target_group_arn",
        balancing.certificate,
    ),
    Link(
        "rule",
        "Listener rule",
        "The first rule that takes the name leads to the environment's target group.",
        "target_group_arn",
        balancing.rule,
    ),
    Link(
        "target_group",
        "Target group",
        "It takes the addresses of tasks and checks their health.",
        "target_group_arn",
        balancing.target_group,
    ),
    Link(
        "service",
        "Service",
        "It is active, its tasks run, and they register in the target group.",
        "service_name",
        service.service,
    ),
    Link(
        "task_definition",
        "Task definition",
        "It is active, opens the port, and its roles exist.",
        "service_name",
        service.task_definition,
    ),
    Link("log_group", "Log group", "The log that the tasks write to exists.", "service_name", service.log_group),
    Link(
        "task_network",
        "Way to the tasks",
        "The tasks' security group lets the load balancer in.",
        "target_group_arn",
        service.task_network,
    ),
    Link(
        "database_network",
        "Way to the database",
        "The tasks may reach the database, by the security groups of both.",
        "database_endpoint",
        database.database_network,
    ),
    Link(
        "subnet_group",
        "Database subnets",
        "They lie in the VPC, in two zones.",
        "database_endpoint",
        database.subnet_group,
    ),
    Link(
        "database",
        "Database",
        "It is available at the address that the application knows.",
        "database_endpoint",
        database.database,
    ),
    Link("secret", "Secret", "It exists and the tasks may read it.", "secret_arn", secret.secret),
    Link(
        "cache_network",
        "Way to the cache",
        "The tasks may reach the cache, by the security groups of both.",
        "cache_identifier",
        database.cache_network,
    ),
    Link(
        "cache",
        "Cache",
        "It is available at the address that the application knows.",
        "cache_identifier",
        database.cache,
    ),
)
"""All hops in order. A pattern has those whose output it has."""

OF_A_NAME = {"record", "cloudfront", "edge_certificate", "load_balancer", "certificate", "rule"}
"""The hops that a further name has of its own, before it joins the line of the first."""

NOTHING = Hop(
    "nothing",
    "Nothing to prove",
    None,
    "Which hops there are, by the names of the pattern's outputs.",
    "The pattern has no output that names a hop, so nothing was proven.",
    f"Give the pattern outputs such as {', '.join(sorted({link.needs for link in LINE}))}.",
    0.0,
)
"""The only hop of an environment whose outputs name none. An empty list would pass for a path without a broken hop."""


def prove_path(
    access: SandboxAccess,
    *,
    fqdn: str,
    facts: BaselineFacts,
    outputs: Mapping[str, object],
    further: Sequence[str] = (),
) -> list[Hop]:
    """Ask AWS about each hop in order. `outputs`: the pattern's outputs by name (`target_group_arn`, `service_name`,
    `database_endpoint` and others), which also tell what hops there are. `further`: host names that must
    lead to the same place, which is one hop more, the last. The line ends at the first broken hop; those after it are
    not reached. A hop about which nobody can tell does not end it; the emulator, which has no DNS, leaves
    such a hop out. An error of AWS breaks the hop that met it; nothing is raised for it. The list is never
    empty: without any hop to prove it is `[NOTHING]`, which is no proof."""
    path = Path(access, fqdn=fqdn, facts=facts, outputs=outputs)
    hops: list[Hop] = []
    for link in LINE:
        if path.output(link.needs):
            broken = any(hop.ok is False for hop in hops)
            hop = _not_reached(link) if broken else _prove(link, path)
            hops += [hop] if broken or hop.ok is not None or not access.emulated else []
    if hops and further:
        paths = [Path(access, fqdn=name, facts=facts, outputs=outputs) for name in further]
        hops.append(_prove_further(paths, reached=all(hop.ok is not False for hop in hops)))
    return hops or [NOTHING]


def _prove_further(paths: Sequence[Path], *, reached: bool) -> Hop:
    name, title, checked = "further_names", "Further host names", "Record, certificate and rule take each of them, too."
    if not reached:
        return Hop(name, title, None, checked, "Not reached.", "", 0.0)
    began = time.monotonic()
    for path in paths:
        for link in LINE:
            if link.name in OF_A_NAME and path.output(link.needs) and (hop := _prove(link, path)).ok is False:
                took = round(time.monotonic() - began, 3)
                return Hop(name, title, False, checked, f"{path.fqdn}: {hop.title}: {hop.found}", hop.fix, took)
    names = ", ".join(path.fqdn for path in paths)
    return Hop(name, title, True, checked, f"{names}.", "", round(time.monotonic() - began, 3))


def _prove(link: Link, path: Path) -> Hop:
    began = time.monotonic()
    ok: bool | None = True
    fix = ""
    try:
        found = link.prove(path)
    except Unknown as unknown:
        ok, found = None, unknown.found
    except Broken as broken:
        ok, found, fix = False, broken.found, broken.fix
    except (ClientError, BotoCoreError) as error:
        ok, found = False, f"{DID_NOT_TELL}{error}"
        fix = f"The role {path.access.role_arn} must be allowed to ask; then prove the path again."
    return Hop(link.name, link.title, ok, link.checked, found, fix, round(time.monotonic() - began, 3))


def _not_reached(link: Link) -> Hop:
    return Hop(link.name, link.title, None, link.checked, "Not reached.", "", 0.0)
