"""Changing what stands, over the API."""

from pathlib import Path
from typing import Any

import pytest
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, caller, fields
from tests.integration.portal.site import keep, ready

from stackyard.cmdb.models import Environment, Run
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.settings import get_settings

PATH = "/environments/shop-dev"


@pytest.fixture
def standing(org: Organisation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """shop-dev, which stands, with its code in a record of the test's own."""
    monkeypatch.setattr(get_settings(), "data", tmp_path)
    run = ready(create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="api"))
    keep(run.environment, tmp_path)
    return run.environment


def test_what_can_be_changed_comes_from_the_record(rika: Caller, standing: Environment) -> None:
    found = rika.ask("GET", f"{PATH}/settings").json()
    assert found["values"]["container.cpu"] == 256
    assert {p["path"]: p["kind"] for p in found["parameters"]}["container.environment"] == "map"


def test_a_preview_shows_the_difference_and_starts_nothing(rika: Caller, standing: Environment) -> None:
    edit = {"set": {"container.cpu": 512, "container.memory": 1024, "container.environment.MODE": "dev"}}
    found = rika.ask("POST", f"{PATH}/preview", edit).json()
    assert found["problems"] == []
    assert [line for line in found["diff"] if line.startswith("+") and "512" in line]
    assert any("MODE" in line for line in found["diff"] if line.startswith("+"))
    assert Run.objects.count() == 1
    wrong = rika.ask("POST", f"{PATH}/preview", {"set": {"container.cpu": 3, "nope": 1}}).json()
    assert {p["field"] for p in wrong["problems"]} == {"settings.container.cpu", "settings.nope"}


def test_a_change_is_accepted_once_per_key(rika: Caller, standing: Environment) -> None:
    wish = {"set": {"container.environment.MODE": "dev"}, "plan_only": True}
    first = rika.ask("POST", f"{PATH}/change", wish, Idempotency_Key="k1")
    again = rika.ask("POST", f"{PATH}/change", wish, Idempotency_Key="k1")
    assert first.status_code == again.status_code == 202, first.content
    assert first.json()["run"]["id"] == again.json()["run"]["id"]
    assert first.json()["run"]["kind"] == "change"
    assert Run.objects.get(pk=first.json()["run"]["id"]).request["plan_only"] is True
    other = rika.ask("POST", f"{PATH}/change", {**wish, "plan_only": False}, Idempotency_Key="k1")
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("wish", "wrong"),
    [
        ({"set": {"container.cpu": "512"}}, ["settings.container.cpu"]),
        ({"set": {"container.port": 0, "x.y": 1}}, ["settings.container.port", "settings.x.y"]),
        ({"unset": ["nothing"]}, ["settings.nothing"]),
        ({}, ["settings"]),
        ({"plan_only": "yes"}, ["plan_only"]),
        ({"more": 1}, ["more"]),
    ],
)
def test_bad_wishes_are_refused_by_field(
    rika: Caller, standing: Environment, wish: dict[str, Any], wrong: list[str]
) -> None:
    assert sorted(fields(rika.ask("POST", f"{PATH}/change", wish))) == wrong
    assert Run.objects.count() == 1


@pytest.mark.parametrize("number", [0.1, 1e3, 2.5e-3, 12345678901234, -0.0])
def test_numbers_keep_their_value_on_the_way_into_the_code(rika: Caller, standing: Environment, number: float) -> None:
    edit = {"set": {"container.environment.N": number}}
    found = rika.ask("POST", f"{PATH}/preview", edit).json()
    assert found["problems"] == []
    (line,) = [text for text in found["diff"] if text.startswith("+") and "N " in text]
    assert float(line.partition("=")[2].strip().strip('"')) == number


def test_a_plan_is_approved_as_it_was_seen_or_rejected(rika: Caller, org: Organisation, standing: Environment) -> None:
    run_id = rika.ask("POST", f"{PATH}/change", {"set": {"container.cpu": 512, "container.memory": 1024}}).json()[
        "run"
    ]["id"]
    waiting = {"status": "waiting", "plan": {"destructive": True, "digest": "d1", "changes": [], "summary": "1"}}
    assert rika.ask("POST", f"/runs/{run_id}/approve", {}).status_code == 409
    Run.objects.filter(pk=run_id).update(**waiting)
    listed = rika.ask("GET", "/runs?status=waiting").json()["items"]
    assert [r["id"] for r in listed] == [run_id]

    assert fields(rika.ask("POST", f"/runs/{run_id}/approve", {})) == ["confirmation"]
    old = rika.ask("POST", f"/runs/{run_id}/approve", {"confirmation": "shop-dev", "digest": "d0"})
    assert old.status_code == 409
    assert caller(org.viewer).ask("POST", f"/runs/{run_id}/approve", {"confirmation": "shop-dev"}).status_code == 403
    done = rika.ask("POST", f"/runs/{run_id}/approve", {"confirmation": "shop-dev", "digest": "d1"})
    assert (done.status_code, done.json()["status"]) == (202, "queued"), done.content

    Run.objects.filter(pk=run_id).update(**waiting)
    assert rika.ask("POST", f"/runs/{run_id}/reject").json()["status"] == "cancelled"
