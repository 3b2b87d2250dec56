"""Deliveries that come again, late or in another order, and pages of a poll: each wish is done once, none is missed."""

import datetime as dt
import re

import pytest
from tests.github_emulator import PAT, form
from tests.integration.github.conftest import Joined
from tests.integration.github.test_github_edits import answers, deliver
from tests.integration.github.test_github_outages import Between, between

from stackyard.cmdb.models import GithubCursor, GithubDelivery, GithubRequest, Run
from stackyard.github.keeper import tick

__all__ = ["between"]

CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


@pytest.fixture
def unpolled(joined: Joined) -> Joined:
    """Only what is delivered is heard."""
    joined.settings = joined.settings.model_copy(update={"github_poll_seconds": 0})
    return joined


def test_a_delivery_that_is_sent_again_under_another_id_acts_once(unpolled: Joined) -> None:
    number = unpolled.github.open("New environment: dev", form())
    deliver(unpolled, number, guid="first")
    unpolled.tick()
    comment = unpolled.github.say(number, "/extend 7d")
    deliver(unpolled, number, comment, guid="second")
    unpolled.tick()
    for guid in ("third", "fourth"):
        deliver(unpolled, number, guid=guid)
        deliver(unpolled, number, comment, guid=f"{guid}-comment")
        unpolled.tick()
    assert Run.objects.count() == 1
    assert GithubRequest.objects.count() == 2
    assert answers(unpolled, number).count("It expires") == 1


def test_a_comment_that_arrives_before_its_issue_is_obeyed_once(unpolled: Joined, between: Between) -> None:
    between.edits = {}
    unpolled.settings = unpolled.settings.model_copy(update={"github_poll_seconds": 0})
    number = unpolled.github.open("New environment: dev", form())
    comment = unpolled.github.say(number, "/cancel")
    deliver(unpolled, number, comment)
    unpolled.tick()
    assert (Run.objects.get().status, Run.objects.get().requested_by) == ("cancelled", unpolled.org.requester)
    deliver(unpolled, number)
    unpolled.tick()
    assert Run.objects.count() == 1
    assert answers(unpolled, number).count("is asked to stop") == 1


def test_a_form_that_was_closed_before_it_was_read_starts_nothing_and_says_so(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    deliver(joined, number)
    joined.github.ask("PATCH", f"/issues/{number}", state="closed")
    joined.tick()
    assert "closed before it was read" in answers(joined, number)
    joined.github.ask("PATCH", f"/issues/{number}", PAT, state="open")
    joined.tick()
    assert not Run.objects.exists(), "whoever opens it again does not start it with its author's rights"
    deliver(joined, number, joined.github.say(number, "/again", PAT))
    joined.tick()
    assert Run.objects.get().requested_by == joined.org.platform
    assert answers(joined, number).count("closed before it was read") == 1


def test_github_is_asked_no_sooner_than_the_interval_says(joined: Joined, between: Between) -> None:
    settings = joined.settings.model_copy(update={"github_poll_seconds": 30})

    def asked(seconds_ago: int) -> bool:
        GithubCursor.objects.update(polled_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds_ago))
        between.calls.clear()
        tick(settings, joined.client)
        return any("/issues?" in call for call in between.calls)

    assert not asked(20)
    assert asked(31)


def test_what_two_polls_both_list_is_noted_once(joined: Joined) -> None:
    joined.github.open("Printer", "It is on fire.")
    for _ in range(3):
        joined.tick()
    assert GithubDelivery.objects.count() == 1
    assert GithubDelivery.objects.exclude(done_at=None).count() == 1


def test_the_second_page_of_issues_and_of_comments_is_read(joined: Joined) -> None:
    for count in range(100):
        joined.github.open(f"Printer {count}", "It is on fire.")
    number = joined.github.open("New environment: dev", form())
    joined.tick()
    assert Run.objects.get().environment.issue.number == number
    assert GithubDelivery.objects.filter(done_at=None).count() == 0
    for count in range(100):
        joined.github.say(number, f"Hello {count}")
    joined.github.say(number, "/cancel")
    joined.tick()
    assert Run.objects.get().status == "cancelled"


EVIL = "`x` **y** @everyone <img src=x onerror=y> ::set-output name=a::b $(touch hacked) ${{ secrets.X }}"


@pytest.mark.parametrize("field", ["product", "pattern", "name", "sandbox", "expires", "settings"])
def test_hostile_words_in_a_form_are_answered_as_words(joined: Joined, field: str) -> None:
    number = joined.github.open(f"New environment: {EVIL}", form(**{field: EVIL}))
    deliver(joined, number)
    joined.tick()
    assert not Run.objects.exists()
    check_words(answers(joined, number))


@pytest.mark.parametrize("said", [f"/extend {EVIL}", f"/approve {EVIL}\n::stop-commands::x", f"/frobnicate {EVIL}"])
def test_hostile_words_in_a_command_are_answered_as_words(joined: Joined, said: str) -> None:
    number = joined.github.open(f"New environment: {EVIL}", form())
    deliver(joined, number)
    joined.tick()
    deliver(joined, number, joined.github.say(number, said))
    joined.tick()
    texts = joined.github.comments(number)
    assert any("not done" in text for text in texts)
    for text in texts:
        check_words(text)


def check_words(text: str) -> None:
    """Nothing of EVIL stands outside of code, and no line is a workflow's command."""
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    bare = CODE.sub("", text)
    for evil in ("@everyone", "<img", "::set-output", "$(touch", "**y**", "${{"):
        assert evil not in bare, bare
