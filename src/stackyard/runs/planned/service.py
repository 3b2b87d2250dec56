"""The service, its subnets and the way to its tasks."""

import json

from stackyard.aws.hops.path import Broken
from stackyard.runs.planned.parts import BALANCERS, GROUPS, PATTERN, UNKNOWN, Part, Planned, Said, listed


def service(planned: Planned) -> Said:
    """It registers a port that its container opens."""
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
            raise Broken(f"It registers container {name}, but the tasks have {listed(ports)}.", PATTERN)
        if port not in ports[name]:
            opened = listed(ports[name]) or "no port"
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


def task_subnets(planned: Planned) -> Said:
    """They are subnets of the sandbox from which tasks reach what they need to start."""
    blocks = [block for service in planned.of("aws_ecs_service") for block in service.blocks("network_configuration")]
    if not blocks:
        return None
    given = [block.value("subnets") for block in blocks]
    if UNKNOWN in given:
        return None, "They are not known yet."
    subnets = {str(subnet) for ids in given for subnet in ids or ()}
    facts = planned.facts
    if not subnets:
        raise Broken("The service is planned without subnets.", PATTERN)
    if closed := (subnets & set(facts.database_subnet_ids)) - {*facts.private_subnet_ids, *facts.public_subnet_ids}:
        raise Broken(
            f"{listed(closed)} is for databases and has no way out, so that no task could fetch its image.", PATTERN
        )
    if foreign := subnets - {*facts.private_subnet_ids, *facts.public_subnet_ids}:
        return None, f"{listed(foreign)} is none that the sandbox offers."
    return True, f"{listed(subnets)}."


def task_network(planned: Planned) -> Said:
    """A rule lets the load balancer in on that port."""
    services = planned.of("aws_ecs_service")
    ports = {b.value("container_port") for s in services for b in s.blocks("load_balancer")}
    if not ports:
        return None
    if UNKNOWN in ports or not _own_groups(services, "network_configuration", "security_groups"):
        return None, "The security groups of the tasks are not planned here."
    for port in sorted(ports):
        require_way(planned, port, "the tasks", planned.facts.alb_security_group_id)
    return True, f"Port {listed(ports)} is opened."


def _own_groups(services: list[Part], block: str, name: str) -> bool:
    """Whether the plan itself makes the security groups: then their ids are not known yet."""
    return all(inner.value(name) is UNKNOWN for service in services for inner in service.blocks(block))


def require_way(planned: Planned, port: int, what: str, source: str) -> None:
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
