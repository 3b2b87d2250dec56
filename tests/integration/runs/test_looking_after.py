"""What a worker does beside its runs: one thing that cannot be done keeps nothing else from being done."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone
from procrastinate.contrib.django import app
from tests.factories import make_organisation

from stackyard.cmdb.models import Environment, Notice, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs import worker
from stackyard.runs.database import in_database
from stackyard.runs.lease import claim, finish
from stackyard.settings import Settings


def fails() -> None:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("broken", ["_forgotten", "end_overdue", "sweep"])
def test_what_has_expired_is_told_although_something_else_fails(
    transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    run = create(make_organisation().requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    lease = claim(run.pk, "one", 20)
    assert lease is not None
    finish(lease, RunStatus.SUCCEEDED)
    Environment.objects.update(expires_at=timezone.now() - dt.timedelta(minutes=1))
    monkeypatch.setattr(worker, broken, lambda *_: fails())

    async def look_once() -> None:
        own = app.with_connector(app.connector.get_worker_connector())  # type: ignore[attr-defined]
        async with own.open_async():
            looking = asyncio.create_task(worker._look_after(own, Settings(data=tmp_path)))
            try:
                async with asyncio.timeout(10):
                    while not await in_database(Notice.objects.exists):
                        await asyncio.sleep(0.1)
            finally:
                looking.cancel()

    asyncio.run(look_once())
    assert Notice.objects.get().kind == Notice.Kind.EXPIRED
