"""As an operator I let AWS CodeBuild do Terraform's part of runs; all else is as with Terraform beside a worker."""

import json
from pathlib import Path

import pytest

from stackyard.aws.builds import BuildPlace
from stackyard.aws.sessions import SandboxAccess
from stackyard.cmdb.models import Environment, Run
from stackyard.cmdb.sealing import unseal
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_recovery import assert_nothing_is_left, at_stage, ended, until
from tests.acceptance.test_what_follows_from_an_error import cancel_when, said
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]
BUILDSPEC = Path(__file__).parents[2] / "pipeline" / "aws" / "buildspec.yml"


@pytest.fixture
def building(yard: Yard) -> Yard:
    """A yard whose sandbox has a pipeline, and builds with it."""
    sandbox = yard.org.sandbox
    access = yard.access(sandbox)
    place = BuildPlace.of(access, {})
    s3 = access.client("s3")
    for bucket in (place.packages, place.results):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": sandbox.region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    roles = {name: made_role(access, name) for name in ("codepipeline", "codebuild")}
    access.client("codebuild").create_project(
        name="stackyard-builds",
        source={"type": "CODEPIPELINE", "buildspec": BUILDSPEC.read_text()},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "none", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=roles["codebuild"],
    )
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": {"S3Bucket": place.packages, "S3ObjectKey": "jobs/none.zip"},
        "outputArtifacts": [{"name": "job"}],
    }
    build = {
        "name": "Build",
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "stackyard-builds"},
        "inputArtifacts": [{"name": "job"}],
    }
    access.client("codepipeline").create_pipeline(
        pipeline={
            "name": place.pipeline,
            "roleArn": roles["codepipeline"],
            "artifactStore": {"type": "S3", "location": place.results},
            "stages": [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [build]}],
        }
    )
    sandbox.executor = "codebuild"
    sandbox.save()
    return yard


def made_role(access: SandboxAccess, service: str) -> str:
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    made = access.client("iam").create_role(RoleName=service, AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])


def left_in_buckets(yard: Yard) -> list[str]:
    access = yard.access(yard.org.sandbox)
    place = BuildPlace.of(access, {})
    pages = [access.client("s3").list_object_versions(Bucket=b) for b in (place.packages, place.results)]
    return [item["Key"] for page in pages for item in page.get("Versions", ())]


def test_created_proven_and_destroyed_by_builds(building: Yard) -> None:
    run = building.create()
    building.carry(run)
    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.status, env.backend) == ("succeeded", "ready", "s3"), run.error + log_of(run)
    assert all(hop["ok"] for hop in env.hops)
    assert [b["step"] for b in run.builds] == ["plan", "apply"]
    assert all(b["links"] for b in run.builds)
    assert "module.service.aws_ecs_service.this: Creation complete" in log_of(run)
    state = f"stackyard/{env.state_name}.tfstate"
    assert {key.removesuffix(".tflock") for key in left_in_buckets(building)} == {state}, "no plan is left lying about"

    gone = building.destroy(env)
    building.carry(gone)
    assert gone.status == "succeeded", gone.error + log_of(gone)
    assert_nothing_is_left(building, gone)
    assert left_in_buckets(building) == []


@pytest.mark.long
def test_a_failing_build_is_taken_back_and_says_why(building: Yard) -> None:
    building.emulator.fail("ecs:CreateService")
    run = building.create()
    building.carry(run)
    assert run.status == "failed", log_of(run)
    assert "aws_ecs_service" in run.error
    assert [b["step"] for b in run.builds] == ["plan", "apply", "destroy"]
    assert_nothing_is_left(building, run)
    assert Environment.objects.get().status == "failed"


@pytest.mark.long
def test_a_build_outlives_the_worker_that_asked_for_it(building: Yard, start_worker: StartWorker) -> None:
    run = building.create()
    first = start_worker()
    until(at_stage(run, "apply"), "apply")
    until(lambda: len(Run.objects.get(pk=run.pk).builds) == 2, "the build of the apply is known")
    first.kill()
    first.wait()
    start_worker()
    until(ended(run), "the run ends")
    run.refresh_from_db()
    assert (run.status, run.takeovers) == ("succeeded", 1), log_of(run)
    assert "following it again" in log_of(run)
    assert [b["step"] for b in run.builds] == ["plan", "apply"], "never two on one state"


@pytest.mark.long
def test_cancel_stops_the_build_and_takes_back_what_it_built(building: Yard) -> None:
    building.emulator.fail("ecs:CreateService", code="ThrottlingException", message="Rate exceeded", status=400)
    run = building.create()
    cancel_when(building, run, said(run, "aws_sqs_queue.this: Creation complete"))
    assert run.status == "cancelled", run.error + log_of(run)
    assert "CodeBuild is asked to stop the build" in log_of(run)
    assert [b["step"] for b in run.builds] == ["plan", "apply", "destroy"]
    assert_nothing_is_left(building, run)


@pytest.mark.long
def test_secrets_reach_the_build_and_nothing_else(building: Yard) -> None:
    run = building.create(pattern="ecs-web-db", database__engine="postgres")
    building.carry(run)
    env = run.environment
    env.refresh_from_db()
    assert run.status == "succeeded", run.error + log_of(run)
    access = building.access(env.sandbox)
    password = unseal(env.sealed)["database_password"]
    (secret,) = [r for r in env.resources if r["type"] == "aws_secretsmanager_secret"]
    client = access.client("secretsmanager")
    assert json.loads(client.get_secret_value(SecretId=secret["arn"])["SecretString"])["password"] == password
    names = [item["Name"] for item in client.list_secrets()["SecretList"]]
    assert [name for name in names if name.startswith("stackyard/")] == [], "what was handed over is taken back"

    logs = access.client("logs")
    group = "/aws/codebuild/stackyard-builds"
    streams = [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    lines = [e["message"] for s in streams for e in logs.get_log_events(logGroupName=group, logStreamName=s)["events"]]
    assert lines
    assert password not in "\n".join([*lines, log_of(run), json.dumps(run.builds)])
