"""As an operator I let AWS CodeBuild do Terraform's part of runs; all else is as with Terraform beside a worker."""

import json
from pathlib import Path

import pytest

from stackyard.aws.builds import BuildPlace
from stackyard.cmdb.models import Environment, Run
from stackyard.cmdb.sealing import unseal
from stackyard.environments import sandboxes
from stackyard.runs.cancel import request_cancel
from stackyard.terraform.state import State
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_recovery import assert_nothing_is_left, at_stage, ended, until
from tests.acceptance.test_what_follows_from_an_error import cancel_when, said
from tests.builds import Pipeline
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


@pytest.fixture
def pipeline(yard: Yard, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The account of the yard's sandbox, with a pipeline."""
    mirror = tmp_path_factory.getbasetemp() / "mirror"
    access = yard.access(yard.org.sandbox)
    return Pipeline.apply(access, tmp_path / "pipeline", mirror, github_repository="acme/environments")


@pytest.fixture
def building(yard: Yard, pipeline: Pipeline) -> Yard:
    """A yard whose sandbox builds with that pipeline."""
    yard.org.sandbox.executor = "codebuild"
    yard.org.sandbox.save()
    return yard


def left_in_buckets(yard: Yard) -> list[str]:
    access = yard.access(yard.org.sandbox)
    place = BuildPlace.of(access, {})
    pages = [access.client("s3").list_object_versions(Bucket=b) for b in (place.packages, place.results)]
    return [item["Key"] for page in pages for item in page.get("Versions", ())]


@pytest.mark.long
def test_created_proven_and_destroyed_by_builds(building: Yard, pipeline: Pipeline) -> None:
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

    assert "No changes." in pipeline.run("plan", "-no-color")
    pipeline.run("destroy", "-no-color", "-auto-approve", "-parallelism=20")
    assert pipeline.run("state", "list") == ""


def test_a_sandbox_without_a_pipeline_is_told_so_before_anything_is_built(yard: Yard) -> None:
    yard.org.sandbox.executor = "codebuild"
    yard.org.sandbox.save()
    found = {f.title: f for f in sandboxes.check(yard.org.platform, yard.org.sandbox)}["Builds"]
    assert found.ok is False
    assert "There is no bucket stackyard-builds-" in found.found
    assert "there is no pipeline stackyard-builds." in found.found

    run = yard.create()
    yard.carry(run)
    assert run.status == "failed"
    assert "Trying again" not in log_of(run)
    assert "`stackyard sandbox check` tells what is missing" in log_of(run)


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
def test_a_build_whose_worker_is_gone_is_ended_before_what_it_built_is_kept(
    building: Yard, start_worker: StartWorker
) -> None:
    building.emulator.fail("ecs:CreateService", code="ThrottlingException", message="Rate exceeded", status=400)
    run = building.create()
    first = start_worker()
    until(said(run, "aws_sqs_queue.this: Creation complete"), "something stands")
    first.kill()
    first.wait()
    request_cancel(building.user, run, keep=True)
    start_worker()
    until(ended(run), "the run ends")
    run.refresh_from_db()
    assert run.status == "attention", run.error + log_of(run)
    assert "CodeBuild is asked to stop the build" in log_of(run)
    env = Environment.objects.get()
    place = BuildPlace.of(building.access(env.sandbox), {})
    stored = (
        building.access(env.sandbox)
        .client("s3")
        .get_object(Bucket=place.results, Key=f"stackyard/{env.state_name}.tfstate")
    )
    state = State.from_json(json.loads(stored["Body"].read()))
    assert state.resources
    assert env.resources == [r.as_dict() for r in state.resources], "all that the build made is known"
    building.emulator.clear_faults()
    gone = building.destroy(env)
    until(ended(gone), "the destroy ends")
    gone.refresh_from_db()
    assert gone.status == "succeeded", gone.error + log_of(gone)
    assert_nothing_is_left(building, gone)


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
