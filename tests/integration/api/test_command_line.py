"""The command line against a real server: what people and scripts see on the way through an environment's life."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from django.db import connection
from django.utils import timezone
from tests.factories import Organisation, make_organisation
from tests.integration.portal.site import keep, ready
from typer.testing import CliRunner, Result

from stackyard.cli.main import app
from stackyard.cmdb.models import ApiToken, Environment, Run, RunEvent
from stackyard.settings import get_settings

Stackyard = Callable[..., Result]


@pytest.fixture
def org(transactional_db: None) -> Organisation:
    return make_organisation()


@pytest.fixture
def server(org: Organisation) -> Iterator[str]:
    """The application on a free port, in a thread of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config("stackyard.site.asgi:application", lifespan="off", log_config=None)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def stackyard(server: str, org: Organisation, monkeypatch: pytest.MonkeyPatch) -> Stackyard:
    """The command, run as the requester of the first department."""
    monkeypatch.setenv("STACKYARD_URL", server)
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.requester, "test")[1])
    return lambda *arguments, **options: CliRunner().invoke(app, list(arguments), **options)


def create(stackyard: Stackyard, name: str = "dev", *more: str) -> Result:
    return stackyard("env", "create", "shop", "ecs-service", name, *more)


def end(run: Run, status: str, environment_status: str, **changes: Any) -> None:
    """What a worker would write at the end of a run."""
    RunEvent.objects.create(run=run, stage="apply", message="module.service: created [not markup]")
    run.stages.update(status="done", started_at=timezone.now(), finished_at=timezone.now())
    Environment.objects.filter(pk=run.environment_id).update(status=environment_status, ready_at=timezone.now())
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=timezone.now(), **changes)


def end_soon(status: str, environment_status: str, **changes: Any) -> threading.Thread:
    """A worker's stand-in: ends the first run that appears."""

    def work() -> None:
        from django.db import connections

        try:
            while (run := Run.objects.filter(status="queued").first()) is None:
                threading.Event().wait(0.02)
            end(run, status, environment_status, **changes)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_create_types_settings_by_the_pattern(stackyard: Stackyard) -> None:
    result = create(
        stackyard, "dev", "--set", "container.cpu=512", "--set", "container.first_image=123",
        "--set", "container.environment.PORT=8080", "--set", "network.outbound_ports=[443, 5432]",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "shop-dev: create accepted" in result.stdout
    assert Environment.objects.get().settings == {
        "container.cpu": 512,
        "container.first_image": "123",
        "container.environment": {"PORT": "8080"},
        "network.outbound_ports": [443, 5432],
    }


def test_refusals_name_every_field_on_standard_error(stackyard: Stackyard) -> None:
    result = create(stackyard, "Dev!", "--set", "container.cpu=lots", "--set", "container.portt=1")
    assert (result.exit_code, result.stdout) == (2, "")
    for words in ("name: ", "settings.container.cpu: Must be a number.", "settings.container.portt: There is no such"):
        assert words in result.stderr
    assert not Environment.objects.exists()


def test_a_mistyped_name_is_told_with_the_one_that_was_meant_if_one_may_see_it(
    stackyard: Stackyard, org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(stackyard)
    for words, meant in (
        (("env", "show", "shop-dve"), "shop-dev"),
        (("pattern", "show", "ecs-servce"), "ecs-service"),
        (("sandbox", "show", org.sandbox.name[:-1]), org.sandbox.name),
        (("env", "create", "shp", "ecs-service", "x"), "shop"),
        (("env", "create", "shop", "ecs-service", "x", "--set", "cpu=512"), "container.cpu"),
    ):
        assert f"Did you mean '{meant}'?" in stackyard(*words).stderr
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.stranger, "test")[1])
    assert "Did you mean" not in stackyard("env", "show", "shop-dve").stderr


def test_exit_codes_of_other_refusals(stackyard: Stackyard, org: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    assert create(stackyard, "dev", "--set", "container.cpu=lots").exit_code == 2
    assert stackyard("env", "show", "shop-none").exit_code == 3
    assert stackyard("pattern", "show", "none").exit_code == 3
    assert stackyard("run", "show", "999999").exit_code == 3
    create(stackyard)
    assert stackyard("env", "destroy", "shop-dev", "--yes").exit_code == 5
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.viewer, "test")[1])
    assert create(stackyard, "two").exit_code == 4
    monkeypatch.setenv("STACKYARD_TOKEN", "sy_wrong")
    assert stackyard("env", "list").exit_code == 4
    monkeypatch.setenv("STACKYARD_TOKEN", "")
    refused = stackyard("env", "list")
    assert (refused.exit_code, "STACKYARD_TOKEN" in refused.stderr) == (4, True)


def test_a_key_makes_one_environment_however_often_it_is_sent(stackyard: Stackyard) -> None:
    first = json.loads(create(stackyard, "dev", "--idempotency-key", "ci-1", "--json").stdout)
    again = json.loads(create(stackyard, "dev", "--idempotency-key", "ci-1", "--json").stdout)
    assert first["run"]["id"] == again["run"]["id"]
    assert create(stackyard, "other", "--idempotency-key", "ci-1").exit_code == 5


