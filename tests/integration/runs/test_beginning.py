"""A run that cannot be begun ends and says why; no worker takes it up again and again."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from django.db import OperationalError
from tests.factories import make_organisation

from stackyard.cmdb.models import Environment, Run, RunKind, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Unusable
from stackyard.runs import walker
from stackyard.runs.lease import Lease, claim, finish
from stackyard.runs.queue import enqueue
from stackyard.settings import Settings


@pytest.fixture
def lease(transactional_db: None) -> Lease:
    run = create(make_organisation().requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    return lease


def test_a_work_folder_that_cannot_be_made(lease: Lease, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    asyncio.run(walker.carry(lease, Settings(data=tmp_path)))
    run = Run.objects.get(pk=lease.run_id)
    assert run.status == "attention"
    assert "NotADirectoryError" in run.error
    assert run.hint
    assert Environment.objects.get().status == "attention"


def test_a_full_disk_is_called_that(lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "build_context", failing(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    asyncio.run(walker.carry(lease, Settings(data=tmp_path)))
    run = Run.objects.get(pk=lease.run_id)
    assert run.status == "attention"
    assert "disk of the worker's machine is full" in run.error


def test_a_database_that_is_away_ends_nothing(lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walker, "build_context", failing(OperationalError("the database system is shutting down")))
    with pytest.raises(OperationalError):
        asyncio.run(walker.carry(lease, Settings(data=tmp_path)))
    assert Run.objects.get(pk=lease.run_id).status == "running", "another worker goes on with it"


def test_a_change_that_cannot_be_begun_leaves_the_environment_what_it_was(
    lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(lease, RunStatus.SUCCEEDED)
    environment = Environment.objects.get()
    run = enqueue(environment, RunKind.CHANGE, environment.owner, via="api")
    again = claim(run.pk, "one", 20)
    assert again is not None
    monkeypatch.setattr(walker, "build_context", failing(Unusable("No usable Terraform.")))
    asyncio.run(walker.carry(again, Settings(data=tmp_path)))
    run.refresh_from_db()
    assert (run.status, run.error) == ("failed", "No usable Terraform.")
    assert run.hint, "what to do"
    assert Environment.objects.get().status == "ready"


def failing(error: Exception) -> object:
    async def build_context(*_: object) -> None:
        raise error

    return build_context
