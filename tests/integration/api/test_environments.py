"""Environments, runs and their logs over the API."""

import pytest
from django.utils import timezone
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, wish

from stackyard.cmdb.models import Environment, Run, RunEvent
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest


def test_create_answers_with_environment_and_run(rika: Caller) -> None:
    response = rika.ask("POST", "/environments", wish(settings={"container.cpu": 512, "container.port": 8080}))
    assert response.status_code == 202
    answer = response.json()
    assert answer["environment"]["slug"] == "shop-dev"
    assert answer["environment"]["status"] == "creating"
    assert answer["environment"]["fqdn"].startswith("shop-dev.")
    assert (answer["run"]["kind"], answer["run"]["status"], answer["run"]["via"]) == ("create", "queued", "api")
    assert Environment.objects.get().settings == {"container.cpu": 512}


def test_the_same_key_and_wish_give_the_same_run_and_another_wish_is_a_conflict(rika: Caller) -> None:
    first = rika.ask("POST", "/environments", wish(), Idempotency_Key="k-1").json()
    again = rika.ask("POST", "/environments", wish(), Idempotency_Key="k-1")
    assert (again.status_code, again.json()["run"]["id"]) == (202, first["run"]["id"])
    other = rika.ask("POST", "/environments", wish(name="other"), Idempotency_Key="k-1")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert Environment.objects.count() == 1


def test_an_environment_is_shown_whole_by_slug_and_by_uid(rika: Caller, environment: Environment) -> None:
    found = rika.ask("GET", "/environments/shop-dev").json()
    assert found == rika.ask("GET", f"/environments/{environment.uid}").json()
    assert found["sandbox"]["account_id"] == "111122223333"
    assert found["pattern"]["name"] == "ecs-service"
    assert [s["name"] for s in found["run"]["stages"]][:3] == ["render", "init", "record"]


def test_a_slug_used_again_names_the_younger(rika: Caller, environment: Environment) -> None:
    rika.ask("POST", f"/runs/{environment.runs.get().pk}/cancel")
    assert rika.ask("GET", "/environments/shop-dev").json()["status"] == "failed"
    again = rika.ask("POST", "/environments", wish()).json()["environment"]
    assert rika.ask("GET", "/environments/shop-dev").json()["uid"] == again["uid"] != environment.uid
    assert rika.ask("GET", f"/environments/{environment.uid}").json()["status"] == "failed"


def test_settings_marked_secret_are_hidden(rika: Caller, environment: Environment) -> None:
    environment.pattern.manifest["parameters"]["container.command"]["secret"] = True
    environment.pattern.save()
    Environment.objects.update(settings={"container.command": ["--password=x"], "container.cpu": 512})
    found = rika.ask("GET", "/environments/shop-dev").json()
    assert found["settings"] == {"container.command": "(hidden)", "container.cpu": 512}


def test_destroy_is_refused_while_another_run_is_going_on_and_when_gone(rika: Caller, environment: Environment) -> None:
    refused = rika.ask("DELETE", "/environments/shop-dev")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    rika.ask("POST", f"/runs/{environment.runs.get().pk}/cancel")
    assert rika.ask("DELETE", "/environments/shop-dev").status_code == 409


def test_destroy_answers_with_its_run(rika: Caller, environment: Environment) -> None:
    environment.runs.update(status="succeeded")
    Environment.objects.update(status="ready")
    answer = rika.ask("DELETE", "/environments/shop-dev").json()
    assert (answer["environment"]["status"], answer["run"]["kind"]) == ("destroying", "destroy")


