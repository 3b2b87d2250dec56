"""The live log: Server-Sent Events straight from ASGI, ahead of Django, so that a stream holds no thread.

`GET /live/runs/<id>?after=<event id>` (or the Last-Event-ID header, which browsers send when they reconnect) answers
with messages whose data is JSON: `{"events": [...], "stages": [...], "status": ..., "done": bool}`. One connection per
process listens on PostgreSQL and wakes the viewers of a run.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import psycopg
import structlog
from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Run, RunEvent
from stackyard.database.connection import database_url
from stackyard.errors import NotFound
from stackyard.runs.database import in_database
from stackyard.runs.lease import CHANNEL
from stackyard.settings import get_settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

PREFIX = "/live/runs/"
PAGE = 500
"""Lines in one message at most."""
KEEP_ALIVE_SECONDS = 15.0
GATHER_SECONDS = 0.02
"""So long viewers who were woken together have to ask for the same."""

News = tuple[dict[str, Any], int, bool]
"""A message for viewers, the id of the last event in it, and whether more waits."""

log = structlog.get_logger()


class Hub:
    """Wakes those who watch a run. One LISTEN connection per process, made when the first viewer comes."""

    def __init__(self) -> None:
        self._viewers: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._reads: dict[tuple[int, int], asyncio.Task[News]] = {}

    def join(self, run_id: int) -> asyncio.Event:
        """An event that is set whenever the run changed."""
        event = asyncio.Event()
        self._viewers[run_id].add(event)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        return event

    def leave(self, run_id: int, event: asyncio.Event) -> None:
        """No longer interested."""
        self._viewers[run_id].discard(event)
        if not self._viewers[run_id]:
            del self._viewers[run_id]

    async def read(self, run_id: int, after: int) -> News:
        """As `read_since`, read once for all viewers who ask at the same time: two hundred of one run are woken by the
        same line."""
        key = (run_id, after)
        if key not in self._reads:
            self._reads[key] = asyncio.create_task(self._read_soon(key))
        return await asyncio.shield(self._reads[key])

    async def _read_soon(self, key: tuple[int, int]) -> News:
        await asyncio.sleep(GATHER_SECONDS)
        del self._reads[key]  # who asks from now on needs what is written from now on
        return await in_database(read_since, *key)

    async def _listen(self) -> None:
        while self._viewers:
            try:
                async with await psycopg.AsyncConnection.connect(
                    database_url(get_settings()), dbname=_database_name(), autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._wake_all()  # something may have happened while nobody listened
                    while self._viewers:
                        async for notice in connection.notifies(timeout=KEEP_ALIVE_SECONDS):
                            for event in self._viewers.get(int(notice.payload), ()):
                                event.set()
            except psycopg.OperationalError as error:
                log.warning("live log lost the database, trying again", error=str(error))
                await asyncio.sleep(1)

    def _wake_all(self) -> None:
        for events in self._viewers.values():
            for event in events:
                event.set()


hub = Hub()


def _database_name() -> str:
    """Django's own name for the database: in tests it is not the one in the address."""
    return str(django_settings.DATABASES["default"]["NAME"])


def with_live_log(application: Application) -> Application:
    """Put the live log in front of an ASGI application."""

    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await _serve(scope, receive, send)
        else:
            await application(scope, receive, send)

    return route


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        run_id = int(scope["path"][len(PREFIX) :].strip("/"))
        after = int(headers.get("last-event-id") or parse_qs(scope["query_string"].decode()).get("after", ["0"])[0])
    except ValueError:
        return await _refuse(send, 404, "There is no such live log.")
    if scope["method"] != "GET":
        return await _refuse(send, 405, "Use GET.")

    async def may_watch() -> bool:
        return await in_database(_may_watch, headers.get("cookie", ""), run_id)

    if not await may_watch():
        return await _refuse(send, 404, "There is no such run that you can see; sign in first.")
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
                (b"x-content-type-options", b"nosniff"),
            ],
        }
    )
    changed = hub.join(run_id)
    stream = asyncio.create_task(_stream(run_id, after, changed, send, may_watch))
    gone = asyncio.create_task(_until_disconnect(receive))
    try:
        await asyncio.wait({stream, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stream, gone):
            task.cancel()
        await asyncio.gather(stream, gone, return_exceptions=True)
        hub.leave(run_id, changed)


async def _stream(
    run_id: int, after: int, changed: asyncio.Event, send: Send, may_watch: Callable[[], Awaitable[bool]]
) -> None:
    last: dict[str, Any] | None = None
    asked = time.monotonic()
    while True:
        if time.monotonic() - asked > KEEP_ALIVE_SECONDS:  # who signed out, or lost the right, sees no more of it
            asked = time.monotonic()
            if not await may_watch():
                return await send({"type": "http.response.body", "body": b"", "more_body": False})
        changed.clear()
        message, after, more = await hub.read(run_id, after)
        if message["events"] or {**message, "events": None} != last:
            last = {**message, "events": None}
            await _send(send, f"id: {after}\ndata: {json.dumps(message)}\n\n")
        if message["done"] and not more:
            await send({"type": "http.response.body", "body": b"event: end\ndata: {}\n\n", "more_body": False})
            return
        if more:
            continue
        try:
            await asyncio.wait_for(changed.wait(), KEEP_ALIVE_SECONDS)
        except TimeoutError:
            await _send(send, ": still here\n\n")


def read_since(run_id: int, after: int) -> News:
    """What a viewer who has seen events up to `after` has to be told: (message, last event id, whether more waits).

    The run is read before its log: a run that reads as ended has all its lines written already.
    """
    run = Run.objects.get(pk=run_id)
    stages = [
        {
            "name": s.name,
            "title": s.title,
            "status": s.status,
            "started": s.started_at.isoformat() if s.started_at else None,
            "seconds": round(s.seconds, 1) if s.seconds is not None and s.finished_at else None,
        }
        for s in run.stages.all()
    ]
    rows = list(RunEvent.objects.filter(run_id=run_id, id__gt=after).order_by("id")[: PAGE + 1])
    events = [
        {
            "id": e.pk,
            "at": timezone.localtime(e.at).strftime("%H:%M:%S"),
            "stage": e.stage,
            "level": e.level,
            "message": e.message,
            "address": e.address,
        }
        for e in rows[:PAGE]
    ]
    message = {
        "events": events,
        "stages": stages,
        "status": run.status,
        "status_title": run.get_status_display(),
        "error": run.error,
        "hint": run.hint,
        "done": not run.is_active,
    }
    return message, (rows[: len(events)][-1].pk if events else after), len(rows) > PAGE


def _may_watch(cookie_header: str, run_id: int) -> bool:
    """The same rights as the page: a signed-in person who may see the run."""
    cookie = SimpleCookie(cookie_header).get(django_settings.SESSION_COOKIE_NAME)
    if cookie is None:
        return False
    session = SessionStore(cookie.value)
    user_model = get_user_model()
    user = user_model.objects.filter(pk=session.get(SESSION_KEY) or 0, is_active=True).first()
    if user is None or session.get("_auth_user_hash") != user.get_session_auth_hash():
        return False
    try:
        rights.find(user, Run.objects.all(), pk=run_id)
    except NotFound:
        return False
    return True


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _refuse(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
