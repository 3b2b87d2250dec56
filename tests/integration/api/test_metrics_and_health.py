"""Numbers for Prometheus, and what balancers and supervisors ask."""

import re
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pydantic import SecretStr
from tests.factories import make_organisation

from stackyard.api import metrics
from stackyard.cmdb.models import Environment, Run, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.lease import claim, finish
from stackyard.settings import PROJECT_ROOT, get_settings

SAMPLE = re.compile(r'stackyard_[a-z_]+(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? [0-9.e+-]+')


@pytest.fixture
def built(db: None) -> Run:
    org = make_organisation()
    run = create(org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    run.stages.update(status="done", started_at=timezone.now(), finished_at=timezone.now())
    finish(lease, RunStatus.SUCCEEDED)
    Environment.objects.update(expires_at=timezone.now())
    second = create(org.requester, CreateRequest("shop", "ecs-worker", "two"), via="api")
    assert claim(second.pk, "one", 20) is not None
    return run


def text(client: Client) -> str:
    response = client.get("/metrics")
    assert response.status_code == 200
    return response.content.decode()


def test_every_line_is_of_the_format_and_histograms_add_up(client: Client, built: Run) -> None:
    lines = text(client).splitlines()
    assert all(line.startswith("# ") or SAMPLE.fullmatch(line) for line in lines)
    samples = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    values = dict(samples)
    assert len(values) == len(samples), "each only once"
    assert values['stackyard_runs{pattern="ecs-worker",kind="create",status="succeeded"}'] == "1"
    assert values['stackyard_stage_seconds_bucket{stage="apply",le="+Inf"}'] == "1"
    assert values['stackyard_stage_seconds_count{stage="apply"}'] == "1"
    assert values["stackyard_queue_wait_seconds_count"] == "2"
    assert values["stackyard_expiries_due"] == "1"
    assert values["stackyard_workers"] == "0"


def test_others_need_the_token(client: Client, built: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 401
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="192.0.2.1").status_code == 401, "a proxy on this machine"
    given = get_settings().model_copy(update={"metrics_token": SecretStr("a-token-for-metrics")})
    monkeypatch.setattr(metrics, "get_settings", lambda: given)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer another").status_code == 401
    assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer a-token-for-metrics").status_code == 200


def test_health_tells_of_the_process_and_readiness_of_what_it_needs(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["database"], ready.json()["worker"]) == (200, True, False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    assert client.get("/readyz").json()["worker"] is True
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'cmdb'")
    assert client.get("/readyz").status_code == 503


def test_without_the_database_it_lives_and_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> None:
            raise OperationalError("away")

    monkeypatch.setattr("stackyard.api.health.connection", Away())
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_every_metric_is_explained() -> None:
    page = (Path(PROJECT_ROOT) / "docs" / "operations.md").read_text()
    source = Path(metrics.__file__).read_text()
    names = set(re.findall(r'Metric\(\s*"([a-z_]+)"', source))
    assert len(names) >= 10
    assert {name for name in names if f"`stackyard_{name}`" not in page} == set()