def test_waiting_ends_with_the_run(stackyard: Stackyard) -> None:
    worker = end_soon("succeeded", "ready")
    result = create(stackyard, "dev", "--wait")
    worker.join()
    assert result.exit_code == 0, result.stderr
    assert "apply    module.service: created [not markup]" in result.stdout
    assert "Render the code: done" in result.stdout
    assert "shop-dev: ready" in result.stdout


def test_waiting_for_a_run_that_fails_exits_1_with_the_reason(stackyard: Stackyard) -> None:
    worker = end_soon("failed", "failed", error="AccessDenied: no ECS here.", hint="Ask platform staff.")
    result = create(stackyard, "dev", "--wait", "--json")
    worker.join()
    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "failed", "standard output is JSON and nothing else"
    assert "AccessDenied: no ECS here." in result.stderr
    assert "Ask platform staff." in result.stderr


def test_lists_show_and_logs(stackyard: Stackyard) -> None:
    create(stackyard)
    run = Run.objects.get()
    end(run, "succeeded", "ready")
    Environment.objects.update(outputs={"url": "https://shop-dev.example.com"})

    assert stackyard("env", "list").stdout.split("\t")[:2] == ["shop-dev", "ready"]
    assert stackyard("env", "list", "--status", "failed").stdout == ""
    assert [e["slug"] for e in json.loads(stackyard("env", "list", "--json").stdout)["items"]] == ["shop-dev"]
    shown = stackyard("env", "show", "shop-dev").stdout
    assert "url = https://shop-dev.example.com" in shown
    assert f"Latest run: create {run.pk}, succeeded" in shown
    assert json.loads(stackyard("env", "show", "shop-dev", "--json").stdout)["outputs"]
    assert "module.service: created [not markup]" in stackyard("env", "logs", "shop-dev").stdout
    assert len(json.loads(stackyard("env", "logs", "shop-dev", "--json").stdout)["events"]) == 1
    followed = stackyard("env", "logs", "-f", "shop-dev", "--json")
    assert [json.loads(line)["stage"] for line in followed.stdout.splitlines()] == ["apply"]


def test_a_long_log_comes_whole(stackyard: Stackyard) -> None:
    create(stackyard)
    RunEvent.objects.bulk_create(RunEvent(run=Run.objects.get(), message=f"line {n}") for n in range(1201))
    printed = stackyard("env", "logs", "shop-dev").stdout.splitlines()
    assert (len(printed), printed[-1].endswith("line 1200")) == (1201, True)
    assert len(json.loads(stackyard("env", "logs", "shop-dev", "--json").stdout)["events"]) == 1201


def test_destroy_and_cancel(stackyard: Stackyard) -> None:
    create(stackyard)
    cancelled = stackyard("run", "cancel", str(Run.objects.get().pk))
    assert (cancelled.exit_code, "cancelled" in cancelled.stdout) == (0, True)
    create(stackyard, "two")
    end(Run.objects.get(status="queued"), "succeeded", "ready")
    worker = end_soon("succeeded", "destroyed")
    result = stackyard("env", "destroy", "shop-two", "--yes", "--wait")
    worker.join()
    assert (result.exit_code, "shop-two: destroyed" in result.stdout) == (0, True), result.stderr
    runs = json.loads(stackyard("run", "list", "--environment", "shop-two", "--json").stdout)["items"]
    assert [r["kind"] for r in runs] == ["destroy", "create"]
    assert "destroy of shop-two, succeeded" in stackyard("run", "show", str(runs[0]["id"])).stdout
    assert runs[0]["asked_by"] == "rika over the API"
    Run.objects.filter(pk=runs[0]["id"]).update(via="schedule")
    assert "the schedule, as it had expired" in stackyard("run", "list", "--environment", "shop-two").stdout
    assert "Asked for by the schedule, as it had expired" in stackyard("run", "show", str(runs[0]["id"])).stdout


def test_patterns(stackyard: Stackyard) -> None:
    assert "ecs-service\t" in stackyard("pattern", "list").stdout
    shown = stackyard("pattern", "show", "ecs-service").stdout
    assert "container.cpu\tnumber\t256\tone of 256, 512" in shown
    assert "# " in stackyard("pattern", "show", "ecs-service", "--readme").stdout
    assert json.loads(stackyard("pattern", "show", "ecs-service", "--json").stdout)["parameters"]


def test_doctor_tells_what_works_for_this_person(stackyard: Stackyard, monkeypatch: pytest.MonkeyPatch) -> None:
    well = stackyard("doctor", "--side", "client")
    assert (well.exit_code, "rika: requester in commerce" in well.stdout) == (0, True), well.stdout
    monkeypatch.setenv("STACKYARD_TOKEN", "sy_wrong")
    ill = stackyard("doctor", "--side", "client", "--json")
    assert ill.exit_code == 6
    assert [f["name"] for f in json.loads(ill.stdout) if not f["ok"]] == ["token"]


