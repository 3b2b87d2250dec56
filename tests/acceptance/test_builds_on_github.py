"""As an operator I let workflows of GitHub Actions do Terraform's part of runs; all else is as beside a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.cmdb.models import Run
from stackyard.settings import get_settings
from tests.acceptance.test_recovery import assert_nothing_is_left
from tests.acceptance.test_what_follows_from_an_error import cancel_when, said
from tests.actions_bridge import ActionsBridge
from tests.github_jobs import left_in_bucket, make_bucket, serve_jobs
from tests.integration.actions.test_deploy_workflow import needs_aws
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400), needs_aws]


@pytest.fixture
def bridge(yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ActionsBridge]:
    """GitHub with the workflow; the yard's sandbox builds there."""
    with serve_jobs(tmp_path, yard.emulator) as bridge:
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


def test_the_log_is_live_while_the_job_works(yard: Yard, bridge: ActionsBridge) -> None:
    yard.emulator.fail("ecs:CreateService", code="ThrottlingException", message="Rate exceeded", status=400)
    run = yard.create()
    cancel_when(yard, run, said(run, "aws_sqs_queue.this: Creation complete"))
    assert run.status == "cancelled", whole_log(run, bridge)
    assert "GitHub Actions is asked to stop the build" in log_of(run)
    assert [b["step"] for b in run.builds] == ["plan", "apply", "destroy"]
    assert_nothing_is_left(yard, run)
