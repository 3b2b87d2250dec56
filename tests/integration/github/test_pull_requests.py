"""A change that waits in a pull request: what people do to it there is what becomes of the run, once."""

import datetime as dt
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.conftest import portal
from tests.github_emulator import BOT, PAT, REPOSITORIES, RIKA, STRANGER
from tests.github_emulator.with_git import GithubWithGit, git
from tests.integration.github.conftest import Joined
from tests.integration.runs.test_approval import changing, claimed

from stackyard.cmdb.models import GithubCursor, GithubDelivery, PullRequest, Run, RunStatus
from stackyard.github.client import SAME_MOMENT
from stackyard.github.edits import digest_of
from stackyard.github.keeper import tick
from stackyard.github.pull_client import PullClient
from stackyard.runs.approve import approve, reject
from stackyard.runs.lease import finish, guarded, park
from stackyard.settings import Settings, get_settings

__all__ = ["portal"]

PLAN = {
    "digest": "d1",
    "destructive": False,
    "changes": [{"address": "aws_sqs_queue.this", "action": "update", "type": "aws_sqs_queue"}],
}
BRANCH = "change/shop-dev"


@dataclass
class Proposed:
    """A run that waits with its branch pushed, and a GitHub that knows nothing of it yet."""

    joined: Joined
    github: GithubWithGit
    settings: Settings
    run: Run
    scratch: Path

    @property
    def row(self) -> PullRequest:
        return PullRequest.objects.get(run=self.run)

    @property
    def status(self) -> str:
        return Run.objects.get(pk=self.run.pk).status

    def tick(self) -> None:
        """A round of the keeper, as if all pauses were over."""
        GithubCursor.objects.update(not_before=None, polled_at=None)
        PullRequest.objects.update(not_before=None, looked_at=None, read_at=None)
        tick(self.settings, self.joined.client, PullClient(self.settings))

    def comments(self) -> list[str]:
        number = self.row.number
        return [c["body"] for c in self.github.ask("GET", f"/issues/{number}/comments") if c["user"]["login"] == BOT]


@pytest.fixture
def proposed(joined: Joined, tmp_path: Path) -> Iterator[Proposed]:
    remote, work = tmp_path / "remote.git", tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(remote))
    git(tmp_path, "clone", "--quiet", str(remote), str(work))
    git(work, "checkout", "--quiet", "-B", "main")
    for text, branch in (("cpu = 256\n", "main"), ("cpu = 512\n", BRANCH)):
        (work / "locals.tf").write_text(text)
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message=x")
        git(work, "push", "--quiet", "origin", f"HEAD:{branch}")
    github = GithubWithGit(joined.github, remote)
    github.emulator.repository = f"acme/{next(_repositories)}"
    settings = joined.settings.model_copy(
        update={"github_url": github.url, "record_pull_requests": github.emulator.repository}
    )
    (tmp_path / "scratch").mkdir()
    run = changing(joined.org, set={"container.cpu": 512})
    lease = claimed(run)
    guarded(lease, plan=PLAN)
    PullRequest.objects.create(run=run, branch=BRANCH, heads=[git(remote, "rev-parse", BRANCH)])
    park(lease)
    yield Proposed(joined, github, settings, run, tmp_path / "scratch")
    github.stop()


_repositories = reversed(REPOSITORIES)


def test_it_is_opened_once_and_tells_the_plan_in_one_comment(proposed: Proposed) -> None:
    for _ in range(3):
        proposed.tick()
    (pull,) = proposed.github.pulls()
    assert (pull["title"], pull["head"]["ref"]) == ("Change shop-dev: container.cpu", BRANCH)
    assert "- `container.cpu`: `512`" in pull["body"]
    assert f"https://stackyard.example.com/runs/{proposed.run.pk}/" in pull["body"]
    (comment,) = proposed.comments()
    assert "Plan: 1 to update" in comment
    assert "aws_sqs_queue.this" in comment
    assert "may merge this pull request" in comment
    assert proposed.status == "waiting"


def test_what_got_lost_on_the_way_back_is_not_written_twice(proposed: Proposed) -> None:
    for _ in range(2):
        proposed.github.swallow = 1
        proposed.tick()
        proposed.tick()
        PullRequest.objects.update(number=None, comment=None, shown="")
    proposed.tick()
    assert len(proposed.github.pulls()) == 1
    assert len(proposed.comments()) == 1


