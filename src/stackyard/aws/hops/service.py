"""The ECS service, its task definition, its log and its security group."""

import ipaddress
from typing import Any

from stackyard.aws.hops.names import REBUILD
from stackyard.aws.hops.path import Broken, Path


def service(path: Path) -> str:
    """It is active, as many tasks run as are wanted, and they register in the target group."""
    name, found = path.output("service_name"), path.service
    if found is None or found["status"] != "ACTIVE":
        state = "no" if found is None else f"only an {found['status'].lower()}"
        raise Broken(f"There is {state} service {name}.", REBUILD)
    target_group = path.output("target_group_arn")
    used = [item.get("targetGroupArn") for item in found.get("loadBalancers", [])]
    if target_group and target_group not in used:
        there = ", ".join(filter(None, used)) or "none"
        raise Broken(f"The service {name} registers its tasks in {there}, not in {target_group}.", REBUILD)
    running, wanted = found["runningCount"], found["desiredCount"]
    if running < wanted:
        events = [event["message"] for event in found.get("events", [])[:1]]
        raise Broken(
            f"{running} of {wanted} tasks run. {' '.join(events)}".strip(),
            "Look at the service's events and the application's log; often the image does not start.",
        )
    return f"{running} of {wanted} tasks run." if wanted else "No task is wanted, so none answers."


def task_definition(path: Path) -> str:
    """It is active, a container has the port that the target group's tasks are asked on, and its roles are there."""
    found = path.task_definition
    if path.service is None or found is None or found.get("status") != "ACTIVE":
        name = path.service["taskDefinition"] if path.service else "none"
        raise Broken(f"The service's task definition {name} is not active.", REBUILD)
    ports = {
        (container["name"], mapping.get("containerPort"))
        for container in found["containerDefinitions"]
        for mapping in container.get("portMappings", [])
    }
    for balancer in path.service.get("loadBalancers", []):
        wanted = (balancer.get("containerName"), balancer.get("containerPort"))
        if wanted not in ports:
            raise Broken(
                f"The load balancer asks container {wanted[0]} on port {wanted[1]}; {found['family']} has none such.",
                "Deploy a task definition whose container keeps this name and port.",
            )
    for output in ("execution_role_arn", "task_role_arn"):
        arn = path.output(output)
        if arn and path.ask("iam", "get_role", RoleName=arn.rpartition("/")[2]) is None:
            raise Broken(f"The role {arn} does not exist.", REBUILD)
    return f"Revision {found['revision']} of {found['family']}."


def log_group(path: Path) -> str:
    """The log group that the containers write to exists."""
    assert path.task_definition is not None
    names = {
        container["logConfiguration"]["options"]["awslogs-group"]
        for container in path.task_definition["containerDefinitions"]
        if container.get("logConfiguration", {}).get("logDriver") == "awslogs"
    } | ({path.output("log_group_name")} - {""})
    for name in sorted(names):
        answer = path.ask("logs", "describe_log_groups", logGroupNamePrefix=name)
        if name not in {group["logGroupName"] for group in (answer or {}).get("logGroups", [])}:
            raise Broken(f"There is no log group {name}, so tasks cannot start.", REBUILD)
    return f"{', '.join(sorted(names))}." if names else "The containers write no CloudWatch log."


def task_network(path: Path) -> str:
    """The tasks' security groups let the load balancer in on the container's port."""
    assert path.service is not None
    balancer = path.balancer or {}
    sources = balancer.get("SecurityGroups", [])
    groups = path.task_security_groups
    if not groups:
        raise Broken("The service's tasks have no security group that exists.", REBUILD)
    ports = [item["containerPort"] for item in path.service.get("loadBalancers", [])]
    for port in ports:
        if not any(opens(group["IpPermissions"], port, sources, path.facts.vpc_cidr) for group in groups):
            raise Broken(
                f"{_names(groups)} does not let the load balancer's group {', '.join(sources)} in on port {port}.",
                REBUILD,
            )
    return f"{_names(groups)} lets the load balancer in on port {', '.join(map(str, ports))}."


def opens(permissions: list[dict[str, Any]], port: int, groups: list[str], cidr: str) -> bool:
    """Whether rules of a security group open a TCP port to one of `groups`, or to all addresses of `cidr`."""
    network = ipaddress.ip_network(cidr)
    for permission in permissions:
        protocol = permission["IpProtocol"]
        if protocol not in ("tcp", "6", "-1"):
            continue
        if protocol != "-1" and not permission["FromPort"] <= port <= permission["ToPort"]:
            continue
        if any(pair.get("GroupId") in groups for pair in permission.get("UserIdGroupPairs", [])):
            return True
        ranges = (ipaddress.ip_network(item["CidrIp"]) for item in permission.get("IpRanges", []))
        if any(network.version == block.version and network.subnet_of(block) for block in ranges):  # type: ignore[arg-type]
            return True
    return False


def _names(groups: list[dict[str, Any]]) -> str:
    return ", ".join(group["GroupId"] for group in groups)
