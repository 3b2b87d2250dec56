"""A sandbox's issues may lie in a repository of its own: it is asked for there, told there, and not elsewhere."""

from dataclasses import replace

import pytest
from tests.factories import make_sandbox
from tests.github_emulator import GithubEmulator, form
from tests.integration.github.conftest import Joined

from stackyard.cmdb.models import Environment, GithubCursor, GithubIssue, Run, RunStatus, Sandbox
from stackyard.environments import sandboxes
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.requests import CreateRequest
from stackyard.environments.sandbox_rules import SandboxRequest
from stackyard.github.keeper import standing
from stackyard.github.reading import DELETE
from stackyard.github.repositories import repositories


@pytest.fixture
def other(joined: Joined, another: GithubEmulator) -> GithubEmulator:
    """A second repository of the same GitHub, which no other test has."""
    Sandbox.objects.update(emulated=False)  # without an emulator such a sandbox is not taken
    return another


def name(joined: Joined, issues: str, sandbox: Sandbox | None = None) -> None:
    """Platform staff choose where the issues of the sandbox are."""
    row = sandbox or joined.org.sandbox
    row.refresh_from_db()
    sandboxes.update(joined.org.platform, row, replace(SandboxRequest.of(row), issues=issues))


def build(joined: Joined, environment: str = "dev") -> Run:
    """Ask for an environment in the portal."""
    run = create(joined.org.requester, CreateRequest("shop", "ecs-worker", environment), via="portal")
    joined.tick()
    return run


def ended(run: Run, status: str = "ready") -> None:
    """Its worker did it."""
    Run.objects.filter(pk=run.pk).update(status=RunStatus.SUCCEEDED)
    Environment.objects.filter(pk=run.environment_id).update(status=status, resources=[{"address": "a.b"}])


def test_an_environment_is_told_in_the_repository_that_its_sandbox_names(joined: Joined, other: GithubEmulator) -> None:
    name(joined, other.repository.replace("acme", "Acme"))
    build(joined)
    (number,) = other.numbers()
    assert "`shop-dev` is creating" in other.comments(number)[0]
    assert joined.github.numbers() == []

    other.say(number, "/cancel")
    joined.tick()
    assert Run.objects.get().status == RunStatus.CANCELLED


def test_what_is_asked_there_is_built_in_such_a_sandbox_alone(joined: Joined, other: GithubEmulator) -> None:
    roomy = joined.org.sandbox
    own = make_sandbox(joined.org.commerce, "own", "999988887777")
    Sandbox.objects.update(emulated=False)
    name(joined, other.repository, own)
    joined.tick()

    here = other.open("New environment: dev", form())
    joined.tick()
    environment = Environment.objects.get(slug="shop-dev")
    assert environment.sandbox == own
    assert (environment.issue.repository, environment.issue.number) == (other.repository, here)

    wrong = other.open("New environment: two", form(name="two", sandbox=roomy.name))
    joined.tick()
    (answer,) = other.comments(wrong)
    assert "`sandbox`" in answer
    assert f"The issues of sandbox {roomy.name} are those of {joined.github.repository}; ask there." in answer
    wrong = joined.github.open("New environment: three", form(name="three", sandbox="own"))
    joined.tick()
    assert f"The issues of sandbox own are those of {other.repository}; ask there." in joined.github.comments(wrong)[0]
    assert not Environment.objects.filter(name__in=("two", "three")).exists()


def test_the_same_numbers_in_two_repositories_are_two_issues(joined: Joined, other: GithubEmulator) -> None:
    build(joined)
    name(joined, other.repository)
    joined.tick()
    number = other.open("New environment: test", form(name="test"))
    joined.tick()
    assert joined.github.numbers() == other.numbers() == [number]
    assert "`shop-dev`" in joined.github.comments(number)[0]
    assert "`shop-test`" in other.comments(number)[0]
    other.say(number, "/cancel")
    joined.tick()
    assert Run.objects.get(environment__slug="shop-test").status == RunStatus.CANCELLED
    assert Run.objects.get(environment__slug="shop-dev").status == RunStatus.QUEUED


def test_an_environment_stays_with_its_issue_until_it_is_gone(joined: Joined, other: GithubEmulator) -> None:
    run = build(joined)
    (number,) = joined.github.numbers()
    ended(run)
    name(joined, other.repository)
    asked = other.open("Delete shop-dev", "\n\n".join(f"### {field.label}\n\nshop-dev" for field in DELETE))
    joined.tick()
    run = Run.objects.get(kind="destroy")
    assert f"It is told in {joined.github.repository}#{number}." in other.comments(asked)[0]
    assert other.issue(asked)["state"] == "closed"
    joined.github.say(number, "/cancel")
    joined.tick()
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    ended(destroy(joined.org.requester, run.environment, via="api"), "destroyed")
    joined.tick()
    assert joined.github.issue(number)["state"] == "closed"


def test_a_repository_is_heard_as_long_as_something_there_is_of_us(joined: Joined, other: GithubEmulator) -> None:
    own = joined.github.repository
    assert repositories(joined.settings) == [own]
    name(joined, other.repository)
    run = build(joined)
    name(joined, "")
    assert repositories(joined.settings) == [own, other.repository]
    ended(destroy_of(joined, run), "destroyed")
    joined.tick()
    assert repositories(joined.settings) == [own]
    other.open("New environment: dev", form())
    joined.tick()
    assert GithubCursor.objects.get().repository == own

    name(joined, other.repository)
    joined.tick()
    assert not Run.objects.filter(status=RunStatus.QUEUED).exists(), "nobody listened when it was asked"


def destroy_of(joined: Joined, run: Run) -> Run:
    """A destroy of what a run built."""
    ended(run)
    return destroy(joined.org.requester, Environment.objects.get(pk=run.environment_id), via="api")


def test_a_sandbox_without_issues_has_none_until_it_names_a_repository(joined: Joined, other: GithubEmulator) -> None:
    name(joined, "none")
    run = build(joined)
    joined.tick()
    assert joined.github.numbers() == []
    ended(run)
    asked = joined.github.open("Delete shop-dev", "\n\n".join(f"### {field.label}\n\nshop-dev" for field in DELETE))
    joined.tick()
    assert "`environment`" in joined.github.comments(asked)[0]
    assert "do not exist; ask in Stackyard" in joined.github.comments(asked)[0]

    name(joined, other.repository)
    joined.tick()
    assert other.numbers() == [], "what is over is not told"
    destroy_of(joined, run)
    joined.tick()
    assert len(other.numbers()) == 1
    assert GithubIssue.objects.get().repository == other.repository


def test_a_repository_that_is_away_does_not_hold_the_others(joined: Joined, other: GithubEmulator) -> None:
    name(joined, "acme/no-such")
    build(joined)
    assert any("acme/no-such" in line and "404" in line for line in standing()), standing()
    joined.org.mobility.sandboxes.update(issues="")
    other = make_sandbox(joined.org.mobility, "mobility", "999988887777")
    run = create(joined.org.stranger, CreateRequest("fleet", "ecs-worker", "test", other.name), via="portal")
    joined.tick()
    (number,) = joined.github.numbers()
    assert "`fleet-test`" in joined.github.comments(number)[0]
    assert run.environment.issue.number == number

    name(joined, "")
    joined.tick()
    assert any("`shop-dev`" in text for text in joined.github.comments(joined.github.numbers()[-1]))
    assert repositories(joined.settings) == [joined.github.repository]
