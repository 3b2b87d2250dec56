"""What somebody else edited does not run with its author's rights: on GitHub maintainers can edit anybody's text."""

import datetime as dt
import hashlib
import hmac
import itertools
import json
from typing import Any

import pytest
from django.test import Client as Browser
from tests.github_emulator import PAT, RIKA, SECRET, STRANGER, form
from tests.integration.github.conftest import Joined
from tests.integration.github.test_github_outages import Between, between

from stackyard.cmdb.models import Environment, GithubDelivery, GithubRequest, Run

__all__ = ["between"]

_guids = itertools.count(1)


def deliver(joined: Joined, number: int, comment: int | None = None, guid: str = "") -> None:
    """GitHub's webhook about an issue that was opened, or a comment that was written, as it stands now."""
    said: dict[str, Any] = {"action": "opened", "issue": joined.github.issue(number)}
    if comment is not None:
        said |= {"action": "created", "comment": joined.github.ask("GET", f"/issues/comments/{comment}")}
    said["repository"] = {"full_name": joined.github.repository}
    body = json.dumps(said).encode()
    headers = {
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        "X-GitHub-Delivery": guid or f"delivery-{next(_guids)}",
        "X-GitHub-Event": "issues" if comment is None else "issue_comment",
    }
    answer = Browser().post("/github/webhook", body, content_type="application/json", headers=headers)
    assert answer.status_code in (200, 202), answer.content


def edit(joined: Joined, number: int, body: str, as_: str = PAT) -> None:
    joined.github.ask("PATCH", f"/issues/{number}", as_, body=body)


def answers(joined: Joined, number: int) -> str:
    return "\n".join(joined.github.comments(number))


def test_a_form_that_was_edited_after_its_signed_delivery_does_not_run(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    deliver(joined, number)
    edit(joined, number, form(name="prod"), STRANGER)
    joined.tick()
    assert not Run.objects.exists()
    assert f"since it was opened by {RIKA}" in answers(joined, number)
    assert "/again" in answers(joined, number)


def test_again_acts_with_the_rights_of_the_one_who_comments(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    deliver(joined, number)
    edit(joined, number, form(name="two"), STRANGER)
    joined.tick()
    deliver(joined, number, joined.github.say(number, "/again", STRANGER))
    joined.tick()
    assert not Run.objects.exists()
    deliver(joined, number, joined.github.say(number, "/again", PAT))
    joined.tick()
    assert (Environment.objects.get().slug, Environment.objects.get().owner) == ("shop-two", joined.org.platform)


def test_a_form_that_is_edited_after_again_does_not_run(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form(product="shoe"))
    deliver(joined, number)
    joined.tick()
    edit(joined, number, form(), RIKA)
    deliver(joined, number, joined.github.say(number, "/again", RIKA))
    edit(joined, number, form(name="prod"), STRANGER)
    joined.tick()
    assert not Run.objects.exists()
    assert "edited after that comment" in answers(joined, number)
    deliver(joined, number, joined.github.say(number, "/again", RIKA))
    joined.tick()
    assert Environment.objects.get().slug == "shop-prod"


def test_what_was_said_meanwhile_is_no_edit_of_a_signed_form(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    deliver(joined, number)
    joined.github.say(number, "hello")
    joined.github.ask("PATCH", f"/issues/{number}", PAT, labels=["soon"], title="Dev, please")
    joined.tick()
    assert Run.objects.get().requested_by == joined.org.requester


def test_a_comment_that_was_edited_after_its_signed_delivery_is_not_obeyed(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    deliver(joined, number)
    joined.tick()
    comment = joined.github.say(number, "/plan")
    deliver(joined, number, comment)
    joined.github.ask("PATCH", f"/issues/comments/{comment}", STRANGER, body="/cancel")
    joined.tick()
    assert Run.objects.get().status == "queued"
    assert "edited comment is not acted on" in answers(joined, number)


def test_polled_without_a_way_to_tell_it_is_refused(joined: Joined) -> None:
    """The emulator has no GraphQL API, and a comment moves the issue's time as an edit does."""
    number = joined.github.open("New environment: dev", form())
    joined.github.say(number, "hello")
    joined.tick()
    assert not Run.objects.exists()
    assert "cannot be told" in answers(joined, number)
    joined.github.say(number, "/again", PAT)
    joined.github.say(number, "hello")
    joined.tick()
    assert not Run.objects.exists(), "another than the author may not have seen what stands there"
    joined.github.say(number, "/again", RIKA)
    joined.tick()
    assert Run.objects.get().requested_by == joined.org.requester


@pytest.mark.parametrize("by", [None, STRANGER])
def test_polled_github_is_asked_for_the_latest_edit(joined: Joined, between: Between, by: str | None) -> None:
    number = joined.github.open("New environment: dev", form())
    joined.github.say(number, "hello")
    between.edits = {joined.github.issue(number)["node_id"]: by} if by else {}
    joined.tick()
    assert Run.objects.exists() == (by is None)
    assert any("/graphql" in call for call in between.calls)
    if by:
        assert f"edited by {by} since it was opened by {RIKA}" in answers(joined, number)
        joined.github.say(number, "/again", PAT)
        joined.github.say(number, "hello")
        joined.tick()
        assert Run.objects.get().requested_by == joined.org.platform


def test_polled_again_counts_for_what_stood_there_then(joined: Joined, between: Between) -> None:
    number = joined.github.open("New environment: dev", form())
    joined.github.say(number, "hello")
    node = joined.github.issue(number)["node_id"]
    between.edits = {node: STRANGER}
    joined.tick()
    joined.github.say(number, "/again", RIKA)
    between.edited_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    joined.tick()
    assert not Run.objects.exists()
    assert "edited after that comment" in answers(joined, number)


def test_polled_an_edit_within_the_same_second_is_seen(joined: Joined, between: Between) -> None:
    number = joined.github.open("New environment: dev", form())
    between.edits = {}
    joined.tick()
    joined.github.say(number, "/cancel")
    (said,) = (c for c in joined.github.ask("GET", f"/issues/{number}/comments") if c["body"] == "/cancel")
    between.edits = {said["node_id"]: STRANGER}
    joined.tick()
    assert Run.objects.get().status == "queued"
    assert "edited comment" in answers(joined, number)


def test_where_the_question_cannot_be_asked_now_it_waits(joined: Joined, between: Between) -> None:
    number = joined.github.open("New environment: dev", form())
    between.lasting = {"/graphql": 502}
    joined.tick()
    assert not Run.objects.exists()
    assert not GithubRequest.objects.exists()
    between.lasting, between.edits = {}, {}
    GithubDelivery.objects.update(not_before=None)
    joined.tick()
    assert Run.objects.get().environment.issue.number == number
