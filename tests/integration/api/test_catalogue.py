"""Patterns, products, sandboxes, health and the description of the API itself."""

from pathlib import Path

import pytest
from django.db import OperationalError, connection
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, caller

from stackyard import __version__
from stackyard.settings import get_settings


def test_patterns_are_listed_and_shown_with_parameters_and_readme(rika: Caller) -> None:
    names = [p["name"] for p in rika.ask("GET", "/patterns").json()["items"]]
    assert "ecs-service" in names
    shown = rika.ask("GET", "/patterns/ecs-service").json()
    cpu = next(p for p in shown["parameters"] if p["path"] == "container.cpu")
    assert (cpu["kind"], cpu["default"], cpu["enum"][:2]) == ("number", 256, [256, 512])
    assert shown["readme"].startswith("#")


@pytest.fixture
def one_broken_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "pattern.yaml").write_text("name: [")
    monkeypatch.setattr(get_settings(), "patterns", tmp_path)


@pytest.mark.usefixtures("one_broken_pattern")
def test_only_platform_staff_are_told_which_patterns_are_broken(org: Organisation, rika: Caller) -> None:
    assert rika.ask("GET", "/patterns").json() == {"items": [], "broken": {}}
    assert "not YAML" in caller(org.platform).ask("GET", "/patterns").json()["broken"]["bad"]
    assert rika.ask("GET", "/patterns/bad").status_code == 503


def test_products_say_whether_one_may_build_for_them(org: Organisation, rika: Caller) -> None:
    assert rika.ask("GET", "/products/shop").json()["may_request"] is True
    assert caller(org.viewer).ask("GET", "/products/shop").json()["may_request"] is False


def test_a_sandbox_says_how_full_it_is_and_keeps_its_external_id(
    org: Organisation, rika: Caller, environment: object
) -> None:
    org.sandbox.external_id = "between-us"
    org.sandbox.save()
    response = rika.ask("GET", "/sandboxes/commerce-dev")
    assert (response.json()["environments"], response.json()["max_environments"]) == (1, 50)
    assert b"between-us" not in response.content


def test_me_names_person_and_roles(org: Organisation, rika: Caller) -> None:
    me = rika.ask("GET", "/me").json()
    assert (me["username"], me["roles"]) == ("rika", [{"role": "requester", "department": "commerce"}])
    assert (me["platform"], me["may_request"]) == (False, True)
    assert caller(org.platform).ask("GET", "/me").json()["platform"] is True


def test_health_tells_when_the_database_is_away(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Caller(None).ask("GET", "/health").json() == {"status": "ok", "version": __version__}

    def away() -> None:
        raise OperationalError("connection refused: password=hunter2")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", away)
        response = Caller(None).ask("GET", "/health")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert b"hunter2" not in response.content


def test_a_defect_is_told_without_its_inside(rika: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("inside")

    monkeypatch.setattr("stackyard.api.environments.search", broken)
    response = rika.ask("GET", "/environments")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal")
    assert b"inside" not in response.content


def test_the_description_is_for_those_who_are_signed_in(org: Organisation, rika: Caller) -> None:
    assert Caller(None).ask("GET", "/openapi.json").status_code == 401
    schema = rika.ask("GET", "/openapi.json").json()
    assert (schema["info"]["title"], schema["info"]["version"]) == ("Stackyard", __version__)
    create = schema["paths"]["/api/environments"]["post"]
    assert {"202", "401", "403", "409", "422"} <= set(create["responses"])
    assert any(p["name"] == "Idempotency-Key" for p in create["parameters"])


def test_answers_are_not_kept_by_caches(rika: Caller) -> None:
    assert rika.ask("GET", "/me")["Cache-Control"] == "no-store"
