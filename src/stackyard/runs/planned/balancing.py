"""The listener rule and the target group."""

from fnmatch import fnmatchcase

from stackyard.aws.hops.path import Broken
from stackyard.runs.planned.parts import GROUPS, LISTENERS, PATTERN, RULES, UNKNOWN, Planned, Said, elsewhere, listed


def rule(planned: Planned) -> Said:
    """It takes the name, at the sandbox's listener or an own one."""
    rules = planned.of(*RULES)
    if not rules:
        return None
    listeners = [rule.value("listener_arn") for rule in rules]
    if not planned.of(*LISTENERS) and all(elsewhere(arn, planned.facts.https_listener_arn) for arn in listeners):
        raise Broken(f"It is planned at {listed(listeners)}, which is not the sandbox's HTTPS listener.", PATTERN)
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
        raise Broken(f"It takes {listed(hosts)}, not {planned.fqdn}.", PATTERN)
    return True, f"It takes {planned.fqdn}."


def target_group(planned: Planned) -> Said:
    """It takes the addresses of tasks, in the VPC."""
    groups = planned.of(*GROUPS)
    if not groups:
        return None
    for group in groups:
        kind = group.value("target_type") or "instance"  # what AWS takes when nothing is said
        if kind not in ("ip", UNKNOWN) and _on_fargate(planned):
            raise Broken(f"{group.address} takes targets of type {kind}, but tasks on Fargate have addresses.", PATTERN)
        if elsewhere(group.value("vpc_id"), planned.facts.vpc_id):
            raise Broken(f"{group.address} lies in {group.value('vpc_id')}, not in the sandbox's VPC.", PATTERN)
    return True, f"{len(groups)} planned, for addresses."


def _on_fargate(planned: Planned) -> bool:
    return any(service.value("launch_type") == "FARGATE" for service in planned.of("aws_ecs_service"))
