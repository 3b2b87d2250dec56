"""What `pipeline/aws` makes in an account by real Terraform: names, trust, least privilege, and what buckets keep."""

import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.builds import ROOT, Pipeline

from stackyard.aws.builds import BuildPlace
from stackyard.aws.emulator.process import Emulator
from stackyard.aws.jobs import Buckets
from stackyard.aws.sessions import SandboxAccess
from stackyard.executors.registry import names
from stackyard.terraform.engine import find_engine

REGION = "eu-central-1"
ISSUER = "token.actions.githubusercontent.com"
SUBJECT = "repo:acme/environments:environment:stackyard"
_accounts = count(830000000000)


@pytest.fixture(scope="module")
def made(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Applied once for all tests here. That it is destroyed clean is told by the story of builds in AWS."""
    account = str(next(_accounts))
    access = SandboxAccess(account, REGION, f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)
    folder, mirror = tmp_path_factory.mktemp("pipeline"), tmp_path_factory.getbasetemp() / "mirror"
    return Pipeline.apply(access, folder / "code", mirror, github_repository="acme/environments")


def roles(made: Pipeline) -> dict[str, dict[str, Any]]:
    """Every role that was made, by its name."""
    found = made.access.client("iam").list_roles()["Roles"]
    return {role["RoleName"]: made.access.client("iam").get_role(RoleName=role["RoleName"])["Role"] for role in found}


def allowed(made: Pipeline, role: str) -> list[dict[str, Any]]:
    """The statements of a role's policies."""
    iam = made.access.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    return [
        statement
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    ]


def may(made: Pipeline, role: str, action: str, resource: str) -> bool:
    return any(
        action in statement["Action"] and any(fnmatchcase(resource, arn) for arn in statement["Resource"])
        for statement in allowed(made, role)
    )


def bucket(made: Pipeline, use: str) -> str:
    return f"stackyard-builds-{made.access.account_id}-{REGION}-{use}"


def template(made: Pipeline) -> dict[str, Any]:
    """What the stack says, as CloudFormation was given it."""
    body = made.access.client("cloudformation").get_template(StackName="stackyard-builds")["TemplateBody"]
    found: dict[str, Any] = (json.loads(body) if isinstance(body, str) else body)["Resources"]
    return found


def test_everything_has_the_name_by_which_an_executor_looks_for_it(made: Pipeline) -> None:
    place = BuildPlace.of(made.access, {})
    assert place == BuildPlace(bucket(made, "jobs"), bucket(made, "results"), "stackyard-builds")
    assert Buckets.of(made.access, {}).results == place.results
    options = json.loads(made.run("output", "-json"))["executor_options"]["value"]
    assert options == {"packages": place.packages, "results": place.results, "pipeline": place.pipeline}
    found = made.access.client("s3").list_buckets()["Buckets"]
    assert sorted(row["Name"] for row in found) == sorted([place.packages, place.results])
    assert {"codebuild", "github-actions"} <= set(names())


def test_each_role_is_for_its_own_service_in_this_account_or_for_one_environment_of_github(made: Pipeline) -> None:
    account = made.access.account_id
    trusted = {}
    for name, role in roles(made).items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        trusted[name] = (statement["Action"], statement["Principal"], statement["Condition"])
    here = {"StringEquals": {"aws:SourceAccount": account}}
    assert trusted == {
        "stackyard-builds-build": ("sts:AssumeRole", {"Service": "codebuild.amazonaws.com"}, here),
        "stackyard-builds-pipeline": ("sts:AssumeRole", {"Service": "codepipeline.amazonaws.com"}, here),
        "stackyard-builds-start": ("sts:AssumeRole", {"Service": "events.amazonaws.com"}, here),
        "stackyard-github": (
            "sts:AssumeRoleWithWebIdentity",
            {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
            {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": SUBJECT}},
        ),
    }


def test_github_has_sessions_of_two_hours_and_signs_in_for_aws_alone(made: Pipeline) -> None:
    assert roles(made)["stackyard-github"]["MaxSessionDuration"] == 7200
    provider = f"arn:aws:iam::{made.access.account_id}:oidc-provider/{ISSUER}"
    found = made.access.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert (found["Url"].removeprefix("https://"), found["ClientIDList"]) == (ISSUER, ["sts.amazonaws.com"])


def test_no_role_has_an_action_or_a_resource_that_is_not_named(made: Pipeline) -> None:
    for role in roles(made):
        statements = allowed(made, role)
        assert statements
        for statement in statements:
            assert statement["Effect"] == "Allow"
            assert [action for action in statement["Action"] if "*" in action] == []
            # Of other things than secrets and log streams only what lies in a bucket has names of its own.
            for arn in statement["Resource"]:
                service, name = arn.split(":")[2], arn.split(":", 5)[5]
                assert name.partition("*")[0].strip("/"), (role, arn)
                assert "*" not in name or service in {"s3", "secretsmanager", "logs"}, (role, arn)
                assert "*" not in name.rpartition("*")[0], (role, arn)


@pytest.mark.parametrize("role", ["stackyard-builds-build", "stackyard-github"])
def test_a_build_may_do_its_job_and_nothing_beside(made: Pipeline, role: str) -> None:
    account, results = made.access.account_id, f"arn:aws:s3:::{bucket(made, 'results')}"
    secret = f"arn:aws:secretsmanager:{REGION}:{account}:secret"
    for action, resource in (
        ("sts:AssumeRole", made.access.role_arn),
        ("secretsmanager:GetSecretValue", f"{secret}:stackyard/u1-7-plan-AbCdEf"),
        ("s3:GetObject", f"arn:aws:s3:::{bucket(made, 'jobs')}/jobs/1.zip"),
        ("s3:GetObject", f"{results}/jobs/1.zip"),
        ("s3:PutObject", f"{results}/results/jobs/1.zip/result.json"),
        ("s3:PutObject", f"{results}/stackyard/u1.tfstate"),
        ("s3:ListBucket", results),
    ):
        assert may(made, role, action, resource), (action, resource)
    for action, resource in (
        ("sts:AssumeRole", f"arn:aws:iam::{account}:role/administrator"),
        ("secretsmanager:GetSecretValue", f"{secret}:customers"),
        ("secretsmanager:PutSecretValue", f"{secret}:stackyard/u1"),
        ("s3:PutObject", f"{results}/elsewhere"),
        ("s3:DeleteObjectVersion", f"{results}/stackyard/u1.tfstate"),
        ("s3:GetObject", "arn:aws:s3:::customers/1"),
        ("s3:ListBucket", f"arn:aws:s3:::{bucket(made, 'jobs')}"),
    ):
        assert not may(made, role, action, resource), (action, resource)


def test_only_a_workflow_puts_packages_before_the_pipeline(made: Pipeline) -> None:
    package = f"arn:aws:s3:::{bucket(made, 'jobs')}/jobs/1.zip"
    putting = {role for role in roles(made) if may(made, role, "s3:PutObject", package)}
    assert putting == {"stackyard-github"}, "the pipeline's own artifacts must not start it again"


def test_an_event_starts_the_pipeline_with_that_very_version(made: Pipeline) -> None:
    events = made.access.client("events")
    pattern = json.loads(events.describe_rule(Name="stackyard-builds-package")["EventPattern"])
    assert pattern == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket(made, "jobs")]}, "object": {"key": [{"prefix": "jobs/"}]}},
    }
    (target,) = events.list_targets_by_rule(Rule="stackyard-builds-package")["Targets"]
    told = json.loads(target["InputTransformer"]["InputTemplate"])["sourceRevisions"]
    assert {row["revisionType"]: row["revisionValue"] for row in told} == {
        "S3_OBJECT_KEY": "<key>",
        "S3_OBJECT_VERSION_ID": "<version>",
    }
    pipeline = template(made)["Pipeline"]["Properties"]
    (source, build) = (stage["Actions"][0] for stage in pipeline["Stages"])
    assert (pipeline["PipelineType"], pipeline["ExecutionMode"]) == ("V2", "PARALLEL")
    assert {row["actionName"] for row in told} == {source["Name"]}
    assert source["Configuration"]["AllowOverrideForS3ObjectKey"] == "true"
    assert source["Configuration"]["PollForSourceChanges"] == "false"
    assert build["Configuration"] == {"ProjectName": "stackyard-builds"}


