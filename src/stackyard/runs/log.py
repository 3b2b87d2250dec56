"""The run log: lines gathered for a moment, written in one transaction under the lease, announced by NOTIFY."""

import asyncio
import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from django.db import connection, transaction
from django.utils import timezone

from stackyard.cmdb.models import RunEvent
from stackyard.runs.database import in_database
from stackyard.runs.lease import CHANNEL, Lease, hold

GATHER_SECONDS = 0.1
"""After each write the next one waits this long, so that a chatty plan costs ten transactions a second and not
hundreds."""

SHORTEST_SECRET = 6
MAX_LINE = 4000
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def forms_of(secret: str) -> set[str]:
    """A secret as it may stand in a text: as it is, inside JSON, in an address, in base64. Empty for one so short that
    ordinary words would be hidden."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    in_json = json.dumps(secret)[1:-1]
    in_base64 = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, in_json, json.dumps(in_json)[1:-1], quote(secret, safe=""), quote(secret), in_base64}


class RunLog:
    """The log of one run. `hidden` are values that must never appear in it."""

    def __init__(self, lease: Lease, hidden: Iterable[str] = ()) -> None:
        self._lease = lease
        self._hidden = sorted({form for value in hidden for form in forms_of(value)}, key=len, reverse=True)
        self._waiting: list[RunEvent] = []
        self._wanted = asyncio.Event()
        self._turn = asyncio.Lock()
        self._closing = False
        self.stage = ""

    def hide(self, value: str) -> None:
        """From now on this value is shown as (hidden)."""
        self._hidden = sorted({*self._hidden, *forms_of(value)}, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """The text without hidden values, control characters and excess."""
        for value in self._hidden:
            text = text.replace(value, "(hidden)")
        text = _UNWANTED.sub("", text)
        return text if len(text) <= MAX_LINE else text[:MAX_LINE] + " …"

    def write(self, message: str, *, level: str = "info", address: str = "") -> None:
        """Add a line; returns at once."""
        self._waiting.append(
            RunEvent(
                run_id=self._lease.run_id,
                at=timezone.now(),
                stage=self.stage,
                level=level,
                message=self.clean(message),
                address=address[:300],
            )
        )
        self._wanted.set()

    async def pump(self) -> None:
        """Write waiting lines until closed. Runs beside the stages, as a task."""
        while not (self._closing and not self._waiting):
            await self._wanted.wait()
            self._wanted.clear()
            await self.flush()
            if not self._closing:
                await asyncio.sleep(GATHER_SECONDS)

    async def flush(self) -> None:
        """Write what waits, now, and after what is being written. Raises LeaseLost when another worker has the run."""
        async with self._turn:
            batch, self._waiting = self._waiting, []
            if batch:
                await in_database(_write, self._lease, batch)

    def close(self) -> None:
        """Let `pump` end after the last line."""
        self._closing = True
        self._wanted.set()


def _write(lease: Lease, batch: list[RunEvent]) -> None:
    with transaction.atomic():
        hold(lease)
        RunEvent.objects.bulk_create(batch)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(lease.run_id)])
