"""The role of a sandbox may do with builds what its executor does, with what bears the usual names, and no more."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from stackyard.aws.build_policies import BUILDERS, build_policy, trust_of_builds
from stackyard.aws.emulator.actions import Action
from stackyard.aws.sessions import SandboxAccess

ACCOUNT = "111122223333"
ACCESS = SandboxAccess(ACCOUNT, "eu-west-1", f"arn:aws:iam::{ACCOUNT}:role/stackyard", "", "")
STATEMENTS: list[dict[str, Any]] = build_policy(ACCESS)["Statement"]
RESULTS = f"arn:aws:s3:::stackyard-builds-{ACCOUNT}-eu-west-1-results"
ONLY_IN_IAM = {
    "iam:PassRole",
    "s3:DeleteObjectVersion",
    "s3:GetBucketNotification",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutBucketNotification",
}
"""IAM knows these, the API does not: they stand for parts of other calls, or have another name."""
OURS = re.compile(r"stackyard-(builds|github)")


def allowed(action: str, resource: str) -> bool:
    return any(
        action in statement["Action"] and any(fnmatchcase(resource, r) for r in statement["Resource"])
        for statement in STATEMENTS
    )


def test_actions_and_resources_are_named() -> None:
    assert [a for s in STATEMENTS for a in s["Action"] if "*" in a] == []
    assert [r for s in STATEMENTS for r in s["Resource"] if not OURS.search(r)] == []


@pytest.mark.parametrize(
    ("action", "resource", "whether"),
    [
        ("s3:PutObject", f"{RESULTS}/jobs/1.zip", True),
        ("s3:PutObject", f"arn:aws:s3:::stackyard-builds-{ACCOUNT}-eu-west-1-jobs/jobs/1.zip", True),
        ("s3:GetObject", "arn:aws:s3:::customers/1", False),
        ("codebuild:StopBuild", f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/stackyard-builds", True),
        ("codebuild:StopBuild", f"arn:aws:codebuild:eu-west-1:{ACCOUNT}:project/customers", False),
        ("codepipeline:StopPipelineExecution", f"arn:aws:codepipeline:eu-west-1:{ACCOUNT}:stackyard-builds", True),
        ("logs:GetLogEvents", f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/codebuild/stackyard-builds:x", True),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/stackyard-builds-build", True),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/administrator", False),
    ],
)
def test_what_may_be_done(action: str, resource: str, whether: bool) -> None:
    assert allowed(action, resource) is whether


def test_each_role_goes_to_its_own_service_alone() -> None:
    passed = {s["Resource"][0]: s["Condition"] for s in STATEMENTS if s["Action"] == ["iam:PassRole"]}
    assert {arn.rpartition("-")[2]: c["StringEquals"]["iam:PassedToService"] for arn, c in passed.items()} == {
        "build": "codebuild.amazonaws.com",
        "pipeline": "codepipeline.amazonaws.com",
        "start": "events.amazonaws.com",
    }


@pytest.mark.parametrize("action", [action for statement in STATEMENTS for action in statement["Action"]])
def test_every_action_exists(action: str) -> None:
    if action not in ONLY_IN_IAM:
        assert Action.parse(action)


def test_it_fits_into_a_managed_policy() -> None:
    assert len(re.sub(r"\s", "", json.dumps(build_policy(ACCESS)))) <= 6144


@pytest.mark.parametrize("external_id", ["", "shop-4711"])
def test_only_the_accounts_own_builds_are_trusted(external_id: str) -> None:
    statement = trust_of_builds(ACCOUNT, external_id)
    condition = statement["Condition"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert condition["ArnEquals"]["aws:PrincipalArn"] == [f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in BUILDERS]
    assert condition.get("StringEquals", {}).get("sts:ExternalId", "") == external_id
