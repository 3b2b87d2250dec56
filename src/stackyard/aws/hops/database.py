"""The way from the tasks to the database, the database, and the secret to sign in with."""

import json
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from stackyard.aws.hops.names import REBUILD
from stackyard.aws.hops.path import Broken, Path
from stackyard.aws.hops.service import opens

READ_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  (an action, no secret)


def database_network(path: Path) -> str:
    """The tasks' security groups let out to the database's port, and its security groups let them in."""
    known, own = path.database, path.output("database_security_group_id")
    ids = known.groups if known else (own,) if own else ()
    port = (known.port if known else None) or _told_port(path)
    groups, tasks = path.security_groups(ids), path.task_security_groups
    if not groups:
        raise Broken(f"The database {_name(path)} has no security group that exists.", REBUILD)
    group_ids, task_ids = [g["GroupId"] for g in groups], [g["GroupId"] for g in tasks]
    cidr = path.facts.vpc_cidr
    if not any(opens(group["IpPermissionsEgress"], port, group_ids, cidr) for group in tasks):
        raise Broken(f"{', '.join(task_ids)} of the tasks does not let out to port {port} of the database.", REBUILD)
    if not any(opens(group["IpPermissions"], port, task_ids, cidr) for group in groups):
        raise Broken(
            f"{', '.join(group_ids)} of the database does not let the tasks in on port {port} "
            f"(their group is {', '.join(task_ids)}).",
            REBUILD,
        )
    return f"{', '.join(task_ids)} reaches {', '.join(group_ids)} on port {port}."


def subnet_group(path: Path) -> str:
    """The database's subnets lie in the sandbox's VPC, in two zones at least."""
    name = (path.database and path.database.subnet_group) or path.output("database_subnet_group_name")
    if not name:
        raise Broken(f"The database {_name(path)} has no subnet group.", REBUILD)
    answer = path.ask("rds", "describe_db_subnet_groups", DBSubnetGroupName=name)
    if not answer or not answer["DBSubnetGroups"]:
        raise Broken(f"There is no subnet group {name}.", REBUILD)
    found = answer["DBSubnetGroups"][0]
    if found["VpcId"] != path.facts.vpc_id:
        raise Broken(f"The subnet group {name} lies in {found['VpcId']}, the tasks in {path.facts.vpc_id}.", REBUILD)
    zones = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in found["Subnets"]}
    if len(zones) < 2:
        raise Broken(f"The subnet group {name} has subnets in one zone only: {', '.join(zones)}.", REBUILD)
    return f"{name} in {', '.join(sorted(zones))}."


def database(path: Path) -> str:
    """It is available, at the address that the environment tells its application."""
    found = path.database
    if found is None:
        raise Broken(f"There is no database {_name(path)}.", REBUILD)
    if found.status != "available":
        raise Broken(
            f"The database {found.id} is {found.status}.",
            "Wait until it is available, or start it; then prove the path again.",
        )
    told = path.output("database_endpoint").partition(":")[0]
    if told and told != found.endpoint:
        raise Broken(f"The database answers at {found.endpoint}, the application is told {told}.", REBUILD)
    return f"{found.id} is available at {found.endpoint}:{found.port}."


def secret(path: Path) -> str:
    """The secret is there and may be read: by the execution role when the task definition hands it to a container, else
    by the task role."""
    arn = path.output("secret_arn")
    found = path.ask("secretsmanager", "describe_secret", SecretId=arn)
    if found is None:
        raise Broken(f"There is no secret {arn}.", REBUILD)
    if found.get("DeletedDate"):
        raise Broken(
            f"The secret {found['Name']} waits for its deletion.",
            f"aws secretsmanager restore-secret --secret-id {arn}",
        )
    definition = path.task_definition or {}
    handed = any(
        item["valueFrom"].startswith(arn)
        for container in definition.get("containerDefinitions", [])
        for item in container.get("secrets", [])
    )
    kind, output, key = (
        ("execution role", "execution_role_arn", "executionRoleArn")
        if handed
        else ("task role", "task_role_arn", "taskRoleArn")
    )
    role = definition.get(key) or path.output(output)
    if not role:
        raise Broken(f"The tasks have no {kind} to read the secret {found['Name']} with.", REBUILD)
    if not allows(_policies(path, role.rpartition("/")[2]), READ_SECRET, arn):
        raise Broken(f"The {kind} {role} may not read the secret {found['Name']}.", REBUILD)
    return f"{found['Name']} is readable by the {kind}."


def allows(policies: list[dict[str, Any]], action: str, resource: str) -> bool:
    """Whether identity policies allow an action on a resource. Conditions are taken as met for Allow and for Deny, so
    that a conditional denial counts.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"""
    effects = {
        statement["Effect"]
        for policy in policies
        for statement in _listed(policy.get("Statement", []))
        if _matches(statement.get("Action", []), action.lower(), lower=True)
        and _matches(statement.get("Resource", []), resource)
    }
    return "Allow" in effects and "Deny" not in effects


def _matches(patterns: Any, value: str, *, lower: bool = False) -> bool:
    return any(fnmatchcase(value, text.lower() if lower else text) for text in _listed(patterns))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _policies(path: Path, role: str) -> list[dict[str, Any]]:
    documents = []
    for name in (path.ask("iam", "list_role_policies", RoleName=role) or {}).get("PolicyNames", []):
        documents.append(path.ask("iam", "get_role_policy", RoleName=role, PolicyName=name)["PolicyDocument"])
    for item in (path.ask("iam", "list_attached_role_policies", RoleName=role) or {}).get("AttachedPolicies", []):
        policy = path.ask("iam", "get_policy", PolicyArn=item["PolicyArn"])["Policy"]
        version = path.ask(
            "iam", "get_policy_version", PolicyArn=item["PolicyArn"], VersionId=policy["DefaultVersionId"]
        )
        documents.append(version["PolicyVersion"]["Document"])
    return [json.loads(unquote(text)) if isinstance(text, str) else text for text in documents]


def _told_port(path: Path) -> int:
    """The port that the outputs tell, where the endpoint may be `host:port` as Terraform's `aws_db_instance` has it."""
    return int(path.output("database_port") or path.output("database_endpoint").partition(":")[2] or 5432)


def _name(path: Path) -> str:
    return path.output("database_identifier") or path.output("database_endpoint").partition(".")[0]
