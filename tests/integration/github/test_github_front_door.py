"""What people ask for on GitHub is done once, with their rights, and answered."""

import datetime as dt

import pytest
from tests.github_emulator import PAT, STRANGER, form
from tests.integration.github.conftest import Joined

from stackyard.cmdb.models import Environment, GithubIssue, GithubLogin, Run, RunStatus
from stackyard.github.client import SAME_MOMENT

moment = dt.datetime.fromisoformat


def ask(joined: Joined, body: str, as_: str = "rika-gh") -> int:
    number = joined.github.open("New environment: dev", body, as_)
    joined.tick()
    return number


def test_a_form_starts_a_run_and_its_issue_tells_how_it_goes(joined: Joined) -> None:
    number = ask(joined, form(settings="container.cpu = 512\ncontainer.memory = 1024", expires="5"))
    environment = Environment.objects.get(slug="shop-dev")
    assert environment.settings == {"container.cpu": 512, "container.memory": 1024}
    assert environment.owner == joined.org.requester
    assert environment.issue.number == number
    (told,) = joined.github.comments(number)
    assert "`shop-dev` is creating" in told
    assert f"https://stackyard.example.com/runs/{environment.runs.get().pk}/" in told
    assert {label["name"] for label in joined.github.issue(number)["labels"]} == {"stackyard", "stackyard: creating"}


def test_however_often_it_is_looked_at_there_is_one_run_and_one_comment(joined: Joined) -> None:
    number = ask(joined, form())
    for _ in range(3):
        joined.tick()
    assert Run.objects.count() == 1
    assert len(joined.github.comments(number)) == 1


def test_what_is_wrong_is_answered_by_field_and_can_be_corrected(joined: Joined) -> None:
    number = ask(joined, form(product="shoe", name="Dev!", settings="container.cpu = 77"))
    (answer,) = joined.github.comments(number)
    assert all(field in answer for field in ("`product`", "`settings.container.cpu`", "/again"))
    joined.github.ask("PATCH", f"/issues/{number}", body=form())
    joined.tick()
    assert not Run.objects.exists()
    joined.github.say(number, "/again")
    joined.tick()
    assert Run.objects.get().environment.issue.number == number


def test_a_person_whom_nobody_knows_is_told_so(joined: Joined) -> None:
    number = ask(joined, form(), "nobody-gh")
    assert "belongs to nobody here" in joined.github.comments(number)[0]
    assert not Run.objects.exists()


def test_rights_are_those_of_the_portal(joined: Joined) -> None:
    number = ask(joined, form())
    joined.github.say(number, "/cancel", STRANGER)
    joined.tick()
    assert "no environment that you can see" in joined.github.comments(number)[-1]
    assert Run.objects.get().status == RunStatus.QUEUED
    joined.github.say(number, "/cancel", PAT)
    joined.tick()
    assert Run.objects.get().status == RunStatus.CANCELLED


def test_a_login_that_went_to_another_account_is_refused(joined: Joined) -> None:
    GithubLogin.objects.filter(user=joined.org.requester).update(account=999)
    number = ask(joined, form())
    assert "another account" in joined.github.comments(number)[0]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("/extend", "for how long"),
        ("/extend -3", "Use 1 to"),
        ("/frobnicate", "no such command"),
        ("/approve", "waits for approval"),
        ("/plan", "`/plan` by `rika-gh`: not done"),
    ],
)
def test_a_comment_that_cannot_be_followed_is_answered(joined: Joined, said: str, answer: str) -> None:
    number = ask(joined, form())
    Run.objects.update(status=RunStatus.FAILED)
    joined.github.say(number, said)
    joined.tick()
    assert any(answer in text for text in joined.github.comments(number))


def test_extend_lets_it_live_longer(joined: Joined) -> None:
    number = ask(joined, form(expires="5"))
    before = Environment.objects.get().expires_at
    joined.github.say(number, "/extend 7d")
    joined.tick()
    after = Environment.objects.get().expires_at
    assert before is not None
    assert after is not None
    assert 6.9 < (after - before).total_seconds() / 86400 < 7.1


def test_an_edited_comment_is_not_acted_on(joined: Joined) -> None:
    number = ask(joined, form())
    comment = joined.github.say(number, "what a fine day")
    edited = joined.github.ask("PATCH", f"/issues/comments/{comment}", body="/cancel")
    while moment(edited["updated_at"]) - moment(edited["created_at"]) < 2 * SAME_MOMENT:
        edited = joined.github.ask("PATCH", f"/issues/comments/{comment}", body="/cancel")
    joined.tick()
    assert Run.objects.get().status == RunStatus.QUEUED
    assert "edited comment" in joined.github.comments(number)[-1]


def test_editing_the_issue_while_its_run_goes_on_changes_nothing(joined: Joined) -> None:
    number = ask(joined, form())
    joined.github.ask("PATCH", f"/issues/{number}", body=form(name="other"), title="x")
    joined.tick()
    assert Run.objects.count() == 1
    assert GithubIssue.objects.get().number == number


def test_issues_about_other_things_are_left_alone(joined: Joined) -> None:
    number = joined.github.open("Printer", "It is on fire.\n\n### Product\n\nshop")
    joined.github.say(number, "/destroy")
    joined.tick()
    assert joined.github.comments(number) == []
