"""Webhooks: only what GitHub signed counts, once; everything else leaves no row."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from tests.factories import make_organisation
from tests.github_emulator import SECRET
from tests.integration.runs.test_approval import changing

from stackyard.cmdb.models import GithubDelivery, PullRequest, Sandbox
from stackyard.settings import get_settings

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STACKYARD_GITHUB_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("STACKYARD_GITHUB_REPOSITORY", "acme/environments")
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def payload(**changes: Any) -> dict[str, Any]:
    return {
        "action": "opened",
        "issue": {"number": 7, "body": "x"},
        "repository": {"full_name": "Acme/environments"},
        **changes,
    }


def send(
    body: bytes, *, signed: bytes | None = None, guid: str = "11111111-2222", event: str = "issues"
) -> HttpResponse:
    signature = "sha256=" + hmac.new(SECRET.encode(), body if signed is None else signed, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": guid, "X-GitHub-Event": event}
    return Client(enforce_csrf_checks=True).post(
        "/github/webhook", body, content_type="application/json", headers=headers
    )


def test_a_signed_delivery_is_noted_once() -> None:
    body = json.dumps(payload()).encode()
    assert send(body).status_code == 202
    assert send(body).status_code == 200
    assert GithubDelivery.objects.get().number == 7


def test_forged_truncated_and_unsigned_deliveries_leave_nothing() -> None:
    body = json.dumps(payload()).encode()
    assert send(body, signed=b"another").status_code == 401
    assert send(body[:-5], signed=body).status_code == 401
    bare = Client().post("/github/webhook", body, content_type="application/json", headers={"X-GitHub-Event": "issues"})
    odd = {"X-GitHub-Event": "issues", "X-Hub-Signature-256": "sha256=\u00e4"}
    assert bare.status_code == 401
    assert Client().post("/github/webhook", body, content_type="application/json", headers=odd).status_code == 401
    assert not GithubDelivery.objects.exists()


def test_one_that_is_too_long_is_refused_before_it_is_read() -> None:
    assert send(b'{"a":"' + b"x" * 1024 * 1024 + b'"}').status_code == 413
    assert not GithubDelivery.objects.exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"\xff", b'{"action":"opened"}', b"[" * 100_000],
)
def test_what_is_signed_and_still_no_delivery_is_refused(body: bytes) -> None:
    assert send(body).status_code == 400
    assert not GithubDelivery.objects.exists()


@pytest.mark.parametrize("number", [0, -1, True, "7", 2**40, None, 1.5])
def test_an_odd_number_is_refused(number: object) -> None:
    assert send(json.dumps(payload(issue={"number": number, "body": None})).encode()).status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"repository": {"full_name": "acme/other"}},
        {"action": "labeled"},
        {"issue": {"number": 7, "pull_request": {}}},
        {"issue": {"number": 7, "body": "<!-- stackyard:environment:x -->"}},
    ],
)
def test_what_does_not_concern_us_is_left(changes: dict[str, Any]) -> None:
    assert send(json.dumps(payload(**changes)).encode()).status_code == 202
    assert not GithubDelivery.objects.exists()


def test_a_pull_request_of_the_record_is_looked_at_next(monkeypatch: pytest.MonkeyPatch) -> None:
    org = make_organisation()
    monkeypatch.setenv("STACKYARD_RECORD_PULL_REQUESTS", "acme/record")
    get_settings.cache_clear()
    PullRequest.objects.create(run=changing(org), branch="change/shop-dev-2", number=7, looked_at=timezone.now())

    def heard(repository: str, number: object = 7) -> HttpResponse:
        said = {"action": "closed", "pull_request": {"number": number}, "repository": {"full_name": repository}}
        return send(json.dumps(said).encode(), event="pull_request")

    assert heard("acme/environments").status_code == heard("acme/record", 8).status_code == 202
    assert PullRequest.objects.get().looked_at is not None
    assert heard("acme/record", "7").status_code == 400
    assert heard("Acme/record").status_code == 202
    assert PullRequest.objects.get().looked_at is None


def test_a_comment_on_a_pull_request_of_the_record_is_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    org = make_organisation()
    monkeypatch.setenv("STACKYARD_RECORD_PULL_REQUESTS", "acme/record")
    get_settings.cache_clear()
    PullRequest.objects.create(run=changing(org), branch="change/shop-dev-2", number=7)

    def heard(guid: str, repository: str, number: int, **comment: object) -> HttpResponse:
        issue = {"number": number, "body": None, "pull_request": {}}
        said = {"action": "created", "issue": issue, "comment": {"id": 4, "body": "/approve", **comment}}
        body = json.dumps({**said, "repository": {"full_name": repository}}).encode()
        return send(body, guid=guid, event="issue_comment")

    assert heard("a", "acme/environments", 7).status_code == 202
    assert heard("b", "acme/record", 8).status_code == 202
    assert heard("c", "acme/record", 7, id="4").status_code == heard("d", "acme/record", 7, body=[1]).status_code == 400
    assert not GithubDelivery.objects.exists()
    assert heard("e", "Acme/record", 7).status_code == 202
    row = GithubDelivery.objects.get()
    assert (row.event, row.number, row.subject) == (GithubDelivery.PULL_COMMENT, 7, "comment:4")


def test_the_repositories_of_sandboxes_are_heard_too() -> None:
    org = make_organisation()
    theirs = payload(repository={"full_name": "Acme/Shop"})
    assert send(json.dumps(theirs).encode()).status_code == 202
    assert not GithubDelivery.objects.exists()
    Sandbox.objects.filter(pk=org.sandbox.pk).update(issues="acme/shop")
    assert send(json.dumps(theirs).encode()).status_code == 202
    assert (GithubDelivery.objects.get().repository, GithubDelivery.objects.get().number) == ("acme/shop", 7)


def test_without_a_secret_there_is_no_such_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKYARD_GITHUB_WEBHOOK_SECRET")
    get_settings.cache_clear()
    assert send(b"{}").status_code == 404


def test_a_page_that_is_only_looked_at_is_none() -> None:
    assert Client().get("/github/webhook").status_code == 405


@pytest.mark.parametrize("guid", ["", "x" * 81, "a b c d e f g h", "' or 1=1 --"])
def test_an_odd_delivery_id_is_refused(guid: str) -> None:
    assert send(json.dumps(payload()).encode(), guid=guid).status_code == 400
