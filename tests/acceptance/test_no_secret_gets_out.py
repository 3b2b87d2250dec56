"""Planted secrets are in no page, answer, log, file, row or commit; only in AWS, and in Terraform's own state."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from stackyard.cmdb.models import ApiToken, Environment, Run
from stackyard.cmdb.sealing import unseal
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker
from tests.acceptance.faults import until
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
TOKEN = 'canary-"token"-3f1c/+x'
PARTNER = "canary-partner-77aa"
OWN = "canary-of-the-worker-5b2d"


@pytest.fixture
def patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vault").symlink_to(FIXTURES / "vault")
    monkeypatch.setattr(get_settings(), "patterns", tmp_path)
    monkeypatch.setenv("STACKYARD_PATTERNS", str(tmp_path))
    monkeypatch.setenv("STACKYARD_LOG_LEVEL", "DEBUG")
    for name in ("AWS_SECRET_ACCESS_KEY", "CANARY_PASSWORD", "TF_VAR_unasked"):
        monkeypatch.setenv(name, OWN)


def ended(run: Run) -> Run:
    until(lambda: not Run.objects.get(pk=run.pk).is_active, f"the run ends\n{log_of(run)}")
    return Run.objects.get(pk=run.pk)


def every_row() -> Iterator[tuple[str, str]]:
    """All tables but Terraform's states, row by row as text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            " AND table_schema NOT IN ('pg_catalog', 'information_schema') AND table_schema NOT LIKE 'env\\_%%'"
        )
        for schema, table in cursor.fetchall():
            name = f"{connection.ops.quote_name(schema)}.{connection.ops.quote_name(table)}"
            cursor.execute(f"SELECT t::text FROM {name} t")  # noqa: S608
            yield from ((f"table {table}", row[0]) for row in cursor.fetchall())


def every_page(yard: Yard, token: str) -> Iterator[tuple[str, str]]:
    browser, program = Client(), Client(headers={"Authorization": f"Bearer {token}"})
    browser.force_login(yard.user)
    paths = ["/", "/environments/", "/runs/", "/patterns/vault/", "/notices/"]
    asked = ["/api/environments", "/api/runs", "/api/patterns/vault"]
    for env in Environment.objects.all():
        paths += [f"/environments/{env.uid}/", f"/environments/{env.uid}/change/"]
        asked.append(f"/api/environments/{env.slug}")
    for run in Run.objects.all():
        paths += [f"/runs/{run.pk}/", f"/runs/{run.pk}/log.txt"]
        asked += [f"/api/runs/{run.pk}", f"/api/runs/{run.pk}/events"]
    for who, path in [*((browser, p) for p in paths), *((program, p) for p in asked)]:
        answer = who.get(path)
        assert answer.status_code in (200, 302, 404, 409), f"{path}: {answer.status_code}"
        yield path, answer.getvalue().decode()


def every_file() -> Iterator[tuple[str, str]]:
    """The record with its history, and what is left of work folders."""
    data = get_settings().data.resolve()
    history = ["git", "-C", str(data / "record"), "log", "--all", "-p", "--format=fuller"]
    yield "git", subprocess.run(history, capture_output=True, text=True, check=True).stdout
    for folder in (data / "record", data / "work"):
        for file in folder.rglob("*"):
            if file.is_file() and not file.is_symlink():
                yield str(file.relative_to(data)), file.read_text(errors="replace")


def test_planted_secrets_are_nowhere_but_in_aws_and_in_terraforms_state(
    yard: Yard, patterns: None, start_worker: StartWorker, capfd: pytest.CaptureFixture[str]
) -> None:
    token = ApiToken.issue(yard.user, "canary")[1]
    program = Client(headers={"Authorization": f"Bearer {token}"})
    start_worker()

    def ask(name: str) -> Run:
        settings = {"token": TOKEN, "keys": {"partner": PARTNER}}
        body = {"product": "shop", "pattern": "vault", "name": name, "settings": settings}
        answer = program.post("/api/environments", body, "application/json", headers={"Idempotency-Key": name})
        assert answer.status_code == 202, answer.content
        return ended(Run.objects.get(pk=answer.json()["run"]["id"]))

    # AWS quotes what it refuses, in every form.
    quoted = " ".join((TOKEN, json.dumps(TOKEN), quote(TOKEN), base64.b64encode(TOKEN.encode()).decode(), PARTNER))
    yard.emulator.fail("sqs:CreateQueue", code="InvalidParameterValue", message=f"Refused: {quoted}", status=400)
    failed = ask("broken")
    assert failed.status == "failed", log_of(failed)
    assert "Refused: (hidden)" in failed.error
    yard.emulator.clear_faults()

    run = ask("dev")
    assert run.status == "succeeded", run.error + log_of(run)
    env = Environment.objects.get(slug="shop-dev")
    wish = ChangeRequest(set={"delay_seconds": 5})
    changed = ended(changes.change(yard.user, env, wish, via="api"))
    assert changed.status == "succeeded", changed.error + log_of(changed)

    made_up = unseal(env.sealed)["password"]
    ssm = yard.access(env.sandbox).client("ssm")
    held = {n: ssm.get_parameter(Name=f"/shop-dev/{n}", WithDecryption=True) for n in ("token", "partner", "password")}
    assert {n: p["Parameter"]["Value"] for n, p in held.items()} == {
        "token": TOKEN, "partner": PARTNER, "password": made_up,
    }, "they did reach AWS"  # fmt: skip

    secrets = {TOKEN, json.dumps(TOKEN)[1:-1], quote(TOKEN), quote(TOKEN, safe=""), PARTNER, OWN, made_up, token}
    secrets.add(base64.b64encode(TOKEN.encode()).decode().rstrip("="))
    logs = [("worker's log", "".join(capfd.readouterr()))]
    places = [*every_row(), *every_page(yard, token), *every_file(), *logs]
    assert [(place, secret) for place, text in places for secret in secrets if secret in text] == []
    assert any(env.uid in text for place, text in places if place.startswith("table")), "the search does find things"
    assert "working" in logs[0][1]
    assert os.environ["CANARY_PASSWORD"] == OWN
