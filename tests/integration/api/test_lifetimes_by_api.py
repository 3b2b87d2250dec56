"""Expiry and drift over the API."""

import datetime as dt
from typing import Any

from django.utils import timezone
from tests.integration.api.conftest import Caller, fields, wish

from stackyard.cmdb.models import Environment
from stackyard.environments.drift import digest_of

DIFFERS = {
    "checked_at": "2026-01-01T00:00:00+00:00",
    "run": 7,
    "resources": [
        {
            "address": "aws_sqs_queue.a",
            "action": "update",
            "attributes": [{"path": "tags.a", "before": "1", "after": None, "sensitive": False}],
        }
    ],
}


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def days(text: str) -> int:
    return round((at(text) - timezone.now()) / dt.timedelta(days=1))


def test_created_with_an_expiry_it_tells_when_it_goes(rika: Caller) -> None:
    made = rika.ask("POST", "/environments", wish(expires=14)).json()["environment"]
    assert days(made["expires_at"]) == 14
    assert at(made["deletion_at"]) - at(made["expires_at"]) == dt.timedelta(hours=24)
    for wrong in (True, 1.5, [], {}):
        assert fields(rika.ask("POST", "/environments", wish(name="two", expires=wrong)))[0].startswith("expires")
    for wrong in (0, 1000, "never", "next week", "2001-01-01", "1" * 5000):
        assert fields(rika.ask("POST", "/environments", wish(name="two", expires=wrong))) == ["expires"]


def test_the_same_key_with_another_expiry_is_another_wish(rika: Caller) -> None:
    for expires, status in ((14, 202), (14, 202), (15, 409)):
        answer = rika.ask("POST", "/environments", wish(expires=expires), Idempotency_Key="one")
        assert answer.status_code == status


def test_extend(rika: Caller, environment: Environment) -> None:
    def ask(**body: Any) -> Any:
        return rika.ask("POST", "/environments/shop-dev/extend", body)

    assert days(ask(days=7).json()["expires_at"]) == 37
    until = (timezone.now() + dt.timedelta(days=50)).date().isoformat()
    assert ask(until=until).json()["expires_at"].startswith(until)
    assert fields(ask()) == ["days"]
    assert fields(ask(days=1, until=until)) == ["days"]
    assert fields(ask(days=1, never=True)) == ["never"]
    assert fields(ask(days=0)) == ["days"]
    assert fields(ask(days=80)) == ["days"]
    assert fields(ask(until="never")) == ["until"]
    assert fields(ask(days="7")) == ["days"]
    assert fields(ask(more=1)) == ["more"]
    refused = ask(never=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    Environment.objects.update(status="destroyed")
    assert ask(days=1).status_code == 409


def test_the_list_of_what_expires(rika: Caller, environment: Environment) -> None:
    assert rika.ask("GET", "/environments?expiring=true").json()["count"] == 0
    Environment.objects.update(expires_at=timezone.now() + dt.timedelta(days=2))
    assert [e["slug"] for e in rika.ask("GET", "/environments?expiring=true").json()["items"]] == ["shop-dev"]


def test_drift_is_shown_and_only_what_was_seen_is_accepted(rika: Caller, environment: Environment) -> None:
    path = "/environments/shop-dev/drift"
    nothing = {"checked_at": None, "run": None, "digest": "", "resources": []}
    assert rika.ask("GET", path).json() == nothing
    environment.runs.update(status="succeeded")
    Environment.objects.update(status="ready", resources=[{"address": "a"}])
    assert rika.ask("POST", f"{path}/accept", {}).status_code == 409, "nothing is known to differ"

    Environment.objects.update(drift=DIFFERS, drift_checked_at=timezone.now())
    seen = rika.ask("GET", path).json()
    assert (seen["resources"], seen["run"]) == (DIFFERS["resources"], 7)
    assert rika.ask("POST", f"{path}/accept", {"digest": "0" * 64}).status_code == 409
    accepted = rika.ask("POST", f"{path}/accept", {"digest": seen["digest"]})
    assert accepted.status_code == 202
    run = environment.runs.get(pk=accepted.json()["run"]["id"])
    assert (run.kind, run.request["accept"]) == ("drift", digest_of(Environment.objects.get()))
    assert accepted.json()["environment"]["status"] == "ready"
    assert rika.ask("POST", path).status_code == 409, "one thing at a time"


def test_repair_is_a_change(rika: Caller, environment: Environment) -> None:
    environment.runs.update(status="succeeded")
    Environment.objects.update(status="ready", resources=[{"address": "a"}], drift=DIFFERS)
    accepted = rika.ask("POST", "/environments/shop-dev/drift/repair").json()
    assert (accepted["run"]["kind"], accepted["environment"]["status"]) == ("change", "changing")
