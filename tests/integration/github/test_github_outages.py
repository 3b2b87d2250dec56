"""GitHub is away, refuses or forgets: nothing is lost, nothing is done or written twice."""

import datetime as dt
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from django.utils import timezone
from tests.github_emulator import form, free_port
from tests.integration.github.conftest import Joined

from stackyard.cmdb.models import Environment, GithubCursor, GithubDelivery, GithubIssue, GithubRequest, Run, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.github.client import Client
from stackyard.github.inbox import TRIES_IF_GONE
from stackyard.github.keeper import standing, tick


class Between:
    """A server between Stackyard and GitHub that answers in GitHub's place, or swallows GitHub's answers.

    `faults`: of the next calls. `lasting`: part of a path (a pattern) -> status, of every call there. `edits`: node ->
    who edited it, as GitHub's GraphQL API tells; None: there is no such API, as in the emulator."""

    def __init__(self, target: str) -> None:
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.lasting: dict[str, int] = {}
        self.edits: dict[str, str] | None = None
        self.edited_at = dt.datetime.now(dt.UTC)
        self.swallow = 0
        self.calls: list[str] = []
        between = self

        class Handler(BaseHTTPRequestHandler):
            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                between.calls.append(f"{self.command} {self.path}")
                if between.faults:
                    status, headers = between.faults.pop(0)
                    return self._say(status, headers, b'{"message": "a fault"}')
                for part, status in between.lasting.items():
                    if re.search(part, self.path):
                        return self._say(status, {}, b'{"message": "a lasting fault"}')
                if self.path == "/graphql" and between.edits is not None:
                    return self._say(200, {"Content-Type": "application/json"}, between.latest(json.loads(body)))
                headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
                answer = httpx.request(self.command, target + self.path, content=body, headers=headers, timeout=10)
                if self.command == "POST" and between.swallow:
                    between.swallow -= 1
                    return self._say(502, {}, b"<html>bad gateway</html>")
                self._say(answer.status_code, {"Content-Type": "application/json"}, answer.content)

            def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        for verb in ("GET", "POST", "PATCH"):
            setattr(Handler, f"do_{verb}", Handler._pass_on)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def latest(self, question: dict[str, Any]) -> bytes:
        """What GitHub's GraphQL API says of the latest edit of an issue or a comment."""
        assert self.edits is not None
        by = self.edits.get(question["variables"]["node"])
        editor = {"login": by} if by else None
        found = {"lastEditedAt": self.edited_at.isoformat() if by else None, "editor": editor}
        return json.dumps({"data": {"node": found}}).encode()


@pytest.fixture
def between(joined: Joined) -> Iterator[Between]:
    """The server between; from now on the joined ones speak through it."""
    server = Between(joined.github.url)
    joined.settings = joined.settings.model_copy(update={"github_url": server.url})
    joined.client = Client(joined.settings)
    yield server
    server.server.shutdown()
    server.server.server_close()


