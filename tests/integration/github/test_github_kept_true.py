"""The issues on GitHub stay true, however many there are and whatever changes."""

import datetime as dt

from django.utils import timezone
from tests.integration.github.conftest import Joined

from stackyard.cmdb.models import Environment, GithubIssue, Run, RunStatus
from stackyard.environments.create import create
from stackyard.environments.lifetimes import extend
from stackyard.environments.requests import CreateRequest
from stackyard.github.outbox import AT_ONCE


def new(joined: Joined, name: str) -> Environment:
    return create(joined.org.requester, CreateRequest("shop", "ecs-worker", name), via="portal").environment


def ended(environment: Environment) -> None:
    Run.objects.filter(environment=environment).update(status=RunStatus.SUCCEEDED, finished_at=timezone.now())
    Environment.objects.filter(pk=environment.pk).update(status="ready")


def test_many_that_wait_hold_up_no_other(joined: Joined) -> None:
    joined.org.sandbox.max_environments = 100
    joined.org.sandbox.save()
    waiting = [new(joined, f"w{n}") for n in range(AT_ONCE + 5)]
    Run.objects.update(status=RunStatus.WAITING)
    for _ in range(2):
        joined.tick()
    assert not GithubIssue.objects.filter(number=None).exists()

    late = new(joined, "late")
    joined.tick()
    assert GithubIssue.objects.get(environment=late).number is not None

    # What has waited for longest is looked at first, so each is told within two rounds.
    for environment in waiting:
        ended(environment)
    for _ in range(2):
        joined.tick()
    assert GithubIssue.objects.filter(settled=True).count() == len(waiting)


def test_a_longer_life_is_told_also_when_no_run_goes_on(joined: Joined) -> None:
    environment = new(joined, "dev")
    ended(environment)
    joined.tick()
    row = GithubIssue.objects.get()
    assert row.settled
    assert row.number is not None
    until = (timezone.now() + dt.timedelta(days=20)).date()
    extend(joined.org.requester, environment, until=until)
    joined.tick()
    (comment,) = joined.github.comments(row.number)
    assert f"Expires {until:%Y-%m-%d}" in comment
    assert GithubIssue.objects.get().settled


def test_title_and_text_follow_the_settings_but_not_those_that_a_person_wrote(joined: Joined) -> None:
    environment = new(joined, "dev")
    joined.tick()
    number = GithubIssue.objects.get().number
    assert number is not None
    Environment.objects.filter(pk=environment.pk).update(settings={"container.cpu": 512})
    joined.org.shop.title = "Shop of the web"
    joined.org.shop.save()
    joined.tick()
    issue = joined.github.issue(number)
    assert "`container.cpu`: `512`" in issue["body"]
    assert issue["title"].endswith("for Shop of the web")

    GithubIssue.objects.update(from_form=True)
    joined.github.ask("PATCH", f"/issues/{number}", title="Mine", body="My words")
    ended(environment)
    joined.tick()
    issue = joined.github.issue(number)
    assert (issue["title"], issue["body"]) == ("Mine", "My words")
    assert "is ready" in joined.github.comments(number)[0]