def test_lists_are_filtered_and_paged(org: Organisation, rika: Caller) -> None:
    for n in range(5):
        create(org.requester, CreateRequest("shop", "ecs-service", f"n{n}"), via="api")
    Environment.objects.filter(slug="shop-n0").update(status="ready")
    Environment.objects.filter(slug="shop-n1").update(status="destroyed", destroyed_at=timezone.now())

    def slugs(query: str) -> list[str]:
        return [item["slug"] for item in rika.ask("GET", f"/environments?{query}").json()["items"]]

    assert slugs("") == ["shop-n4", "shop-n3", "shop-n2", "shop-n0"]
    assert slugs("gone=true") == ["shop-n4", "shop-n3", "shop-n2", "shop-n1", "shop-n0"]
    assert slugs("status=ready") == ["shop-n0"]
    assert slugs("status=destroyed") == ["shop-n1"]
    assert slugs("text=N3") == ["shop-n3"]
    assert slugs("product=loyalty") == []
    assert slugs("size=3&page=2") == ["shop-n0"]
    assert slugs("size=3&page=9") == []
    page = rika.ask("GET", "/environments?size=3").json()
    assert (page["count"], page["page"], page["size"]) == (4, 1, 3)


@pytest.mark.parametrize("path", ["/environments/shop-dev/logs", "/runs/{}/events"])
def test_a_log_is_read_in_parts(rika: Caller, environment: Environment, path: str) -> None:
    run = environment.runs.get()
    path = path.format(run.pk)
    RunEvent.objects.bulk_create(RunEvent(run=run, stage="plan", message=f"line {n}") for n in range(501))

    first = rika.ask("GET", path).json()
    assert (len(first["events"]), first["more"], first["run"]["active"]) == (500, True, True)
    assert first["events"][0]["message"] == "line 0"
    second = rika.ask("GET", f"{path}?after={first['next']}").json()
    assert ([e["message"] for e in second["events"]], second["more"]) == (["line 500"], False)
    third = rika.ask("GET", f"{path}?after={second['next']}").json()
    assert (third["events"], third["next"]) == ([], second["next"])


def test_runs_are_filtered(rika: Caller, environment: Environment) -> None:
    def ids(query: str) -> list[int]:
        return [item["id"] for item in rika.ask("GET", f"/runs?{query}").json()["items"]]

    run = Run.objects.get().pk
    assert ids("environment=shop-dev") == ids("status=queued") == ids("kind=create") == ids("") == [run]
    assert ids("environment=shop-other") == ids("status=failed") == ids("kind=destroy") == []


def test_cancelling_twice_is_a_conflict(rika: Caller, environment: Environment) -> None:
    run = environment.runs.get()
    answer = rika.ask("POST", f"/runs/{run.pk}/cancel")
    assert (answer.status_code, answer.json()["status"], answer.json()["active"]) == (202, "cancelled", False)
    assert rika.ask("POST", f"/runs/{run.pk}/cancel").status_code == 409


def test_ten_environments_cost_as_many_queries_as_one(
    org: Organisation, rika: Caller, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert rika.ask("GET", "/environments").status_code == 200
        return len(captured)

    create(org.requester, CreateRequest("shop", "ecs-service", "one"), via="api")
    rika.ask("GET", "/me")  # the token's use is noted now, and not again for a minute
    one = queries()
    for n in range(9):
        create(org.requester, CreateRequest("shop", "ecs-service", f"n{n}"), via="api")
    assert queries() == one


def test_keeping_what_a_cancelled_run_built_is_for_creates(rika: Caller, environment: Environment) -> None:
    run = environment.runs.get()
    Run.objects.filter(pk=run.pk).update(status="running")
    kept = rika.ask("POST", f"/runs/{run.pk}/cancel?keep=true")
    assert (kept.status_code, kept.json()["keep"], kept.json()["cancel_requested"]) == (202, True, True)
    Run.objects.filter(pk=run.pk).update(rolling_back=True)
    assert rika.ask("POST", f"/runs/{run.pk}/cancel?keep=true").status_code == 409
    Run.objects.filter(pk=run.pk).update(kind="change", rolling_back=False)
    refused = rika.ask("POST", f"/runs/{run.pk}/cancel?keep=true")
    assert refused.status_code == 422
    assert refused.json()["error"]["problems"][0]["field"] == "keep"
