"""GitHub itself delivers: signed webhooks reach a running portal, and what they name is done without a poll."""

import pytest
from tests.acceptance.conftest import portal
from tests.github_emulator import GithubEmulator, form
from tests.integration.github.conftest import Joined, introduce
from tests.integration.github.test_from_issue_to_environment import work_until
from tests.yard import Yard

from stackyard.cmdb.models import GithubDelivery, GithubRequest, Run
from stackyard.settings import Settings

__all__ = ["portal"]
pytestmark = pytest.mark.journey


@pytest.fixture
def delivered(yard: Yard, configured: Settings, github: GithubEmulator, portal: str) -> Joined:
    """A yard whose GitHub is never polled."""
    introduce(yard.org)
    both = Joined(yard.org, github, configured.model_copy(update={"github_poll_seconds": 0}))
    both.tick()
    github.hook(f"{portal}/github/webhook")
    return both


def test_an_issue_that_is_opened_starts_a_run_and_a_comment_cancels_it(delivered: Joined) -> None:
    number = delivered.github.open("New environment: dev", form())
    said: list[int] = []

    def cancelled() -> bool:
        """While it is at work somebody comments; then it stops, and the comment is answered."""
        run = Run.objects.filter(started_at__isnull=False).first()
        if run is not None and not said:
            said.append(delivered.github.say(number, "/cancel"))
        answered = GithubRequest.objects.filter(key__startswith="comment:", answered_at__isnull=False).exists()
        return run is not None and not run.is_active and answered

    work_until(delivered, cancelled)
    run = Run.objects.get()
    assert (run.via, run.requested_by, run.environment.issue.number) == ("github", delivered.org.requester, number)
    assert run.status == "cancelled"
    assert any("is asked to stop" in text for text in delivered.github.comments(number))
    heard = {row.event for row in GithubDelivery.objects.filter(number=number)}
    assert heard == {"issues", "issue_comment"}, "nothing was polled"