def test_doctor_on_the_servers_machine_misses_a_worker(stackyard: Stackyard) -> None:
    with connection.cursor() as cursor:  # the tables of the queue are not emptied between tests
        cursor.execute("DELETE FROM procrastinate_workers")
    result = stackyard("doctor", "--side", "server", "--json")
    found = {f["name"]: f for f in json.loads(result.stdout)}
    assert found["migrations"]["ok"]
    assert found["git"]["ok"]
    assert found["terraform"]["ok"]
    assert not found["workers"]["ok"]
    assert "stackyard worker" in found["workers"]["fix"]


@pytest.mark.parametrize("text", ["${path.module}", '"; rm -rf /', "\u202e", "\udcff", "../me", "a/b?c#d", "x" * 5000])
def test_nasty_arguments_are_refused_and_never_a_defect(stackyard: Stackyard, text: str) -> None:
    commands = [
        ["env", "create", text, "ecs-service", "dev"],
        ["env", "create", "shop", text, "dev"],
        ["env", "create", "shop", "ecs-service", text],
        ["env", "create", "shop", "ecs-service", "dev", "--sandbox", text],
        ["env", "create", "shop", "ecs-service", "dev", "--idempotency-key", text],
        ["env", "create", "shop", "ecs-service", "dev", "--set", f"container.first_image={text}"],
        ["env", "create", "shop", "ecs-service", "dev", "--set", f"{text}=1"],
        ["env", "create", "shop", text, "dev", "--set", "a=1"],
        ["env", "show", text],
        ["env", "list", "--product", text],
        ["pattern", "show", text],
    ]
    for command in commands:
        result = stackyard(*command)
        if "--idempotency-key" in command and result.exit_code == 0:
            continue  # some of them can be kept
        assert result.exit_code in (2, 3), (command, result.stdout, result.stderr)
        assert result.stdout == ""
    assert stackyard("env", "list", text).exit_code in (0, 2)


def test_a_change_shows_its_difference_and_its_plan_wants_an_answer(
    stackyard: Stackyard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "data", tmp_path)
    create(stackyard)
    keep(ready(Run.objects.get()).environment, tmp_path)

    shown = stackyard("env", "change", "shop-dev", "--set", "container.environment.MODE=dev", "--diff")
    assert shown.exit_code == 0, shown.stderr
    assert any(line.startswith("+") and "MODE" in line for line in shown.stdout.splitlines())
    wrong = stackyard("env", "change", "shop-dev", "--set", "container.cpu=3", "--set", "nope=1")
    assert wrong.exit_code == 2
    assert "settings.container.cpu" in wrong.stderr
    assert "settings.nope" in wrong.stderr
    assert Run.objects.count() == 1

    begun = stackyard("env", "change", "shop-dev", "--set", "container.environment.MODE=dev")
    assert begun.exit_code == 0, begun.stderr
    run = Run.objects.latest("id")
    change = {"address": "aws_db_instance.this", "type": "aws_db_instance", "action": "replace", "attributes": []}
    plan = {"destructive": True, "digest": "d", "summary": "1 to replace", "changes": [{**change, "destructive": True}]}
    Run.objects.filter(pk=run.pk).update(status="waiting", plan=plan)
    unasked = stackyard("run", "approve", str(run.pk))
    assert unasked.exit_code == 2
    assert "aws_db_instance.this (what is in it is lost)" in unasked.stdout
    assert f"stackyard run reject {run.pk}" in unasked.stderr
    approved = stackyard("run", "approve", str(run.pk), "--confirm", "shop-dev")
    assert approved.exit_code == 0, approved.stderr
    Run.objects.filter(pk=run.pk).update(status="waiting")
    assert "Nothing was applied." in stackyard("run", "reject", str(run.pk)).stdout


def test_the_schema_of_a_file(stackyard: Stackyard) -> None:
    file = get_settings().patterns / "ecs-service" / "locals.tf"
    found = json.loads(stackyard("hcl", "schema", str(file)).stdout)
    assert found["properties"]["container.cpu"]["default"] == 256
    assert stackyard("hcl", "schema", "-", input="locals {").exit_code == 2


def test_what_is_gone_shows_no_outputs_and_no_path(stackyard: Stackyard) -> None:
    create(stackyard)
    gone = {"outputs": {"url": "https://gone.example.com"}, "status": "destroyed", "destroyed_at": timezone.now()}
    Environment.objects.update(**gone)
    result = stackyard("env", "show", "shop-dev")
    assert "Destroyed" in result.stdout
    assert "gone.example.com" not in result.stdout


def test_a_list_that_nothing_fits_says_that_it_was_filtered(stackyard: Stackyard) -> None:
    assert "env create" in stackyard("env", "list").stderr
    assert "None fits" in stackyard("env", "list", "--product", "shop").stderr
    assert "None fits" in stackyard("run", "list", "--status", "failed").stderr