def test_a_merge_by_whoever_may_approve_is_the_approval(proposed: Proposed) -> None:
    proposed.tick()
    proposed.github.merge(1)
    proposed.tick()
    run = Run.objects.get(pk=proposed.run.pk)
    assert (run.status, run.approved_by) == ("queued", proposed.joined.org.requester)
    proposed.tick()
    (comment,) = proposed.comments()
    assert "`rika-gh` merged it, which approved the plan." in comment


@pytest.mark.parametrize(("who", "why"), [(STRANGER, "does not allow this"), ("nobody-gh", "belongs to nobody here")])
def test_a_merge_by_somebody_else_is_none_and_is_told(proposed: Proposed, who: str, why: str) -> None:
    proposed.tick()
    proposed.github.merge(1, who)
    for _ in range(2):
        proposed.tick()
    assert proposed.status == "waiting"
    (comment,) = proposed.comments()
    assert f"`{who}` merged it, which is no approval." in comment
    assert why in comment
    approve(proposed.joined.org.requester, proposed.run)
    assert proposed.status == "queued"


def test_a_rule_that_wants_platform_staff_counts_for_a_merge_too(proposed: Proposed) -> None:
    Run.objects.update(approval_role="platform")
    proposed.tick()
    proposed.github.merge(1, RIKA)
    proposed.tick()
    assert proposed.status == "waiting"
    assert "Only platform staff may approve" in proposed.comments()[0]


def test_a_merge_before_the_plan_was_told_is_no_approval(proposed: Proposed) -> None:
    proposed.tick()
    proposed.github.merge(1, PAT)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)
    PullRequest.objects.update(plan_shown_at=later)
    proposed.tick()
    assert proposed.status == "waiting"
    assert "before this plan was told" in proposed.comments()[0]


def test_closed_without_a_merge_is_rejected(proposed: Proposed) -> None:
    proposed.tick()
    proposed.github.ask("PATCH", "/pulls/1", state="closed")
    proposed.tick()
    run = Run.objects.get(pk=proposed.run.pk)
    assert run.status == "cancelled"
    assert "closed without a merge" in run.error
    proposed.tick()
    assert "closed without a merge" in proposed.comments()[0]
    assert proposed.row.settled


def test_a_deleted_branch_is_a_closed_pull_request(proposed: Proposed) -> None:
    proposed.tick()
    proposed.github.delete_branch(BRANCH)
    proposed.tick()
    assert proposed.status == "cancelled"


def test_what_is_rejected_here_is_closed_there_and_the_branch_stays(proposed: Proposed) -> None:
    proposed.tick()
    reject(proposed.joined.org.requester, proposed.run)
    for _ in range(3):
        proposed.tick()
    (pull,) = proposed.github.pulls()
    assert (pull["state"], pull["merged_at"]) == ("closed", None)
    assert "cancelled" in proposed.comments()[0]
    assert git(proposed.github.remote, "rev-parse", BRANCH) == proposed.row.heads[-1]
    assert proposed.row.settled


def test_an_edit_that_is_pushed_to_the_branch_is_planned_again(proposed: Proposed) -> None:
    proposed.tick()
    proposed.github.push(BRANCH, "locals.tf", "512", "1024", proposed.scratch)
    proposed.tick()
    assert proposed.status == "queued"
    assert Run.objects.get(pk=proposed.run.pk).approved_by is None
    assert proposed.row.edited


def test_an_edit_that_is_merged_before_it_was_planned_is_no_approval(proposed: Proposed) -> None:
    proposed.tick()
    proposed.github.push(BRANCH, "locals.tf", "512", "1024", proposed.scratch)
    proposed.github.merge(1)
    proposed.tick()
    run = Run.objects.get(pk=proposed.run.pk)
    assert (run.status, run.approved_by, proposed.row.edited, proposed.row.merged) == ("queued", None, True, True)
    assert "an edit that was not planned" in proposed.comments()[0]


def test_a_conflict_with_main_is_told_until_it_is_settled(proposed: Proposed) -> None:
    proposed.tick()
    before = git(proposed.github.remote, "rev-parse", "main")
    proposed.github.push("main", "locals.tf", "256", "2048", proposed.scratch)
    proposed.tick()
    assert proposed.status == "waiting"
    assert "it conflicts with main" in proposed.comments()[0]
    git(proposed.github.remote, "update-ref", "refs/heads/main", before)
    proposed.tick()
    assert "it conflicts with main" not in proposed.comments()[0]


