"""The path of an environment before it is built: whether the parts of a plan fit together, as far as it knows values.

A plan does not know the ids of what it will make, so a hop is broken here only when known values contradict each other
or the sandbox; what cannot be known yet is left to the proof after the apply (`aws.path_proof`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import Broken, host
from stackyard.aws.path_proof import Hop

UNKNOWN = object()
"""A value that is known only after the apply."""

BALANCERS = ("aws_lb", "aws_alb")
LISTENERS = ("aws_lb_listener", "aws_alb_listener")
RULES = ("aws_lb_listener_rule", "aws_alb_listener_rule")
GROUPS = ("aws_lb_target_group", "aws_alb_target_group")
DATABASES = ("aws_db_instance", "aws_rds_cluster")
ADDRESSES = ("A", "AAAA", "CNAME")
PATTERN = "Correct the pattern."


@dataclass(frozen=True)
class Part:
    """One resource as the plan leaves it."""

    address: str
    type: str
    after: Mapping[str, Any]
    unknown: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """An attribute; UNKNOWN when it, or something inside of it, is known only later."""
        return UNKNOWN if _any_unknown(self.unknown.get(name)) else self.after.get(name)

    def blocks(self, name: str) -> list["Part"]:
        """The nested blocks of that name, each as a part of its own; none when their number is not known."""
        unknown = self.unknown.get(name)
        after = self.after.get(name)
        if unknown is True or not isinstance(after, list):
            return []
        inner = unknown if isinstance(unknown, list) else []
        return [
            Part(self.address, name, block, inner[n] if n < len(inner) and isinstance(inner[n], dict) else {})
            for n, block in enumerate(after)
            if isinstance(block, dict)
        ]


class Planned:
    """The parts of a plan that stay or come."""

    def __init__(self, resources: Sequence[Mapping[str, Any]], fqdn: str, facts: BaselineFacts) -> None:
        self.fqdn = host(fqdn)
        self.facts = facts
        self._parts = [
            Part(str(r.get("address", "")), str(r.get("type", "")), change["after"], change.get("after_unknown") or {})
            for r in resources
            if r.get("mode", "managed") == "managed"
            and isinstance((change := r.get("change") or {}).get("after"), dict)
        ]

    def of(self, *types: str) -> list[Part]:
        """Those of these types."""
        return [part for part in self._parts if part.type in types]

    @property
    def ingress(self) -> list[Part]:
        """All rules that let somebody in, however they are written."""
        alone = [p for p in self.of("aws_security_group_rule") if p.value("type") == "ingress"]
        inline = [rule for group in self.of("aws_security_group") for rule in group.blocks("ingress")]
        return [*alone, *inline, *self.of("aws_vpc_security_group_ingress_rule")]


def prove_plan(resources: Sequence[Mapping[str, Any]], *, fqdn: str, facts: BaselineFacts) -> list[Hop]:
    """What is known of each hop before anything is built. `resources`: `resource_changes` of the plan's JSON. Hops that
    the plan has no part of are left out. `ok` None: it cannot be known before the apply. Nothing is raised."""
    planned = Planned(resources, fqdn, facts)
    hops = (
        ("record", "DNS record", "It has the environment's name and leads to a load balancer.", _record),
        ("rule", "Listener rule", "It takes the name, at the sandbox's listener.", _rule),
        ("target_group", "Target group", "It takes the addresses of tasks, in the VPC.", _target_group),
        ("service", "Service", "It registers a port that its container opens.", _service),
        ("task_network", "Way to the tasks", "A rule lets the load balancer in on that port.", _task_network),
        ("database_network", "Way to the database", "A rule lets somebody in on its port.", _database_network),
        ("subnet_group", "Database subnets", "There are two at least.", _subnet_group),
    )
    found = (_hop(name, title, checked, prove, planned) for name, title, checked, prove in hops)
    return [hop for hop in found if hop is not None]


def _hop(name: str, title: str, checked: str, prove: Any, planned: Planned) -> Hop | None:
    try:
        said: tuple[bool | None, str] | None = prove(planned)
    except Broken as broken:
        return Hop(name, title, False, checked, broken.found, broken.fix, 0.0)
    return Hop(name, title, said[0], checked, said[1], "", 0.0) if said else None


def _record(planned: Planned) -> tuple[bool | None, str] | None:
    records = [r for r in planned.of("aws_route53_record") if r.value("type") in ADDRESSES]
    if not records:
        return None
    names = [r.value("name") for r in records]
    if UNKNOWN in names:
        return None, "Names are not known yet."
    named = [r for r, name in zip(records, names, strict=True) if host(str(name)) == planned.fqdn]
    if not named and not planned.of(*RULES, *LISTENERS, *BALANCERS, "aws_cloudfront_distribution"):
        return None, f"Records are planned for {_listed(names)}; nothing is planned that a host name would lead to."
    if not named:
        raise Broken(f"Records are planned for {_listed(names)}, none for {planned.fqdn}.", PATTERN)
    if all(_elsewhere(r.value("zone_id"), planned.facts.zone_id) for r in named):
        zone = named[0].value("zone_id")
        raise Broken(f"{planned.fqdn} is planned in zone {zone}, which is not the sandbox's.", PATTERN)
    targets = [alias.value("name") for record in named for alias in record.blocks("alias")]
    own = planned.of(*BALANCERS, "aws_cloudfront_distribution")
    if targets and UNKNOWN not in targets and not own:
        leads = {host(str(target)) for target in targets}
        if host(planned.facts.alb_dns_name) not in leads:
            raise Broken(f"{planned.fqdn} leads to {_listed(leads)}, not to the sandbox's load balancer.", PATTERN)
        return True, f"{planned.fqdn} leads to the sandbox's load balancer."
    return None, f"{planned.fqdn} is planned; what it leads to is not known yet."


def _rule(planned: Planned) -> tuple[bool | None, str] | None:
    rules = planned.of(*RULES)
    if not rules:
        return None
    listeners = [rule.value("listener_arn") for rule in rules]
    if not planned.of(*LISTENERS) and all(_elsewhere(arn, planned.facts.https_listener_arn) for arn in listeners):
        raise Broken(f"It is planned at {_listed(listeners)}, which is not the sandbox's HTTPS listener.", PATTERN)
    hosts: list[str] = []
    for condition in (c for rule in rules for c in rule.blocks("condition")):
        for header in condition.blocks("host_header"):
            values = header.value("values")
            if values is UNKNOWN:
                return None, "The names that it takes are not known yet."
            hosts += [str(value).lower() for value in values or ()]
    if not hosts:
        return None, "It has no condition on the name."
    if not any(fnmatchcase(planned.fqdn, pattern) for pattern in hosts):
        raise Broken(f"It takes {_listed(hosts)}, not {planned.fqdn}.", PATTERN)
    return True, f"It takes {planned.fqdn}."


def _target_group(planned: Planned) -> tuple[bool | None, str] | None:
    groups = planned.of(*GROUPS)
    if not groups:
        return None
    for group in groups:
        kind = group.value("target_type") or "instance"  # what AWS takes when nothing is said
        if kind not in ("ip", UNKNOWN) and _on_fargate(planned):
            raise Broken(f"{group.address} takes targets of type {kind}, but tasks on Fargate have addresses.", PATTERN)
        if _elsewhere(group.value("vpc_id"), planned.facts.vpc_id):
            raise Broken(f"{group.address} lies in {group.value('vpc_id')}, not in the sandbox's VPC.", PATTERN)
    return True, f"{len(groups)} planned, for addresses."


def _on_fargate(planned: Planned) -> bool:
    return any(service.value("launch_type") == "FARGATE" for service in planned.of("aws_ecs_service"))


def _service(planned: Planned) -> tuple[bool | None, str] | None:
    services = planned.of("aws_ecs_service")
    if not services:
        return None
    if planned.of(*GROUPS) and not any(_is_registered(service) for service in services):
        raise Broken("A target group is planned, but no service registers in it.", PATTERN)
    ports = _container_ports(planned)
    for balancer in (b for service in services for b in service.blocks("load_balancer")):
        name, port = balancer.value("container_name"), balancer.value("container_port")
        if ports is None or UNKNOWN in (name, port):
            continue
        if name not in ports:
            raise Broken(f"It registers container {name}, but the tasks have {_listed(ports)}.", PATTERN)
        if port not in ports[name]:
            opened = _listed(ports[name]) or "no port"
            raise Broken(f"It registers port {port} of {name}, which opens {opened}.", PATTERN)
    return (True, "Its container opens what it registers.") if ports else (None, "The containers are not known yet.")


def _is_registered(service: Part) -> bool:
    return bool(service.blocks("load_balancer")) or service.value("load_balancer") is UNKNOWN


def _container_ports(planned: Planned) -> dict[str, set[int]] | None:
    """Container -> the ports that it opens, over all planned task definitions; None when they are not known."""
    found: dict[str, set[int]] = {}
    for definition in planned.of("aws_ecs_task_definition"):
        text = definition.value("container_definitions")
        if not isinstance(text, str):
            return None
        try:
            for container in json.loads(text):
                opened = {int(mapping["containerPort"]) for mapping in container.get("portMappings") or ()}
                found.setdefault(str(container["name"]), set()).update(opened)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
    return found


def _task_network(planned: Planned) -> tuple[bool | None, str] | None:
    services = planned.of("aws_ecs_service")
    ports = {b.value("container_port") for s in services for b in s.blocks("load_balancer")}
    if not ports:
        return None
    if UNKNOWN in ports or not _own_groups(services, "network_configuration", "security_groups"):
        return None, "The security groups of the tasks are not planned here."
    for port in sorted(ports):
        _require_way(planned, port, "the tasks", planned.facts.alb_security_group_id)
    return True, f"Port {_listed(ports)} is opened."


def _database_network(planned: Planned) -> tuple[bool | None, str] | None:
    databases = planned.of(*DATABASES)
    if not databases:
        return None
    ports = {database.value("port") for database in databases}
    if ports & {UNKNOWN, None} or not all(d.value("vpc_security_group_ids") is UNKNOWN for d in databases):
        return None, "Its port or its security groups are not known yet."
    for port in sorted(ports):
        _require_way(planned, port, "the database", "")
    return True, f"Port {_listed(ports)} is opened."


def _own_groups(services: list[Part], block: str, name: str) -> bool:
    """Whether the plan itself makes the security groups: then their ids are not known yet."""
    return all(inner.value(name) is UNKNOWN for service in services for inner in service.blocks(block))


def _require_way(planned: Planned, port: int, what: str, source: str) -> None:
    """Broken when no rule lets anybody, or where it is known the group `source`, in on the port."""
    fitting = [rule for rule in planned.ingress if _opens(rule, port)]
    if not fitting:
        raise Broken(f"No planned rule lets anybody in to {what} on port {port}.", PATTERN)
    if source and not planned.of(*BALANCERS) and not any(_lets_in(rule, source) for rule in fitting):
        raise Broken(f"Nothing planned lets the sandbox's load balancer in to {what} on port {port}.", PATTERN)


def _opens(rule: Part, port: int) -> bool:
    protocol = rule.value("protocol") if "protocol" in rule.after else rule.value("ip_protocol")
    if protocol in ("-1", "all"):
        return True
    first, last = rule.value("from_port"), rule.value("to_port")
    if UNKNOWN in (protocol, first, last):
        return True
    return protocol in ("tcp", "6") and first is not None and last is not None and first <= port <= last


def _lets_in(rule: Part, group: str) -> bool:
    sources = ("source_security_group_id", "referenced_security_group_id", "security_groups", "cidr_blocks")
    for value in (rule.value(name) for name in (*sources, "cidr_ipv4", "prefix_list_ids", "prefix_list_id")):
        if value is UNKNOWN or value == group or (isinstance(value, list) and (group in value or value)):
            return True
        if isinstance(value, str) and "/" in value:
            return True
    return False


def _subnet_group(planned: Planned) -> tuple[bool | None, str] | None:
    groups = planned.of("aws_db_subnet_group")
    if not groups:
        return None
    for group in groups:
        subnets = group.value("subnet_ids")
        if subnets is UNKNOWN:
            return None, "They are not known yet."
        if len(set(subnets or ())) < 2:
            raise Broken(f"{group.address} has {len(set(subnets or ()))} subnets; a database wants two zones.", PATTERN)
    return True, "Two or more."


def _elsewhere(value: Any, place: str) -> bool:
    """Whether a value is known, and is not this one."""
    return value is not UNKNOWN and value is not None and value != place


def _any_unknown(marks: Any) -> bool:
    if isinstance(marks, dict):
        return any(_any_unknown(mark) for mark in marks.values())
    if isinstance(marks, list):
        return any(_any_unknown(mark) for mark in marks)
    return marks is True


def _listed(values: Any) -> str:
    return ", ".join(sorted(str(value) for value in _few(values)))


def _few(values: Any) -> Iterator[Any]:
    yield from list(values)[:5]
