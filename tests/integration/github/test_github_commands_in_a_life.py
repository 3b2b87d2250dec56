"""An environment's life in its issue: looked at, changed, rejected, approved, by comments alone."""

from collections.abc import Callable

import pytest
from tests.github_emulator import form
from tests.integration.github.conftest import Joined
from tests.integration.github.test_from_issue_to_environment import front_door, settled, work_until

from stackyard.cmdb.models import Environment, GithubIssue, Run
from stackyard.github.reading import CHANGE

__all__ = ["front_door"]
pytestmark = [pytest.mark.journey, pytest.mark.long]


def change(settings: str) -> str:
    answers = {"environment": "shop-dev", "settings": settings}
    return "\n\n".join(f"### {field.label}\n\n{answers[field.name]}" for field in CHANGE)


def latest() -> Run:
    found = Run.objects.order_by("-pk").first()
    assert found is not None
    return found


def waits_and_is_shown(after: int) -> Callable[[], bool]:
    """A later run waits, and its plan is on GitHub."""

    def reached() -> bool:
        run, issue = latest(), GithubIssue.objects.get()
        return run.pk > after and run.status == "waiting" and issue.plan_shown == str(run.plan["digest"])[:64]

    return reached


def ended(after: int) -> Callable[[], bool]:
    return lambda: latest().pk > after and not latest().is_active


def test_it_is_planned_rejected_approved_and_extended_by_comments(front_door: Joined) -> None:
    github = front_door.github
    number = github.open("New environment: dev", form(expires="5"))
    work_until(front_door, settled("create"))
    assert Environment.objects.get().status == "ready"
    before = latest().pk

    github.say(number, "/plan")
    work_until(front_door, ended(before))
    assert (latest().kind, latest().status, latest().commit) == ("change", "succeeded", "")
    assert any("plans, and applies nothing" in text for text in github.comments(number))

    before = latest().pk
    github.open("Change shop-dev", change("alarms.enabled = false"))
    work_until(front_door, waits_and_is_shown(before))
    github.say(number, "/reject")
    work_until(front_door, lambda: not latest().is_active)
    assert latest().status == "cancelled"
    assert any("is rejected; nothing was applied" in text for text in github.comments(number))
    assert Environment.objects.get().settings == {}

    before = latest().pk
    github.open("Change shop-dev", change("alarms.enabled = false"))
    work_until(front_door, waits_and_is_shown(before))
    github.say(number, "/approve")
    work_until(front_door, lambda: any("confirmation" in text for text in github.comments(number)))
    assert latest().status == "waiting", "a plan that takes something away wants the name"
    github.say(number, "/approve shop-dev")
    work_until(front_door, lambda: not latest().is_active)
    assert (latest().status, latest().approved_by) == ("succeeded", front_door.org.requester)
    assert Environment.objects.get().settings == {"alarms.enabled": False}

    expires = Environment.objects.get().expires_at
    github.say(number, "/extend 7d")
    work_until(front_door, lambda: Environment.objects.get().expires_at != expires)
    assert any("It expires" in text for text in github.comments(number))
