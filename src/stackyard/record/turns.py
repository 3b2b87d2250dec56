"""A lock by a file, for processes of one machine, which a process that was stopped does not hold for ever."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stackyard.errors import Unavailable

ASLEEP_SECONDS = 5
"""A holder that was stopped (SIGSTOP) is waited for this long: what it does takes moments while it goes on."""
PATIENCE_SECONDS = 120


@contextmanager
def taken(path: Path) -> Iterator[None]:
    """Hold the lock. Raises Unavailable when another process holds it for two minutes.

    The kernel gives the lock back when its holder dies. From one that sleeps it is taken away, by a new file in the
    place of the old one: should it ever go on, Git's own lock stands between the two.
    """
    began = time.monotonic()
    while True:
        file = path.open("a+")
        if _is_ours(file, path):
            break
        holder = _holder(path)
        file.close()
        waited = time.monotonic() - began
        if waited > ASLEEP_SECONDS and _sleeps(holder):
            path.unlink(missing_ok=True)
        elif waited > PATIENCE_SECONDS:
            raise Unavailable(
                f"Process {holder or 'unknown'} has held {path.name} for {PATIENCE_SECONDS} s.",
                hint="Look at what it does; when it hangs, end it.",
            )
        time.sleep(0.02)
    with file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _is_ours(file: IO[str], path: Path) -> bool:
    """Lock the file, if nobody has, and if it is still the one at its path."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except OSError:
        return False


def _holder(path: Path) -> int:
    try:
        return int(path.read_text() or 0)
    except (OSError, ValueError):
        return 0


def _sleeps(pid: int) -> bool:
    """Whether the process was stopped; proc(5), field 3."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except OSError:
        return False