@pytest.mark.parametrize("fault", [401, 404, 409, 422, 502])
def test_github_away_or_refusing_loses_nothing(proposed: Proposed, fault: int) -> None:
    proposed.github.faults = [fault]
    proposed.tick()
    for _ in range(2):
        proposed.tick()
    proposed.github.faults = [fault]
    proposed.tick()
    assert proposed.status == "waiting"
    proposed.github.merge(1)
    proposed.tick()
    assert proposed.status == "queued"
    assert len(proposed.github.pulls()) == len(proposed.comments()) == 1


def test_one_that_cannot_be_read_holds_up_no_other(proposed: Proposed) -> None:
    proposed.tick()
    run = changing(proposed.joined.org, "two")
    other = PullRequest.objects.create(pk=0, run=run, branch="change/shop-two", number=99)  # it comes first
    proposed.github.lasting = {"/issues/99/": 502}
    say(proposed, "/approve")
    assert proposed.status == "queued"
    other.refresh_from_db()
    assert (other.tries, "502" in other.problem) == (1, True)
    assert GithubCursor.objects.get().not_before is None


def test_one_that_was_approved_here_is_merged_here(proposed: Proposed) -> None:
    proposed.tick()
    approve(proposed.joined.org.requester, proposed.run)
    lease = claimed(proposed.run)
    PullRequest.objects.update(merge_wanted=True)
    proposed.tick()
    assert proposed.row.merged
    assert git(proposed.github.remote, "show", "main:locals.tf") == "cpu = 512"
    finish(lease, RunStatus.SUCCEEDED)
    for _ in range(2):
        proposed.tick()
    assert proposed.row.settled
    assert "succeeded" in proposed.comments()[0]


