"""The role of a sandbox may do what Terraform was seen to do for the shipped patterns, and no more than that kind."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from stackyard.aws.build_policies import build_policy
from stackyard.aws.emulator.actions import Action
from stackyard.aws.policies import permission_policies, trust_policy
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Invalid

ROOT = Path(__file__).resolve().parents[3]
SEEN = (Path(__file__).parent / "terraform_actions.txt").read_text().split()
"""What the provider 3.39 sent while baseline and patterns were built in full, changed and destroyed."""

# Where IAM's name of an action is not the API's.
IAM_NAMES = {
    "cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycle": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
# IAM knows these, the API does not: they stand for parts of other calls.
ONLY_IN_IAM = {
    "elasticloadbalancing:SetWebACL",
    "iam:PassRole",
    "s3:DeleteObjectVersion",
    "s3:ListAllMyBuckets",
    "s3:ListBucketVersions",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
}
SERVICES = {
    "aws_acm": "acm",
    "aws_appautoscaling": "application-autoscaling",
    "aws_cloudformation": "cloudformation",
    "aws_cloudfront": "cloudfront",
    "aws_cloudwatch_event": "events",
    "aws_cloudwatch_log": "logs",
    "aws_cloudwatch_metric": "cloudwatch",
    "aws_codebuild": "codebuild",
    "aws_db": "rds",
    "aws_rds": "rds",
    "aws_ecr": "ecr",
    "aws_ecs": "ecs",
    "aws_elasticache": "elasticache",
    "aws_iam": "iam",
    "aws_lb": "elasticloadbalancing",
    "aws_route53": "route53",
    "aws_s3": "s3",
    "aws_secretsmanager": "secretsmanager",
    "aws_sns": "sns",
    "aws_sqs": "sqs",
    "aws_wafv2": "wafv2",
}
GITHUB = "arn:aws:iam::*:oidc-provider/token.actions.githubusercontent.com"
EC2 = "default|eip|internet|nat|route|route_table|route_table_association|security|subnet|vpc"


def statements() -> list[dict[str, Any]]:
    return [statement for policy in permission_policies().values() for statement in policy["Statement"]]


ALLOWED = [action for statement in statements() for action in statement["Action"]]


@pytest.mark.parametrize("seen", SEEN)
def test_what_terraform_was_seen_to_do_is_allowed(seen: str) -> None:
    name = IAM_NAMES.get(seen, seen)
    assert seen == "sts:GetCallerIdentity" or any(fnmatchcase(name, pattern) for pattern in ALLOWED)


def test_every_type_of_the_modules_has_its_service_in_the_policy() -> None:
    builds = build_policy(SandboxAccess("111122223333", "eu-west-1", "", "", ""))
    more = [action for statement in builds["Statement"] for action in statement["Action"]]
    writes = {action.partition(":")[0] for action in [*ALLOWED, *more] if "*" not in action}
    for file in [*ROOT.glob("modules/*/*.tf"), *ROOT.glob("patterns/*/*.tf"), *ROOT.glob("baseline/*.tf")]:
        for kind in re.findall(r'^resource "(aws_\w+)"', file.read_text(), re.MULTILINE):
            service = next((name for prefix, name in SERVICES.items() if re.match(rf"{prefix}(_|$)", kind)), None)
            if service is None and re.match(rf"aws_({EC2})(_|$)", kind):
                service = "ec2"
            assert service in writes, f"{file.name}: the role may not make {kind}"


@pytest.mark.parametrize("action", [action for action in ALLOWED if "*" not in action])
def test_every_action_that_is_allowed_by_name_exists(action: str) -> None:
    if action not in ONLY_IN_IAM and action not in IAM_NAMES.values():
        assert Action.parse(action)


def test_only_reading_goes_by_prefix() -> None:
    for action in ALLOWED:
        service, _, name = action.partition(":")
        assert service
        if "*" in name:
            assert re.fullmatch(r"(Describe|Get|List)[A-Za-z]*\*", name), action
    assert "s3:Get*" not in ALLOWED  # what lies in a bucket is the application's
    assert "secretsmanager:Get*" not in ALLOWED


def test_roles_are_those_of_tasks_and_deployments_and_only_the_first_are_passed_to_ecs() -> None:
    for statement in statements():
        writing = [a for a in statement["Action"] if a.startswith("iam:") and not re.match("iam:(Get|List)", a)]
        if all("OpenIDConnectProvider" in action for action in writing):
            assert not writing or statement["Resource"] == [GITHUB]
        elif writing != ["iam:CreateServiceLinkedRole"]:
            kinds = "execution|task" if "iam:PassRole" in writing else "execution|task|deploy"
            assert all(re.fullmatch(rf"arn:aws:iam::\*:role/\*-({kinds})", arn) for arn in statement["Resource"])
        if "iam:PassRole" in writing:
            assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    roles = (ROOT / "modules" / "ecs-service" / "roles.tf").read_text()
    assert set(re.findall(r'name += "\$\{var\.name\}-(\w+)"', roles)) >= {"execution", "task"}


@pytest.mark.parametrize("name", permission_policies())
def test_aws_takes_each_policy(name: str) -> None:
    """At most 6,144 characters, white space aside; a role can have ten such policies."""
    assert len(re.sub(r"\s", "", json.dumps(permission_policies()[name]))) <= 6144
    assert re.fullmatch(r"[\w+=,.@-]{1,128}", name)


@pytest.mark.parametrize(
    "principal",
    ["111122223333", "arn:aws:iam::111122223333:role/ops/stackyard", "arn:aws-cn:iam::111122223333:user/worker"],
)
def test_the_role_trusts_the_worker_that_sends_the_external_id(principal: str) -> None:
    (statement,) = trust_policy(principal, "shop-4711")["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "shop-4711"}},
    }
    assert "Condition" not in trust_policy(principal, "")["Statement"][0]


@pytest.mark.parametrize("principal", ["*", "", "12345", "arn:aws:iam::111122223333:role/*", "arn:aws:s3:::x", '"'])
def test_nobody_else_is_trusted(principal: str) -> None:
    with pytest.raises(Invalid, match="principal"):
        trust_policy(principal, "shop-4711")


@pytest.mark.parametrize("external_id", ["x", "*", 'a"b', "a b", "x" * 1225])
def test_an_external_id_is_one_that_aws_takes(external_id: str) -> None:
    with pytest.raises(Invalid, match="external_id"):
        trust_policy("111122223333", external_id)
