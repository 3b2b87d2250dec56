"""With real Terraform and Git: what is applied is what was merged, and exactly what was planned."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import timezone
from tests.acceptance.conftest import StartWorker, start_worker
from tests.github_emulator import BOT, GithubEmulator
from tests.github_emulator.with_git import GithubWithGit, git
from tests.integration.github.conftest import Joined, introduce
from tests.integration.github.test_from_issue_to_environment import work_until
from tests.versions import own_catalogue, publish
from tests.yard import Yard, log_of

from stackyard.cmdb.models import Environment, GithubCursor, PullRequest, Run, RunStatus
from stackyard.environments.change import ChangeRequest, apply_again, change
from stackyard.environments.upgrade import UpgradeRequest, upgrade
from stackyard.runs.approve import approve, reject
from stackyard.settings import Settings, get_settings

__all__ = ["start_worker"]
pytestmark = pytest.mark.journey


@dataclass
class Front:
    """A yard whose record lies in a repository on GitHub, where changes wait in pull requests."""

    yard: Yard
    joined: Joined
    github: GithubWithGit
    scratch: Path

    def built(self) -> Environment:
        """An environment that stands."""
        run = self.yard.create()
        self.until(run, RunStatus.SUCCEEDED)
        return Environment.objects.get(pk=run.environment_id)

    def ask(self, environment: Environment, **settings: object) -> Run:
        """Ask for a change, and wait until it waits and its plan is told."""
        environment.refresh_from_db()
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        run = change(self.yard.user, environment, ChangeRequest(dotted), via="api")
        self.until_told(run)
        return run

    def until(self, run: Run, status: RunStatus) -> Run:
        """Work until the run has ended, as it should."""
        work_until(self.joined, lambda: not Run.objects.get(pk=run.pk).is_active)
        run.refresh_from_db()
        assert run.status == status, f"{run.error}\n{log_of(run)}"
        return run

    def until_told(self, run: Run) -> None:
        """Work until it waits, and the pull request tells the plan with which it waits."""

        def told() -> bool:
            now, row = Run.objects.get(pk=run.pk), PullRequest.objects.filter(run=run).first()
            assert now.is_active, f"{now.error}\n{log_of(now)}"
            waits = now.status == RunStatus.WAITING and bool(row and row.plan_shown == now.plan["digest"])
            return waits and row is not None and "waiting for approval" in self.comment(row.number or 0)

        work_until(self.joined, told)
        run.refresh_from_db()

    def comment(self, number: int) -> str:
        rows = self.github.ask("GET", f"/issues/{number}/comments")
        ours = [row["body"] for row in rows if row["user"]["login"] == BOT]
        (text,) = [text for text in ours if "stackyard:answer" not in text]
        return str(text)

    def at(self, branch: str, environment: Environment) -> str:
        """The interface file, as it is in the repository."""
        return git(self.github.remote, "show", f"{branch}:{environment.record_folder}/locals.tf")


@pytest.fixture
def front(
    yard: Yard, github: GithubEmulator, configured: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Front]:
    remote, scratch = tmp_path / "remote.git", tmp_path / "scratch"
    scratch.mkdir()
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    joined = GithubWithGit(github, remote)
    values = {
        "DATA": str(tmp_path / "data"),
        "RECORD_REMOTE": str(remote),
        "RECORD_PULL_REQUESTS": github.repository,
        "GITHUB_URL": joined.url,
        "GITHUB_POLL_SECONDS": "0.1",
        "LEASE_SECONDS": "3",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"STACKYARD_{name}", value)
    get_settings.cache_clear()
    introduce(yard.org)
    both = Joined(yard.org, github, get_settings())
    both.tick()
    yield Front(yard, both, joined, scratch)
    joined.stop()


def test_it_is_applied_when_it_is_merged(front: Front) -> None:
    environment = front.built()
    assert front.github.pulls() == []
    run = front.ask(environment, alarms__enabled=False)
    (pull,) = front.github.pulls()
    number, branch = pull["number"], f"change/shop-dev-{run.pk}"
    assert pull["head"]["ref"] == branch
    assert "enabled = false" in front.at(branch, environment)
    assert "enabled = true" in front.at("main", environment)
    assert "to destroy" in front.comment(number)
    assert "**It takes something away.**" in front.comment(number)

    front.github.merge(number)
    run = front.until(run, RunStatus.SUCCEEDED)
    assert run.approved_by == front.yard.user
    assert "enabled = false" in front.at("main", environment)
    assert Environment.objects.get().settings == {"alarms.enabled": False}
    assert git(front.github.remote, "log", "-1", "--format=%s", "main").startswith("Merge pull request")


@pytest.mark.long
@pytest.mark.long
def test_comments_have_it_planned_again_and_applied(front: Front) -> None:
    environment = front.built()
    run = front.ask(environment, alarms__enabled=False)
    number = PullRequest.objects.get(run=run).number

    def say(body: str) -> None:
        front.github.ask("POST", f"/issues/{number}/comments", body=body)

    def planned_again() -> bool:
        fetched = run.stages.get(name="fetch").started_at
        return fetched is not None and fetched > asked and Run.objects.get(pk=run.pk).status == RunStatus.WAITING

    asked = timezone.now()
    say("/plan")
    work_until(front.joined, planned_again)
    front.until_told(run)
    assert [len(PullRequest.objects.get(run=run).heads), len(front.github.pulls())] == [1, 1]
    say("/approve shop-dev")
    front.until(run, RunStatus.SUCCEEDED)
    assert run.approved_by == front.yard.org.requester
    (pull,) = front.github.pulls()
    assert pull["merged_at"]
    environment.refresh_from_db()
    assert environment.settings == {"alarms.enabled": False}


def test_an_edit_by_hand_is_planned_and_asked_for_before_it_is_applied(front: Front) -> None:
    environment = front.built()
    file = f"{environment.record_folder}/locals.tf"

    run = front.ask(environment, container__cpu=512, container__memory=1024)
    (pull,) = front.github.pulls()
    before = run.plan["digest"]
    front.github.push(pull["head"]["ref"], file, "memory = 1024", "memory = 2048", front.scratch)
    work_until(front.joined, lambda: Run.objects.get(pk=run.pk).plan["digest"] != before)
    front.until_told(run)
    assert "memory = 2048" in front.at(pull["head"]["ref"], environment)
    front.github.merge(pull["number"])
    front.until(run, RunStatus.SUCCEEDED)
    assert Environment.objects.get().settings == {"container.cpu": 512, "container.memory": 2048}
    assert len(front.github.pulls()) == 1

    # One that is merged before it was planned has no approval, though whoever merged it could have given one.
    run = front.ask(environment, container__memory=1024)
    number, branch = front.github.pulls()[-1]["number"], front.github.pulls()[-1]["head"]["ref"]
    before = run.plan["digest"]
    front.github.push(branch, file, "memory = 1024", "memory = 3072", front.scratch)
    front.github.merge(number)
    work_until(front.joined, lambda: Run.objects.get(pk=run.pk).plan["digest"] != before)
    front.until_told(run)
    assert Environment.objects.get().settings["container.memory"] == 2048
    assert "may approve or reject it in Stackyard" in front.comment(number)
    approve(front.yard.user, run)
    front.until(run, RunStatus.SUCCEEDED)
    assert Environment.objects.get().settings["container.memory"] == 3072
    assert "memory = 3072" in front.at("main", environment)


@pytest.mark.long
def test_an_edit_of_main_meanwhile_is_never_lost_and_never_applied_unseen(front: Front) -> None:
    environment = front.built()
    file = f"{environment.record_folder}/locals.tf"

    run = front.ask(environment, container__cpu=512, container__memory=1024)
    (pull,) = front.github.pulls()
    front.github.push("main", file, "memory = 512", "memory = 768", front.scratch)
    approve(front.yard.user, run)
    front.until_told(run)
    assert "is not mergeable" in front.comment(pull["number"])
    assert Run.objects.get(pk=run.pk).approved_by is None
    assert "memory = 768" in front.at("main", environment)
    reject(front.yard.user, run)
    work_until(front.joined, lambda: PullRequest.objects.get(run=run).settled)
    assert front.github.pulls()[0]["state"] == "closed"
    assert "memory = 1024" in front.at(pull["head"]["ref"], environment)

    # What goes together is merged, but it is not what was planned.
    run = front.ask(environment, container__cpu=512, container__memory=1024)
    before = run.plan["digest"]
    front.github.push("main", file, "enabled = true", "enabled = false", front.scratch)
    approve(front.yard.user, run)
    work_until(front.joined, lambda: Run.objects.get(pk=run.pk).plan["digest"] != before)
    front.until_told(run)
    assert "**It takes something away.**" in front.comment(front.github.pulls()[-1]["number"])
    approve(front.yard.user, run, confirmation="shop-dev")
    front.until(run, RunStatus.SUCCEEDED)
    assert Environment.objects.get().settings["alarms.enabled"] is False
    assert Environment.objects.get().settings["container.memory"] == 1024


@pytest.mark.long
def test_approved_here_it_is_merged_here_though_github_is_away_or_the_work_folder_lost(front: Front) -> None:
    environment = front.built()
    run = front.ask(environment, container__cpu=512, container__memory=1024)
    front.github.faults = [502]
    approve(front.yard.user, run)
    front.until(run, RunStatus.SUCCEEDED)
    assert front.github.faults == []
    (pull,) = front.github.pulls()
    assert pull["merged_at"] is not None
    assert "memory = 1024" in front.at("main", environment)

    run = front.ask(environment, container__memory=2048)
    shutil.rmtree(get_settings().data / "work")
    branch = front.github.pulls()[-1]["head"]["ref"]
    commits = git(front.github.remote, "rev-list", "--count", branch)
    front.github.merge(front.github.pulls()[-1]["number"])
    front.until(run, RunStatus.SUCCEEDED)
    assert "planning again" in log_of(run)
    assert run.approved_by == front.yard.user
    assert git(front.github.remote, "rev-list", "--count", branch) == commits
    assert len(front.github.pulls()) == 2

    # What no pull request can hold, because the code is what main holds already, needs none.
    run = apply_again(front.yard.user, Environment.objects.get(), via="api")
    front.until(run, RunStatus.SUCCEEDED)
    assert len(front.github.pulls()) == 2

    run = front.ask(environment, container__memory=4096)
    front.github.delete_branch(front.github.pulls()[-1]["head"]["ref"])
    front.until(run, RunStatus.CANCELLED)
    assert Environment.objects.get().settings["container.memory"] == 2048


@pytest.mark.long
def test_a_worker_that_dies_while_github_does_not_merge_doubles_nothing(
    front: Front, start_worker: StartWorker
) -> None:
    environment = front.built()
    run = front.ask(environment, container__cpu=512, container__memory=1024)
    approve(front.yard.user, run)
    front.github.faults = [502] * 1000
    worker = start_worker()
    end = time.monotonic() + 60
    while not PullRequest.objects.filter(run=run, merge_wanted=True).exists():
        assert time.monotonic() < end, log_of(run)
        time.sleep(0.1)
    worker.kill()
    worker.wait()
    front.github.faults = []
    GithubCursor.objects.update(not_before=None)
    run = front.until(run, RunStatus.SUCCEEDED)
    assert run.takeovers == 1
    assert run.approved_by == front.yard.user
    (pull,) = front.github.pulls()
    assert pull["merged_at"] is not None
    assert front.comment(pull["number"])
    assert git(front.github.remote, "rev-list", "--count", f"main^..{pull['head']['ref']}") == "1"


@pytest.mark.long
def test_an_upgrade_goes_the_same_way_also_one_that_changes_nothing_in_aws(
    front: Front, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_catalogue(tmp_path, monkeypatch)
    environment = front.built()
    publish(folder, "2.0.0", {"locals.tf": (("retention_days = 14", "retention_days = 30"),)})
    run = upgrade(front.yard.user, environment, UpgradeRequest(), via="api")
    front.until_told(run)
    (pull,) = front.github.pulls()
    assert "another version of `ecs-worker`" in pull["body"]
    front.github.push(
        pull["head"]["ref"],
        f"{environment.record_folder}/locals.tf",
        "max_attempts = 5",
        "max_attempts = 7",
        front.scratch,
    )
    before = run.plan["digest"]
    work_until(front.joined, lambda: Run.objects.get(pk=run.pk).plan["digest"] != before)
    front.until_told(run)
    shutil.rmtree(get_settings().data / "work")
    front.github.merge(pull["number"])
    front.until(run, RunStatus.SUCCEEDED)
    environment = Environment.objects.get()
    assert (environment.pattern.version, environment.settings) == ("2.0.0", {"queue.max_attempts": 7})
    assert "retention_days = 30" in front.at("main", environment)

    publish(folder, "2.0.1", {"main.tf": (("# A worker", "# The worker"),)})
    run = upgrade(front.yard.user, environment, UpgradeRequest(), via="api")
    front.until_told(run)
    assert "nothing in AWS changes" in front.comment(front.github.pulls()[-1]["number"])
    shutil.rmtree(get_settings().data / "work")
    front.github.merge(front.github.pulls()[-1]["number"])
    front.until(run, RunStatus.SUCCEEDED)
    assert Environment.objects.get().pattern.version == "2.0.1"
    assert len(front.github.pulls()) == 2
