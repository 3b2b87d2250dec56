"""Many environments at the same time, with workers that are killed all the while: none is lost, none built twice at
once, and no sandbox has more runs at work than it may."""

import os
from pathlib import Path

import pytest
from bench.crowd import Crowd, Workers, carry, judge, most_at_once, overlaps, write_pattern

from stackyard.settings import get_settings
from tests.acceptance.conftest import WORKER, _end_sessions

CROWD = Crowd(environments=40, sandboxes=8, cap=2)
LEASE_SECONDS = 3


@pytest.mark.long
@pytest.mark.journey
def test_a_crowd_with_dying_workers(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pattern(tmp_path / "patterns")
    monkeypatch.setenv("STACKYARD_PATTERNS", str(tmp_path / "patterns"))
    get_settings.cache_clear()
    workers = Workers(
        {
            "DATABASE_URL": os.environ["DATABASE_URL"],
            "STACKYARD_DATA": str(tmp_path),
            "STACKYARD_LEASE_SECONDS": str(LEASE_SECONDS),
            "BENCH_PACE": "0.3",
            "PGAPPNAME": WORKER,
        },
        tmp_path / "workers.log",
    )
    try:
        workers.start(3)
        runs = CROWD.ask()
        carry(workers, runs, kill_every=2, patience=120)
    finally:
        workers.stop()
        _end_sessions()
        get_settings.cache_clear()

    found = judge(CROWD, runs, tmp_path, workers.killed)
    assert workers.killed, f"or it proves nothing: {found}"
    assert found["succeeded"] == CROWD.environments, found
    assert (found["overlaps"], found["caps broken"], found["not succeeded"]) == (0, 0, 0)


def test_the_judge_sees_overlaps_and_broken_caps(tmp_path: Path) -> None:
    assert most_at_once([(0, 2), (1, 3), (2, 4)]) == 2
    line = '{"folder": "abc-1", "what": "%s", "command": "apply", "at": %s}\n'
    (tmp_path / "1.jsonl").write_text(line % ("begin", 1) + line % ("end", 2) + line % ("begin", 5))
    (tmp_path / "2.jsonl").write_text(line % ("begin", 6) + line % ("end", 7))
    assert overlaps(tmp_path, {1: 6.5}) == 1
    assert overlaps(tmp_path, {1: 5.5}) == 0