def test_a_delivered_webhook_is_enough(proposed: Proposed, portal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub is asked once, to open it; from then on it tells by itself, signed, over HTTP."""
    monkeypatch.setenv("STACKYARD_RECORD_PULL_REQUESTS", proposed.github.emulator.repository)
    get_settings.cache_clear()
    never = proposed.settings.model_copy(update={"github_poll_seconds": 0})
    proposed.github.emulator.hook(f"{portal}/github/webhook")
    pulls = PullClient(never)
    for _ in range(2):
        tick(never, proposed.joined.client, pulls)
    asked = len(proposed.github.calls)
    tick(never, proposed.joined.client, pulls)
    assert len(proposed.github.calls) == asked
    proposed.github.merge(1)
    end = time.monotonic() + 10
    while proposed.status != "queued":
        assert time.monotonic() < end
        tick(never, proposed.joined.client, pulls)
        time.sleep(0.05)


def test_why_github_does_not_merge_comes_back_to_the_run(proposed: Proposed) -> None:
    proposed.tick()
    approve(proposed.joined.org.requester, proposed.run)
    claimed(proposed.run)
    proposed.github.push(BRANCH, "locals.tf", "512", "1024", proposed.scratch)
    PullRequest.objects.update(merge_wanted=True)
    proposed.tick()
    assert "Head branch was modified" in proposed.row.refused
    assert not proposed.row.merge_wanted
    assert git(proposed.github.remote, "show", "main:locals.tf") == "cpu = 256"


def say(proposed: Proposed, body: str, as_: str = RIKA) -> int:
    comment: int = proposed.github.ask("POST", f"/issues/{proposed.row.number}/comments", as_, body=body)["id"]
    proposed.tick()
    return comment


def replies(proposed: Proposed) -> str:
    return "\n".join(text for text in proposed.comments() if "stackyard:answer" in text)


def test_a_comment_approves_with_the_rights_of_whoever_writes_it(proposed: Proposed) -> None:
    proposed.tick()
    say(proposed, "/approve", STRANGER)
    assert "no environment that you can see" in replies(proposed)
    say(proposed, "/approve", "nobody-gh")
    assert "belongs to nobody here" in replies(proposed)
    Run.objects.update(approval_role="platform")
    say(proposed, "/approve", RIKA)
    assert "Only platform staff may approve" in replies(proposed)
    assert proposed.status == "waiting"
    say(proposed, "/approve", PAT)
    run = Run.objects.get(pk=proposed.run.pk)
    assert (run.status, run.approved_by) == ("queued", proposed.joined.org.platform)
    for _ in range(2):
        proposed.tick()
    assert replies(proposed).count(f"Run {run.pk} is approved.") == 1


def test_a_plan_that_takes_something_away_wants_the_name_in_the_comment(proposed: Proposed) -> None:
    Run.objects.update(plan={**PLAN, "destructive": True})
    proposed.tick()
    assert "`/approve shop-dev`" in proposed.comments()[0]
    say(proposed, "/approve")
    assert proposed.status == "waiting"
    say(proposed, "/approve shop-dev")
    assert proposed.status == "queued"


def test_an_approval_by_comment_counts_for_the_plan_that_was_told_when_it_was_written(proposed: Proposed) -> None:
    proposed.tick()
    Run.objects.update(plan={**PLAN, "digest": "d2"})
    say(proposed, "/approve")
    assert proposed.status == "waiting"
    assert "made again since you looked at it" in replies(proposed)
    say(proposed, "/approve")
    assert proposed.status == "queued"


def test_a_comment_rejects(proposed: Proposed) -> None:
    proposed.tick()
    say(proposed, "Not so fast.\n\n/reject")
    assert proposed.status == "waiting", "a command stands at the beginning"
    say(proposed, "/reject")
    for _ in range(2):
        proposed.tick()
    (pull,) = proposed.github.pulls()
    assert (proposed.status, pull["state"], proposed.row.settled) == ("cancelled", "closed", True)
    assert "is rejected; nothing was applied" in replies(proposed)


def test_a_comment_has_it_planned_again(proposed: Proposed) -> None:
    proposed.tick()
    say(proposed, "/plan", STRANGER)
    assert proposed.status == "waiting"
    say(proposed, "/plan")
    assert proposed.status == "queued"
    assert Run.objects.get(pk=proposed.run.pk).approved_by is None
    assert "plans again" in replies(proposed)


def test_a_comment_cancels_the_run_that_is_at_work(proposed: Proposed) -> None:
    proposed.tick()
    approve(proposed.joined.org.requester, proposed.run)
    claimed(proposed.run)
    say(proposed, "/plan")
    assert "does not wait" in replies(proposed)
    say(proposed, "/cancel")
    run = Run.objects.get(pk=proposed.run.pk)
    assert (run.status, run.cancel_requested_at is not None) == ("running", True)


@pytest.mark.parametrize("said", ["/destroy", "/extend 7d", "/again", "/frobnicate"])
def test_other_commands_have_no_place_on_a_pull_request(proposed: Proposed, said: str) -> None:
    proposed.tick()
    say(proposed, said)
    assert "On a pull request there is no such command" in replies(proposed)
    assert Run.objects.count() == 2


def test_a_comment_on_a_pull_request_that_was_edited_is_not_obeyed(proposed: Proposed) -> None:
    proposed.tick()
    comment = proposed.github.ask("POST", f"/issues/{proposed.row.number}/comments", RIKA, body="fine")["id"]
    time.sleep(2 * SAME_MOMENT.total_seconds())
    proposed.github.ask("PATCH", f"/issues/comments/{comment}", STRANGER, body="/approve")
    proposed.tick()
    assert proposed.status == "waiting"
    assert "edited comment is not acted on" in replies(proposed)


def test_a_delivered_comment_is_enough(proposed: Proposed, portal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKYARD_RECORD_PULL_REQUESTS", proposed.github.emulator.repository)
    get_settings.cache_clear()
    never = proposed.settings.model_copy(update={"github_poll_seconds": 0})
    proposed.github.emulator.hook(f"{portal}/github/webhook")
    pulls = PullClient(never)
    for _ in range(3):
        tick(never, proposed.joined.client, pulls)
    proposed.github.ask("POST", f"/issues/{proposed.row.number}/comments", RIKA, body="/approve")
    end = time.monotonic() + 10
    while proposed.status != "queued":
        assert time.monotonic() < end
        tick(never, proposed.joined.client, pulls)
        time.sleep(0.05)
    (row,) = GithubDelivery.objects.filter(event=GithubDelivery.PULL_COMMENT).exclude(done_at=None)
    assert row.text == digest_of("/approve")
    tick(never, proposed.joined.client, pulls)
    assert "is approved" in replies(proposed)
