"""Two hundred viewers of one run cost one read per line, and nobody gets what was read before they asked."""

import asyncio

import pytest

from stackyard.runs import live
from stackyard.runs.live import Hub, News


def test_viewers_who_ask_together_share_a_read_and_who_asks_later_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[tuple[int, int]] = []
    slow = asyncio.Event()

    async def read(function: object, run_id: int, after: int) -> News:
        reads.append((run_id, after))
        number = len(reads)
        if number == 1:
            await slow.wait()
        return {"read": number}, after, False

    monkeypatch.setattr(live, "in_database", read)
    monkeypatch.setattr(live, "GATHER_SECONDS", 0)

    async def story() -> list[int]:
        hub = Hub()
        early = [asyncio.create_task(hub.read(7, 0)) for _ in range(200)]
        while not reads:
            await asyncio.sleep(0)
        late = asyncio.create_task(hub.read(7, 0))
        other = asyncio.create_task(hub.read(7, 3))
        found = [(await late)[0]["read"], (await other)[0]["read"]]
        slow.set()
        return [*{(await task)[0]["read"] for task in early}, *sorted(found)]

    assert asyncio.run(story()) == [1, 2, 3]
    assert sorted(reads) == [(7, 0), (7, 0), (7, 3)]
