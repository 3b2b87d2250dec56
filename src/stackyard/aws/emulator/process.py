"""Start, steer and end the emulator's child process."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from stackyard.aws.emulator.actions import Action
from stackyard.aws.emulator.faults import CONTROL
from stackyard.aws.sessions import forget_sessions
from stackyard.errors import Unavailable

START_SECONDS = 60
STOP_SECONDS = 5
PASSED_ON = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "STACKYARD_DATA")


class Emulator:
    """A running emulator. Make one with `Emulator.start`; it ends with `stop`, or when this process ends."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.log = log
        self._process = process

    @classmethod
    def start(cls, port: int = 0, *, log: Path, fail_at: Sequence[str] = ()) -> "Emulator":
        """Start it and wait until it answers. `port` 0: a free one; `log`: file for its output, overwritten; `fail_at`:
        actions such as `ecs:CreateService` that fail from the start. Invalid for an unknown action, Unavailable when
        the port is taken or the emulator does not come up. To be called from the main thread, because the emulator
        ends with the thread that started it."""
        for text in fail_at:
            Action.parse(text)
        log.parent.mkdir(parents=True, exist_ok=True)
        with _listen(port) as listener, log.open("wb") as output:
            # The child inherits a socket that listens already: no other process can take the port in between.
            arguments = ["--fd", str(listener.fileno()), "--parent", str(os.getpid())]
            for text in fail_at:
                arguments += ["--fail-at", text]
            process = subprocess.Popen(
                [sys.executable, "-m", "stackyard.aws.emulator", *arguments],
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C on the terminal is for its parent, which then stops it in order
            )
            emulator = cls(process, listener.getsockname()[1], log)
        try:
            emulator._await_answer()
        except BaseException:
            emulator.stop()
            raise
        return emulator

    def stop(self) -> None:
        """End it. Nothing to save: everything is in its memory. Doing so twice is no harm."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def reset(self) -> None:
        """Empty all accounts. Faults stay."""
        self._ask("POST", "/moto-api/reset")
        forget_sessions()

    def fail(
        self,
        action: str,
        *,
        code: str = "",
        message: str = "",
        status: int = 0,
        times: int | None = None,
    ) -> None:
        """From now on answer `action` (such as `ecs:CreateService`) by an error, `times` times or for ever. Empty
        values: the error by which the action's service denies access, which no client tries again. Invalid for an
        unknown action."""
        Action.parse(action)
        fault = {"action": action, "code": code, "message": message, "status": status, "times": times}
        self._ask("POST", f"{CONTROL}/faults", json=fault)

    def clear_faults(self) -> None:
        """Answer every action as usual again."""
        self._ask("DELETE", f"{CONTROL}/faults")

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _ask(self, method: str, path: str, *, json: object = None) -> None:
        try:
            httpx.request(method, self.endpoint + path, json=json, timeout=10).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(f"The AWS emulator did not do as told: {error}\n{self.log_tail()}") from error

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise Unavailable(
                    f"The AWS emulator ended with status {self._process.returncode}.\n{self.log_tail()}",
                    hint=f"Its whole output is in {self.log}.",
                )
            try:
                if httpx.get(f"{self.endpoint}{CONTROL}/ready", timeout=1).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise Unavailable(f"The AWS emulator did not answer within {START_SECONDS} s.\n{self.log_tail()}")


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    # A port whose last connections are still being closed counts as free.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} on 127.0.0.1 cannot be used for the AWS emulator: {error.strerror}.",
            hint="Take another port, or 0 for a free one.",
        ) from error
    listener.listen(128)
    return listener
