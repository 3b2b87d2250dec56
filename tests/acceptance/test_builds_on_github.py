"""As an operator I let workflows of GitHub Actions do Terraform's part of runs; all else is as beside a worker."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.cmdb.models import Environment, Run
from stackyard.cmdb.sealing import unseal
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_recovery import assert_nothing_is_left, at_stage, ended, until
from tests.acceptance.test_what_follows_from_an_error import cancel_when, said
from tests.actions_bridge import ActionsBridge
from tests.github_jobs import job_environment, left_in_bucket, make_bucket, serve_jobs
from tests.integration.actions.test_deploy_workflow import needs_aws
from tests.yard import Yard, log_of, work_until_ended

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400), needs_aws]


@pytest.fixture
def bridge(yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ActionsBridge]:
    """GitHub with the workflow; the yard's sandbox builds there."""
    with serve_jobs(tmp_path, job_environment(yard.emulator.endpoint)) as bridge:
        monkeypatch.setenv("STACKYARD_GITHUB_URL", bridge.url)
        monkeypatch.setenv("STACKYARD_GITHUB_TOKEN", "a-token")
        get_settings.cache_clear()
        sandbox = yard.org.sandbox
        make_bucket(yard.access(sandbox))
        sandbox.executor, sandbox.executor_options = "github-actions", {"repository": bridge.repository}
        sandbox.save()
        yield bridge
    monkeypatch.undo()
    get_settings.cache_clear()


def whole_log(run: Run, bridge: ActionsBridge) -> str:
    """What the run says, and what the workflows said."""
    return "\n".join([run.error, log_of(run), *(workflow.log.read_text() for workflow in bridge.runs)])


@pytest.mark.long
def test_created_proven_and_destroyed_by_workflows(yard: Yard, bridge: ActionsBridge) -> None:
    run = yard.create()
    yard.carry(run)
    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.status, env.backend) == ("succeeded", "ready", "s3"), whole_log(run, bridge)
    assert all(hop["ok"] for hop in env.hops)
    assert [(b["step"], b["links"]) for b in run.builds] == [
        ("plan", {"Run": f"{bridge.url}/actions/runs/1"}),
        ("apply", {"Run": f"{bridge.url}/actions/runs/2"}),
    ]
    assert log_of(run).count("module.service.aws_ecs_service.this: Creation complete") == 1
    access = yard.access(env.sandbox)
    state = f"stackyard/{env.state_name}.tfstate"
    assert {key.removesuffix(".tflock") for key in left_in_bucket(access)} == {state}, "no plan is left lying about"

    gone = yard.destroy(env)
    yard.carry(gone)
    assert gone.status == "succeeded", gone.error + log_of(gone)
    assert_nothing_is_left(yard, gone)
    assert left_in_bucket(access) == []


@pytest.mark.long
def test_a_failing_job_is_taken_back_and_says_why(yard: Yard, bridge: ActionsBridge) -> None:
    yard.emulator.fail("ecs:CreateService")
    run = yard.create()
    yard.carry(run)
    assert run.status == "failed", whole_log(run, bridge)
    assert "aws_ecs_service" in run.error
    assert [b["step"] for b in run.builds] == ["plan", "apply", "destroy"]
    assert_nothing_is_left(yard, run)
    assert Environment.objects.get().status == "failed"
    assert left_in_bucket(yard.access(yard.org.sandbox)) == []


def test_a_job_outlives_the_worker_that_asked_for_it(
    yard: Yard, bridge: ActionsBridge, start_worker: StartWorker
) -> None:
    run = yard.create()
    first = start_worker()
    until(at_stage(run, "apply"), "apply")
    until(lambda: len(Run.objects.get(pk=run.pk).builds) == 2, "the job of the apply is known")
    first.kill()
    first.wait()
    start_worker()
    until(ended(run), "the run ends")
    run.refresh_from_db()
    assert (run.status, run.takeovers) == ("succeeded", 1), whole_log(run, bridge)
    assert "following it again" in log_of(run)
    assert [b["step"] for b in run.builds] == ["plan", "apply"]
    assert len(bridge.runs) == 2, "never two on one state"
    assert log_of(run).count("module.service.aws_ecs_service.this: Creation complete") == 1


@pytest.mark.long
def test_a_worker_that_dies_while_github_is_away_loses_nothing(
    yard: Yard, bridge: ActionsBridge, start_worker: StartWorker
) -> None:
    run = yard.create()
    first = start_worker()
    until(lambda: len(bridge.runs) == 2, "the apply is dispatched")
    bridge.away = True
    until(said(run, "The job goes on."), "GitHub is missed")
    first.kill()
    first.wait()
    start_worker()
    until(ended(run), "the run ends, by what the bucket says")
    bridge.away = False
    run.refresh_from_db()
    assert (run.status, run.takeovers) == ("succeeded", 1), whole_log(run, bridge)
    assert len(bridge.runs) == 2, "never two on one state"


@pytest.mark.long
def test_cancel_stops_the_job_and_takes_back_what_it_built(yard: Yard, bridge: ActionsBridge) -> None:
    yard.emulator.fail("ecs:CreateService", code="ThrottlingException", message="Rate exceeded", status=400)
    run = yard.create()
    cancel_when(yard, run, said(run, "aws_sqs_queue.this: Creation complete"))
    assert run.status == "cancelled", whole_log(run, bridge)
    assert "GitHub Actions is asked to stop the build" in log_of(run)
    assert [b["step"] for b in run.builds] == ["plan", "apply", "destroy"]
    assert not any(workflow.cancelled for workflow in bridge.runs), "GitHub's runner would kill Terraform at work"
    assert_nothing_is_left(yard, run)


@pytest.mark.long
def test_a_job_that_somebody_cancels_on_github_is_taken_back(yard: Yard, bridge: ActionsBridge) -> None:
    bridge.idle = True  # no runner takes it
    run = yard.create()

    async def journey() -> None:
        working = asyncio.create_task(work_until_ended([run.pk]))
        while not bridge.runs:
            await asyncio.sleep(0.1)
        bridge.runs[0].cancelled = True
        await working

    asyncio.run(journey())
    run.refresh_from_db()
    assert run.status == "failed", whole_log(run, bridge)
    assert "cancelled on GitHub" in run.error
    assert f"{bridge.url}/actions/runs/1" in run.hint
    assert len(bridge.runs) == 1, "somebody's wish is not overruled"
    assert_nothing_is_left(yard, run)


@pytest.mark.long
def test_secrets_reach_the_job_and_nothing_else(yard: Yard, bridge: ActionsBridge) -> None:
    run = yard.create(pattern="ecs-web-db", database__engine="postgres")
    yard.carry(run)
    env = run.environment
    env.refresh_from_db()
    assert run.status == "succeeded", whole_log(run, bridge)
    access = yard.access(env.sandbox)
    password = unseal(env.sealed)["database_password"]
    (secret,) = [r for r in env.resources if r["type"] == "aws_secretsmanager_secret"]
    client = access.client("secretsmanager")
    assert json.loads(client.get_secret_value(SecretId=secret["arn"])["SecretString"])["password"] == password
    names = [item["Name"] for item in client.list_secrets()["SecretList"]]
    assert [name for name in names if name.startswith("stackyard/")] == [], "what was handed over is taken back"
    assert password not in "\n".join([whole_log(run, bridge), json.dumps(run.builds), json.dumps(run.process)])
    assert "a-token" not in "\n".join([whole_log(run, bridge), json.dumps(run.builds)])
