"""A small process beside each worker: when the worker dies, however it dies, its Terraforms are asked to stop, once.

The kernel can do that too (PR_SET_PDEATHSIG), but asks again for each thread of the dying process to which it hands the
child on, and at the second SIGINT Terraform gives up what AWS is making at that moment: no state ever knows it.
https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path


class Deathwatch:
    """Started with the first child, by the process that starts it. It hears of that process's death by the end of a
    pipe of which nobody else has the other end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watch: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def watched(self) -> Callable[[], None]:
        """For `preexec_fn`: the child gets one SIGINT when this process dies. It says so itself, before it becomes
        another program, so that there is no moment in which nobody knows of it."""
        parent, pipe = os.getpid(), self._pipe()

        def prepare() -> None:
            # What a shell starts in the background ignores SIGINT, and so would its children.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.write(pipe, f"+{os.getpid()}\n".encode())
            if os.getppid() != parent:  # it died in this moment
                os._exit(1)

        return prepare

    def forget(self, pid: int) -> None:
        """This child has ended, or was asked to stop by somebody else: another SIGINT would be its second."""
        with self._lock:
            if self._watch is not None and self._owner == os.getpid() and self._watch.stdin is not None:
                with contextlib.suppress(OSError):
                    os.write(self._watch.stdin.fileno(), f"-{pid}\n".encode())

    def _pipe(self) -> int:
        with self._lock:
            if self._watch is None or self._owner != os.getpid() or self._watch.poll() is not None:
                # In a session of its own: what ends the worker's group, such as Ctrl-C, does not end it.
                self._watch = subprocess.Popen(
                    [sys.executable, "-I", "-S", __file__],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    env={},
                    bufsize=0,
                    start_new_session=True,
                )
                self._owner = os.getpid()
            assert self._watch.stdin is not None
            return self._watch.stdin.fileno()


DEATHWATCH = Deathwatch()


def start_time(pid: int) -> int:
    """Clock ticks after boot at which the process started (proc(5), field 22); 0 when there is none or it is a
    zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] == "Z" else int(fields[19])


def _wait() -> None:
    """The watch itself: until the pipe ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, int] = {}
    for line in sys.stdin.buffer:
        pid = int(line[1:])
        if line.startswith(b"+"):
            watched[pid] = start_time(pid)
        else:
            watched.pop(pid, None)
    for pid, started in watched.items():
        if started and start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)


if __name__ == "__main__":
    _wait()
