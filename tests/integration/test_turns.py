"""A lock that outlives neither the death nor the sleep of its holder."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackyard.errors import Unavailable
from stackyard.record import turns
from stackyard.record.turns import taken

HOLD = """
import sys, time
from pathlib import Path
from stackyard.record.turns import taken
with taken(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.send_signal(signal.SIGCONT)
    child.kill()
    child.wait()


def test_one_that_works_is_waited_for_and_named(
    tmp_path: Path, holder: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "ASLEEP_SECONDS", 0.1)
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(Unavailable, match=f"Process {holder.pid} has held lock"), taken(tmp_path / "lock"):
        pass


def test_one_that_was_killed_has_given_it_back(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    with taken(tmp_path / "lock"):
        pass


def test_from_one_that_sleeps_it_is_taken(
    tmp_path: Path, holder: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "ASLEEP_SECONDS", 0.1)
    holder.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 20)
    with taken(tmp_path / "lock"):
        monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.2)
        with pytest.raises(Unavailable), taken(tmp_path / "lock"):
            pass