def test_buckets_are_versioned_encrypted_private_and_over_tls_only(made: Pipeline) -> None:
    stack = template(made)
    for name, use in (("Packages", "jobs"), ("Results", "results")):
        properties = stack[name]["Properties"]
        assert properties["BucketName"] == bucket(made, use)
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        (denied,) = stack[f"{name}OverTlsOnly"]["Properties"]["PolicyDocument"]["Statement"]
        arn = f"arn:aws:s3:::{bucket(made, use)}"
        assert (denied["Effect"], denied["Principal"], denied["Action"]) == ("Deny", "*", "s3:*")
        assert denied["Resource"] == [arn, f"{arn}/*"]
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_old_packages_and_results_go_and_a_state_never_does(made: Pipeline) -> None:
    rules = {name: template(made)[name]["Properties"]["LifecycleConfiguration"]["Rules"] for name in KEPT}
    for name, prefixes in KEPT.items():
        assert all(rule["Status"] == "Enabled" for rule in rules[name])
        for prefix in prefixes:
            assert expires(rules[name], f"{prefix}1.zip"), (name, prefix)
    state = [rule for rule in rules["Results"] if "stackyard/u1.tfstate".startswith(rule.get("Prefix", ""))]
    assert not expires(rules["Results"], "stackyard/u1.tfstate")
    assert [rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in state] == [90]