FAULTS: list[tuple[int, dict[str, str]]] = [
    (401, {}),
    (403, {"Retry-After": "7"}),
    (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
    (404, {}),
    (409, {}),
    (422, {}),
    (429, {"Retry-After": "7"}),
    (500, {}),
    (502, {}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[0]}{'-wait' if fault[1] else ''}")
def test_whatever_github_answers_the_request_is_done_once(
    joined: Joined, between: Between, fault: tuple[int, dict[str, str]]
) -> None:
    number = joined.github.open("New environment: dev", form())
    between.faults = [fault]
    joined.tick()
    for _ in range(3):
        GithubDelivery.objects.update(not_before=None)
        GithubIssue.objects.update(not_before=None)
        GithubRequest.objects.update(not_before=None)
        joined.tick()
    assert Run.objects.count() == 1
    assert len(joined.github.comments(number)) == 1
    assert joined.github.numbers() == [number]


def test_github_is_left_alone_as_long_as_it_asks_for(joined: Joined, between: Between) -> None:
    between.faults = [(403, {"Retry-After": "600"})]
    joined.tick()
    asked = len(between.calls)
    wait = (GithubCursor.objects.get().not_before or timezone.now()) - timezone.now()
    assert 590 < wait.total_seconds() <= 600
    tick(joined.settings, joined.client)
    assert len(between.calls) == asked


@pytest.mark.parametrize(
    ("part", "status"), [("", 403), ("", 404), ("", 409), ("", 410), ("", 422), ("", 502), ("/comments", 422)]
)
def test_an_issue_that_cannot_be_read_holds_up_no_other(
    joined: Joined, between: Between, part: str, status: int
) -> None:
    bad = joined.github.open("New environment: dev", form(name="bad"))
    good = joined.github.open("New environment: dev", form())
    between.lasting = {rf"/issues/{bad}{part}(\?|$)": status}
    for _ in range(2):
        joined.tick()
    assert good in {run.environment.issue.number for run in Run.objects.all()}
    assert GithubCursor.objects.get().not_before is None
    row = GithubDelivery.objects.filter(number=bad).earliest("pk")
    assert row.done_at is None
    assert row.tries == (2 if part else 1), "not again at once, unless something happened there"
    assert row.not_before is not None
    assert (
        sum(f"Issue {joined.client.home}#{bad} cannot be read and is tried again" in line for line in standing()) == 1
    )
    between.lasting = {}
    GithubDelivery.objects.update(not_before=None)
    GithubIssue.objects.update(not_before=None)
    joined.tick()
    assert Run.objects.count() == 2
    assert not any("cannot be read" in line for line in standing())


def test_what_cannot_be_read_for_a_day_is_given_up_and_told(joined: Joined, between: Between) -> None:
    bad = joined.github.open("New environment: dev", form())
    between.lasting = {f"/issues/{bad}": 422}
    joined.tick()
    GithubDelivery.objects.update(not_before=None, received_at=timezone.now() - dt.timedelta(hours=25))
    joined.tick()
    assert not GithubDelivery.objects.filter(done_at=None).exists()
    (line,) = (line for line in standing() if f"#{bad}" in line)
    assert "is given up" in line
    assert "a lasting fault" in line


def test_an_issue_that_is_gone_is_forgotten(joined: Joined, between: Between) -> None:
    bad = joined.github.open("New environment: dev", form())
    between.lasting = {f"/issues/{bad}": 404}
    for _ in range(TRIES_IF_GONE):
        joined.tick()
        GithubDelivery.objects.update(not_before=None)
    assert not GithubDelivery.objects.filter(done_at=None).exists()
    assert not any("cannot be read" in line for line in standing())


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_where_the_whole_repository_does_not_answer_nothing_is_given_up(
    joined: Joined, between: Between, status: int
) -> None:
    number = joined.github.open("New environment: dev", form())
    GithubDelivery.objects.create(guid="1", event="issues", repository=joined.client.home, number=number)
    between.lasting = {"/repos": status}
    never = joined.settings.model_copy(update={"github_poll_seconds": 0})
    for _ in range(TRIES_IF_GONE + 1):
        GithubCursor.objects.update(not_before=None)
        tick(never, joined.client)
    assert GithubDelivery.objects.get().tries == 0
    assert GithubCursor.objects.get().problem


def test_no_answer_at_all_is_waited_out(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    nowhere = joined.settings.model_copy(update={"github_url": f"http://localhost:{free_port()}"})
    joined.tick(Client(nowhere))
    assert "does not answer" in GithubCursor.objects.get().problem
    joined.tick()
    assert Run.objects.get().environment.issue.number == number


def test_an_issue_and_a_comment_whose_answers_got_lost_are_not_written_twice(joined: Joined, between: Between) -> None:
    create(joined.org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    between.swallow = 2
    for _ in range(4):
        GithubIssue.objects.update(not_before=None)
        joined.tick()
    (number,) = joined.github.numbers()
    assert len(joined.github.comments(number)) == 1
    assert "`ecs-worker" in joined.github.issue(number)["body"]
    assert Environment.objects.get().issue.number == number


def test_another_worker_goes_on_where_one_stopped(joined: Joined) -> None:
    create(joined.org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    joined.tick()
    GithubIssue.objects.update(number=None, comment=None, shown="")  # as if it had stopped before writing this down
    joined.tick(Client(joined.settings))
    (number,) = joined.github.numbers()
    assert len(joined.github.comments(number)) == 1


def test_an_issue_that_is_closed_stays_closed_and_its_comment_goes_on(joined: Joined) -> None:
    number = joined.github.open("New environment: dev", form())
    joined.tick()
    joined.github.ask("PATCH", f"/issues/{number}", state="closed")
    Run.objects.update(status=RunStatus.RUNNING)
    joined.tick()
    assert joined.github.issue(number)["state"] == "closed"
    assert "**running**" in joined.github.comments(number)[0]


def test_an_issue_that_is_gone_is_opened_again(joined: Joined, between: Between) -> None:
    create(joined.org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    joined.tick()
    GithubIssue.objects.update(number=77)  # no such issue
    joined.github.ask("PATCH", f"/issues/{joined.github.numbers()[0]}", body="somebody else's")
    Run.objects.update(status=RunStatus.RUNNING)
    joined.tick()
    assert len(joined.github.numbers()) == 2
    assert GithubIssue.objects.get().number == joined.github.numbers()[-1]


@pytest.mark.parametrize("status", [403, 409, 410, 422, 502])
def test_an_issue_that_cannot_be_written_holds_up_no_other(joined: Joined, between: Between, status: int) -> None:
    for name in ("bad", "good"):
        create(joined.org.requester, CreateRequest("shop", "ecs-worker", name), via="api")
        joined.tick()
    bad, good = GithubIssue.objects.order_by("pk")
    Run.objects.update(status=RunStatus.RUNNING)
    between.lasting = {rf"/issues/{bad.number}(/|\?|$)": status, rf"/issues/comments/{bad.comment}$": status}
    joined.tick()
    assert good.number is not None
    assert "**running**" in joined.github.comments(good.number)[0]
    bad.refresh_from_db()
    assert (bad.tries, str(status) in bad.problem) == (1, True)
    assert any("shop-bad" in line and str(status) in line for line in standing())
    between.lasting = {}
    GithubIssue.objects.update(not_before=None)
    joined.tick()
    assert bad.number is not None
    assert "**running**" in joined.github.comments(bad.number)[0]
    assert not any("shop-bad" in line for line in standing())


def test_where_the_conversation_is_locked_the_rest_goes_on(joined: Joined, between: Between) -> None:
    number = joined.github.open("New environment: dev", form())
    joined.tick()
    Run.objects.update(status=RunStatus.RUNNING)
    between.faults = [(403, {})]
    tick(joined.settings.model_copy(update={"github_poll_seconds": 0}), joined.client)
    row = GithubIssue.objects.get()
    assert row.tries == 1
    assert "403" in row.problem
    assert GithubCursor.objects.get().not_before is None
    GithubIssue.objects.update(not_before=None)
    joined.tick()
    assert "**running**" in joined.github.comments(number)[0]


def test_hostile_settings_and_errors_are_shown_as_words(joined: Joined) -> None:
    evil = "`x` @everyone <img src=x onerror=y> ::set-output name=a::b $(id)"
    number = joined.github.open("New environment: dev", form(settings=f"container.first_image = {evil}"))
    joined.tick()
    (answer,) = joined.github.comments(number)
    assert "settings.container.first_image" in answer
    joined.github.ask("PATCH", f"/issues/{number}", body=form())
    joined.github.say(number, "/again")
    joined.tick()
    Run.objects.update(status=RunStatus.ATTENTION, error=f"{evil}\n::stop-commands::x\n```\n# head", hint="@all")
    joined.tick()
    told = next(text for text in joined.github.comments(number) if "What happened" in text)
    assert "\n````text\n| `x` @everyone <img" in told
    assert "\n::" not in told
