"""A person opens an issue from the form; a worker builds the environment; the issue tells it; `/destroy` ends it."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from tests.github_emulator import GithubEmulator, form
from tests.integration.github.conftest import Joined, introduce
from tests.yard import Yard

from stackyard.cmdb.models import Environment, Run, RunStatus
from stackyard.github.keeper import keep_up
from stackyard.runs.database import in_database
from stackyard.runs.worker import work
from stackyard.settings import Settings

pytestmark = pytest.mark.journey


@pytest.fixture
def front_door(yard: Yard, github: GithubEmulator, configured: Settings) -> Joined:
    """The yard with a GitHub that is polled all the time."""
    introduce(yard.org)
    both = Joined(yard.org, github, configured.model_copy(update={"github_poll_seconds": 0.1}))
    both.tick()
    return both


def work_until(joined: Joined, reached: Callable[[], bool]) -> None:
    """Let a worker with its keeper of GitHub work until something is so."""

    async def until() -> None:
        if await in_database(reached):  # a worker that is cancelled while it begins hangs in its pool of connections
            return
        worker = asyncio.create_task(work(joined.settings, install_signal_handlers=False, beside=[keep_up]))
        try:
            while not await in_database(reached):
                if worker.done():
                    worker.result()
                await asyncio.sleep(0.1)
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    asyncio.run(until())


def settled(kind: str) -> Callable[[], bool]:
    """A run of this kind has ended, and its issue tells so."""

    def reached() -> bool:
        run = Run.objects.filter(kind=kind).order_by("-pk").first()
        return run is not None and not run.is_active and run.environment.issue.settled_run == run.pk

    return reached


def test_from_the_form_to_an_environment_and_away_again(front_door: Joined) -> None:
    number = front_door.github.open("New environment: dev", form(settings="scaling.max = 3"))
    work_until(front_door, settled("create"))
    environment = Environment.objects.get(slug="shop-dev")
    assert environment.status == "ready"
    (told,) = front_door.github.comments(number)
    assert "`shop-dev` is ready" in told
    assert "| Apply | done |" in told
    assert "to create</summary>" in told
    assert front_door.github.issue(number)["state"] == "open"

    front_door.github.say(number, "/destroy")
    work_until(front_door, settled("destroy"))
    environment.refresh_from_db()
    assert environment.status == "destroyed"
    issue = front_door.github.issue(number)
    assert issue["state"] == "closed"
    assert issue["state_reason"] == "completed"
    assert "stackyard: destroyed" in {label["name"] for label in issue["labels"]}
    told_of = [text for text in front_door.github.comments(number) if "is destroyed" in text]
    assert len(told_of) == 1
    assert front_door.github.numbers() == [number]


def test_a_failing_apply_is_told_with_its_reason_and_the_issue_closed(front_door: Joined, yard: Yard) -> None:
    yard.emulator.fail("ecs:CreateService")
    number = front_door.github.open("New environment: dev", form())
    work_until(front_door, settled("create"))
    assert Run.objects.get().status == RunStatus.FAILED
    (told,) = front_door.github.comments(number)
    assert "`shop-dev` is failed" in told
    assert "**What happened**" in told
    assert "AccessDenied" in told
    issue = front_door.github.issue(number)
    assert (issue["state"], issue["state_reason"]) == ("closed", "not_planned")
