"""The live log: for those who may see the run, from where a viewer left off, the same for two hundred of them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import Run, RunEvent, RunStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs import live
from stackyard.runs.database import in_database
from stackyard.runs.lease import Lease, claim, finish
from stackyard.runs.log import RunLog

VIEWERS = 200


@pytest.fixture
def org(transactional_db: None) -> Organisation:
    return make_organisation()


@pytest.fixture
def run(org: Organisation) -> Run:
    return create(org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def begun(run: Run, *lines: str) -> Lease:
    lease = claim(run.pk, "one", 60)
    assert lease is not None
    for line in lines:
        RunEvent.objects.create(run=run, stage="plan", message=line)
    return lease


class Viewer:
    """One connection, as a browser holds it."""

    def __init__(self, run: Run, **headers: str) -> None:
        self.status = 0
        self.ended = False
        self.text = ""
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": f"/live/runs/{run.pk}",
            "query_string": b"after=0",
            "headers": [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()],
        }

    async def watch(self) -> "Viewer":
        """Until the server ends it."""

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, Any]) -> None:
            self.status = message.get("status", self.status)
            self.text += message.get("body", b"").decode()
            self.ended = not message.get("more_body", True)

        async def nobody(*_: object) -> None:
            raise AssertionError("the live log answers by itself")

        await live.with_live_log(nobody)(self._scope, receive, send)
        return self

    @property
    def lines(self) -> list[str]:
        """What it was told of the log, in order."""
        told = [json.loads(row[6:]) for row in self.text.splitlines() if row.startswith("data: ")]
        return [event["message"] for message in told for event in message.get("events", ())]

    @property
    def last_id(self) -> str:
        """What a browser sends when it comes again."""
        return [row[4:] for row in self.text.splitlines() if row.startswith("id: ")][-1]


def seen(viewer: Viewer) -> Viewer:
    async def within() -> Viewer:
        async with asyncio.timeout(30):
            return await viewer.watch()

    return asyncio.run(within())


def test_only_who_may_see_the_run_sees_its_log(org: Organisation, run: Run) -> None:
    finish(begun(run, "one"), RunStatus.SUCCEEDED)
    assert seen(Viewer(run, cookie=cookie_of(org.viewer))).lines == ["one"]
    client = Client()
    client.force_login(org.requester)
    signed_out = f"sessionid={client.cookies['sessionid'].value}"
    client.logout()
    left = cookie_of(org.platform)
    User.objects.filter(pk=org.platform.pk).update(is_active=False)
    for cookie in ("", "sessionid=made-up", signed_out, left, cookie_of(org.stranger)):
        refused = seen(Viewer(run, cookie=cookie))
        assert (refused.status, refused.lines) == (404, []), cookie


def test_a_dropped_connection_goes_on_after_the_last_line_that_was_seen(org: Organisation, run: Run) -> None:
    lease = begun(run, "one", "two")
    cookie = cookie_of(org.viewer)
    first = Viewer(run, cookie=cookie)

    async def drop_and_come_again() -> Viewer:
        watching = asyncio.create_task(first.watch())
        while len(first.lines) < 2:
            await asyncio.sleep(0.05)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await in_database(RunEvent.objects.create, run=run, stage="plan", message="three")
        await in_database(finish, lease, RunStatus.SUCCEEDED)
        return await Viewer(run, cookie=cookie, last_event_id=first.last_id).watch()

    again = asyncio.run(asyncio.wait_for(drop_and_come_again(), 30))
    assert (first.lines, again.lines) == (["one", "two"], ["three"])
    assert again.text.endswith("event: end\ndata: {}\n\n")


def test_two_hundred_viewers_are_told_every_line_once(org: Organisation, run: Run) -> None:
    lease = begun(run)
    cookie = cookie_of(org.viewer)
    wanted = [f"line {number}" for number in range(40)]

    async def write_and_watch() -> list[Viewer]:
        watching = [asyncio.create_task(Viewer(run, cookie=cookie).watch()) for _ in range(VIEWERS)]
        log = RunLog(lease)
        pump = asyncio.create_task(log.pump())
        for line in wanted:
            log.write(line)
            await asyncio.sleep(0.02)
        log.close()
        await pump
        await in_database(finish, lease, RunStatus.SUCCEEDED)
        async with asyncio.timeout(40):
            return await asyncio.gather(*watching)

    viewers = asyncio.run(write_and_watch())
    assert [v.lines for v in viewers] == [wanted] * VIEWERS
    assert all(v.ended for v in viewers)


def test_who_loses_the_right_while_watching_sees_no_more(
    org: Organisation, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEEP_ALIVE_SECONDS", 0.3)
    lease = begun(run, "one")
    viewer = Viewer(run, cookie=cookie_of(org.viewer))

    async def until(condition: Callable[[], bool]) -> None:
        while not condition():
            await asyncio.sleep(0.05)

    async def story() -> None:
        watching = asyncio.create_task(viewer.watch())
        await until(lambda: viewer.lines == ["one"])
        await in_database(User.objects.filter(pk=org.viewer.pk).update, is_active=False)
        await watching

    asyncio.run(asyncio.wait_for(story(), 30))
    assert viewer.ended
    RunEvent.objects.create(run=run, stage="plan", message="two")
    finish(lease, RunStatus.SUCCEEDED)
    assert viewer.lines == ["one"]
