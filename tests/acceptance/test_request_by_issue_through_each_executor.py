"""As a developer I ask by an issue, wherever Terraform runs: I get my environment and am told so, its code stands in
the record and alone, and it goes away again; what fails is told with its reason."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from stackyard.cmdb.models import Environment, Run, RunStatus
from stackyard.database.connection import database_url
from stackyard.runs.backend import state_bucket, state_key
from stackyard.settings import get_settings
from stackyard.terraform.providers import provider_mirror, write_cli_config
from tests.acceptance.test_recovery import assert_nothing_is_left
from tests.builds import Pipeline
from tests.git_server import PASSWORD, GitServer, serve_git
from tests.github_emulator import GithubEmulator, form
from tests.github_jobs import job_environment, make_bucket, serve_jobs
from tests.integration.actions.test_deploy_workflow import aws
from tests.integration.github.conftest import Joined, introduce
from tests.integration.github.test_from_issue_to_environment import settled, work_until
from tests.yard import Yard, log_of

pytest_plugins = ("tests.integration.github.conftest",)
terraform = shutil.which("terraform")
pytestmark = [
    pytest.mark.journey,
    pytest.mark.long,
    pytest.mark.timeout(400),
    pytest.mark.skipif(terraform is None, reason="needs terraform on PATH"),
]
EXECUTORS = (
    "local",
    "codebuild",
    pytest.param(
        "github-actions", marks=pytest.mark.skipif(aws is None, reason="needs the AWS command line, as GitHub has it")
    ),
)


@dataclass
class FrontDoor:
    """A GitHub, a yard whose sandbox builds with an executor, and a record behind a password."""

    yard: Yard
    github: GithubEmulator
    joined: Joined
    remote: GitServer
    executor: str
    folder: Path

    def clone(self, name: str = "clone", *, signed: bool = True) -> "subprocess.CompletedProcess[str]":
        """Clone the record from its remote, as anybody could."""
        askpass = {"GIT_ASKPASS": str(self.remote.askpass)} if signed else {}
        environment = {"PATH": os.environ["PATH"], "GIT_TERMINAL_PROMPT": "0", **askpass}
        command = ["git", "clone", "--quiet", self.remote.url, str(self.folder / name)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def by_hand(self, environment: Environment, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Terraform in the environment's folder of the clone, with nothing but what the account and the state need."""
        settings, access = get_settings(), self.yard.access(environment.sandbox)
        mirror = provider_mirror(settings.data.resolve() / "providers")
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TF_CLI_CONFIG_FILE": str(write_cli_config(self.folder / "rc", mirror)),
            **access.environment("by-hand"),
            **access.terraform_variables(),
        }
        if environment.backend == "pg":
            variables |= {"PG_CONN_STR": database_url(settings), "PG_SCHEMA_NAME": environment.state_name}
        return subprocess.run(
            [str(terraform), *arguments, "-no-color", "-input=false"],
            cwd=self.folder / "clone" / environment.record_folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def backend(self, environment: Environment) -> list[str]:
        """What `init` has to be told of where the state lies."""
        if environment.backend == "pg":
            return []
        access = self.yard.access(environment.sandbox)
        address = json.dumps(access.endpoint)
        arguments = {
            "bucket": state_bucket(get_settings(), environment.sandbox),
            "key": state_key(environment),
            "region": access.region,
            "assume_role": f"{{role_arn={json.dumps(access.role_arn)}}}",
            "endpoints": f"{{s3={address},sts={address}}}",
            **dict.fromkeys(
                ("use_path_style", "use_lockfile", "skip_credentials_validation", "skip_requesting_account_id"), "true"
            ),
            "skip_metadata_api_check": "true",
        }
        return [f"-backend-config={name}={value}" for name, value in arguments.items()]


@pytest.fixture(params=EXECUTORS)
def front_door(
    request: pytest.FixtureRequest,
    yard: Yard,
    github: GithubEmulator,
    configured: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[FrontDoor]:
    executor = str(request.param)
    access, sandbox = yard.access(yard.org.sandbox), yard.org.sandbox
    data = tmp_path / "data"
    data.mkdir()
    # A record of its own, but not another copy of Terraform's provider.
    providers = get_settings().data.resolve() / "providers"
    providers.mkdir(parents=True, exist_ok=True)
    (data / "providers").symlink_to(providers)
    with ExitStack() as stack:
        remote = stack.enter_context(serve_git(tmp_path))
        values = {"DATA": str(data), "RECORD_REMOTE": remote.url, "GITHUB_POLL_SECONDS": "0.1"}
        if executor == "codebuild":
            Pipeline.apply(access, tmp_path / "pipeline", data / "providers")
        if executor == "github-actions":
            make_bucket(access)
            machines = job_environment(access.endpoint, data)
            bridge = serve_jobs(tmp_path, machines, upstream=github.url, repository=github.repository)
            values["GITHUB_URL"] = stack.enter_context(bridge).url
        for name, value in values.items():
            monkeypatch.setenv(f"STACKYARD_{name}", value)
        monkeypatch.setenv("GIT_ASKPASS", str(remote.askpass))
        get_settings.cache_clear()
        sandbox.executor = executor
        sandbox.save()
        introduce(yard.org)
        joined = Joined(yard.org, github, get_settings())
        joined.tick()
        yield FrontDoor(yard, github, joined, remote, executor, tmp_path)


def work_until_settled(front_door: FrontDoor, kind: str) -> None:
    """Let a worker work until the run of this kind has ended and its issue tells so."""
    end, reached = time.monotonic() + 150, settled(kind)

    def settled_in_time() -> bool:
        told = "\n".join(f"{run.status} {run.error}\n{log_of(run)}" for run in Run.objects.all())
        assert time.monotonic() < end, f"{told}\n{[front_door.github.comments(n) for n in front_door.github.numbers()]}"
        return reached()

    work_until(front_door.joined, settled_in_time)


def steps_elsewhere(run: Run) -> list[tuple[str, str]]:
    return [(build["executor"], build["step"]) for build in run.builds]


def test_from_an_issue_to_an_environment_that_stands_alone_and_away_again(front_door: FrontDoor) -> None:
    github, executor = front_door.github, front_door.executor
    number = github.open("New environment: dev", form(settings="scaling.max = 3"))
    work_until_settled(front_door, "create")
    environment = Environment.objects.get(slug="shop-dev")
    run = Run.objects.get()
    assert environment.status == "ready", f"{run.error}\n{log_of(run)}"
    assert steps_elsewhere(run) == ([] if executor == "local" else [(executor, "plan"), (executor, "apply")])
    (told,) = github.comments(number)
    assert "`shop-dev` is ready" in told
    assert "| Apply | done |" in told
    assert github.issue(number)["state"] == "open"

    assert front_door.clone("refused", signed=False).returncode != 0, "the remote wants a password"
    cloned = front_door.clone()
    assert cloned.returncode == 0, cloned.stderr
    made = front_door.by_hand(environment, "init", "-lockfile=readonly", *front_door.backend(environment))
    assert made.returncode == 0, made.stdout + made.stderr
    planned = front_door.by_hand(environment, "plan", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "No changes." in planned.stdout

    github.say(number, "/destroy")
    work_until_settled(front_door, "destroy")
    environment.refresh_from_db()
    gone = Run.objects.get(kind="destroy")
    assert environment.status == "destroyed", f"{gone.error}\n{log_of(gone)}"
    assert steps_elsewhere(gone) == ([] if executor == "local" else [(executor, "destroy")])
    issue = github.issue(number)
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
    assert any("is destroyed" in text for text in github.comments(number))
    assert_nothing_is_left(front_door.yard, gone)
    assert PASSWORD not in "\n".join([log_of(run), log_of(gone), *github.comments(number)])


def test_what_fails_is_taken_back_and_told_with_its_reason(front_door: FrontDoor) -> None:
    front_door.yard.emulator.fail("ecs:CreateService")
    number = front_door.github.open("New environment: dev", form())
    work_until_settled(front_door, "create")
    run = Run.objects.get()
    assert run.status == RunStatus.FAILED, log_of(run)
    if front_door.executor != "local":
        assert [step for _, step in steps_elsewhere(run)] == ["plan", "apply", "destroy"]
    (told,) = front_door.github.comments(number)
    assert "`shop-dev` is failed" in told
    assert "**What happened**" in told
    assert "AccessDenied" in told
    issue = front_door.github.issue(number)
    assert (issue["state"], issue["state_reason"]) == ("closed", "not_planned")
    assert "stackyard: failed" in {label["name"] for label in issue["labels"]}
    assert_nothing_is_left(front_door.yard, run)
    assert Environment.objects.get().status == "failed"
