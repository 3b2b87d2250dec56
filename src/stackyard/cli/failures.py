"""How the command line fails: a message on standard error that says what to do, and an exit code. Never a traceback."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator

import typer

from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, StackyardError, Unavailable, Unusable

FAILED = 1
"""A run failed, or something unexpected happened."""

EXIT_CODES: dict[type[StackyardError], int] = {
    Invalid: 2,
    NotFound: 3,
    Forbidden: 4,
    Conflict: 5,
    Unavailable: 6,
    Unusable: 6,
}
INTERRUPTED = 130


class RunFailed(StackyardError):
    """The run that was waited for did not succeed."""


def exit_code(error: StackyardError) -> int:
    """The exit code of an error."""
    return next((code for cls, code in EXIT_CODES.items() if isinstance(error, cls)), FAILED)


@contextlib.contextmanager
def polite() -> Iterator[None]:
    """Tell errors and leave with their exit code."""
    try:
        yield
    except StackyardError as error:
        _tell(error)
        raise typer.Exit(exit_code(error)) from None
    except KeyboardInterrupt:
        _write("Interrupted. A run that was accepted goes on; `stackyard run cancel` stops it.")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has had enough (`| head`). Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except typer.Abort:
        raise
    except Exception as error:
        if hasattr(error, "exit_code"):
            raise  # typer's own: wrong usage, or a way to leave
        if os.environ.get("STACKYARD_TRACEBACK"):
            traceback.print_exc()
        _write(f"Something unexpected went wrong: {type(error).__name__}: {error}")
        _write("  This is a defect of Stackyard. STACKYARD_TRACEBACK=1 shows where.")
        raise typer.Exit(FAILED) from None


def _tell(error: StackyardError) -> None:
    if isinstance(error, Invalid):
        _write("Refused:")
        for problem in error.problems:
            _write(f"  {problem.field}: {problem.message}")
    else:
        _write(error.message)
    if error.hint:
        _write(f"  {error.hint}")


def _write(text: str) -> None:
    """Server's words may hold what the server was sent: nothing in them may steer the terminal."""
    clean = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    typer.echo(clean, err=True)
