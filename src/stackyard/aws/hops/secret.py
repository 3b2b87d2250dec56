"""The secret to sign in with, and who may read it."""

import json
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from stackyard.aws.hops.names import REBUILD
from stackyard.aws.hops.path import Broken, Path

READ_SECRET = "secretsmanager:GetSecretValue"  # noqa: S105  (an action, no secret)


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