KEPT = {"Packages": ("jobs/", "stackyard-builds/"), "Results": ("results/", "jobs/")}
"""What is deleted when it is old, below each bucket of the stack."""


def expires(rules: list[dict[str, Any]], key: str) -> bool:
    return any("ExpirationInDays" in rule and key.startswith(rule.get("Prefix", "")) for rule in rules)


def test_logs_end_and_builds_end(made: Pipeline) -> None:
    groups = made.access.client("logs").describe_log_groups()["logGroups"]
    assert [(g["logGroupName"], g["retentionInDays"]) for g in groups] == [("/aws/codebuild/stackyard-builds", 14)]
    (project,) = made.access.client("codebuild").batch_get_projects(names=["stackyard-builds"])["projects"]
    assert project["timeoutInMinutes"] == 120
    assert project["source"]["buildspec"] == (ROOT / "modules" / "builds" / "buildspec.yml").read_text()


WRONG: tuple[tuple[str, object, str], ...] = (
    ("name", "jobs", "The name must not be jobs"),
    ("name", "Builds", "The name must have 3 to 24 lower-case letters"),
    ("sandbox_role_arns", [], "Give the ARN of at least one IAM role"),
    ("sandbox_role_arns", ["arn:aws:iam::111111111111:role/*"], "Give the ARN of at least one IAM role"),
    ("timeout_minutes", 4, "The timeout must be 5 to 480 minutes."),
    ("log_retention_days", 8, "The days must be a number that CloudWatch Logs knows"),
    ("compute_type", "SMALL", "The size must be one of CodeBuild's"),
    ("image", "", "The image must have a name."),
    ("github_repository", "acme/*", "The repository must be <owner>/<name>"),
    ("github_role", "a b", "The name must be one that IAM takes"),
)


def test_values_that_cannot_be_are_refused_by_validate(made: Pipeline, tmp_path: Path) -> None:
    """One call of the module for each, beside one that is right, so that Terraform is started once for all."""
    source, arns = str(ROOT / "modules" / "builds"), ["arn:aws:iam::111111111111:role/stackyard"]
    calls = {f"wrong{n}": {variable: value} for n, (variable, value, _) in enumerate(WRONG)} | {"right": {}}
    for name, given in calls.items():
        call = {"source": source, "sandbox_role_arns": arns, **given}
        (tmp_path / f"{name}.tf.json").write_text(json.dumps({"module": {name: call}}))
    own = {"TF_CLI_CONFIG_FILE": str(made.folder / "terraformrc"), "PATH": os.defpath}
    for step in (["init", "-backend=false"], ["validate", "-json"]):
        command = [*find_engine().command, *step]
        done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["diagnostics"]
    told = {d["range"]["filename"].removesuffix(".tf.json"): " ".join(d["detail"].split()) for d in found}
    assert set(told) == {f"wrong{n}" for n in range(len(WRONG))}
    for n, (variable, _, said) in enumerate(WRONG):
        assert said in told[f"wrong{n}"], variable


def test_the_linter_of_cloudformation_finds_nothing(made: Pipeline, tmp_path: Path) -> None:
    """By the schemas that AWS publishes of its types: so type V2 and mode PARALLEL are words that it knows."""
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Resources": template(made)}))
    linter = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([linter, "--regions", REGION, "--", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
SPEC = {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"}
PHASE = {"run-as", "on-failure", "commands", "finally", "runtime-versions"}
PHASES = ("install", "pre_build", "build", "post_build")


def test_the_buildspec_says_only_what_codebuild_knows_in_commands_that_a_shell_reads() -> None:
    spec = yaml.safe_load((ROOT / "modules" / "builds" / "buildspec.yml").read_text())
    assert spec["version"] == 0.2
    assert set(spec) <= SPEC
    assert set(spec["phases"]) <= set(PHASES)
    for phase in spec["phases"].values():
        assert set(phase) <= PHASE
        for command in phase["commands"]:
            read = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
            assert read.returncode == 0, f"{command}: {read.stderr}"
