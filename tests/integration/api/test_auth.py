"""Tokens and the portal's session."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, wish

from stackyard.cmdb.models import ApiToken, Environment


def test_a_token_is_kept_as_a_digest_and_its_use_is_noted_at_most_once_a_minute(rika: Caller) -> None:
    row = ApiToken.objects.get()
    assert rika.token not in (row.digest, row.name)
    assert rika.ask("GET", "/me").json()["username"] == "rika"
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    rika.ask("GET", "/me")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    rika.ask("GET", "/me")
    assert ApiToken.objects.get().last_used_at > first


def test_an_expired_token_and_one_of_a_person_who_left_are_refused(rika: Caller) -> None:
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert rika.ask("GET", "/me").status_code == 200
    ApiToken.objects.update(expires_at=timezone.now())
    assert rika.ask("GET", "/me").status_code == 401
    ApiToken.objects.update(expires_at=None)
    assert rika.user is not None
    rika.user.is_active = False
    rika.user.save()
    assert rika.ask("GET", "/me").status_code == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer sy_wrong", "Basic cmlrYTpyaWth", "sy_x", "Bearer \xff\xfe", "Bearer a b c"]
)
def test_wrong_tokens_are_refused_with_a_way_out(org: Organisation, header: str) -> None:
    response = Caller(None).ask("GET", "/me", Authorization=header)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["error"]["hint"]


def test_a_wrong_token_is_refused_even_with_a_session(org: Organisation) -> None:
    browser = Client()
    browser.force_login(org.requester)
    assert browser.get("/api/me").status_code == 200
    assert browser.get("/api/me", headers={"Authorization": "Bearer sy_wrong"}).status_code == 401


def test_a_session_changes_something_only_with_the_csrf_token(org: Organisation) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(org.requester)
    assert browser.get("/api/environments").status_code == 200

    refused = browser.post("/api/environments", wish(), content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert not Environment.objects.exists()

    browser.cookies["csrftoken"] = secret = "a" * 32
    accepted = browser.post(
        "/api/environments", wish(), content_type="application/json", headers={"X-CSRFToken": secret}
    )
    assert accepted.status_code == 202, accepted.content


def test_a_token_needs_no_csrf_token(org: Organisation) -> None:
    _, token = ApiToken.issue(org.requester, "script")
    script = Client(enforce_csrf_checks=True)
    response = script.post(
        "/api/environments", wish(), content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 202


def test_the_history_knows_who_asked_with_a_token(rika: Caller) -> None:
    rika.ask("POST", "/environments", wish())
    assert Environment.objects.get().history.latest().history_user == rika.user
