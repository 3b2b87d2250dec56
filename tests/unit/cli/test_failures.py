"""What goes wrong is told on standard error and becomes an exit code; never a traceback."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from stackyard.cli import env
from stackyard.cli.failures import RunFailed, polite
from stackyard.cli.main import app
from stackyard.cli.output import printable
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Unavailable, Unusable


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunFailed("x"), 1),
        (Invalid.field("name", "Too long."), 2),
        (NotFound("x"), 3),
        (Forbidden("x"), 4),
        (Conflict("x"), 5),
        (Unavailable("x"), 6),
        (Unusable("x"), 6),
        (KeyboardInterrupt(), 130),
        (ValueError("x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, polite():
        raise error
    written = capsys.readouterr()
    assert left.value.exit_code == code
    assert written.out == ""
    assert written.err.strip()
    assert "Traceback" not in written.err


def test_every_problem_and_the_hint_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), polite():
        raise Invalid([Problem("name", "Too long."), Problem("settings.a", "Unknown.")], hint="See the page.")
    assert capsys.readouterr().err.splitlines() == [
        "Refused:",
        "  name: Too long.",
        "  settings.a: Unknown.",
        "  See the page.",
    ]


def test_words_of_a_server_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), polite():
        raise NotFound("no \x1b[2J\x07\u202e such")
    assert capsys.readouterr().err == "no \ufffd[2J\ufffd\ufffd such\n"
    assert printable("a\x1b]0;x\x07b") == "a\ufffd]0;x\ufffdb"


def test_wrong_usage_exits_2_and_says_how() -> None:
    for arguments in (
        ["env", "create"],
        ["run", "show", "x"],
        ["run", "show", "0"],
        ["nothing"],
        ["env", "list", "--x"],
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert result.stderr


def test_destroying_without_a_terminal_needs_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKYARD_URL", "http://127.0.0.1:9")
    result = CliRunner().invoke(app, ["env", "destroy", "shop-dev"])
    assert (result.exit_code, "--yes" in result.stderr) == (2, True)


def test_every_end_of_a_run_has_words() -> None:
    for status in ("failed", "cancelled", "attention"):
        run = {"status": status, "kind": "create", "environment": "shop-dev", "error": "", "hint": "", "problems": []}
        with pytest.raises(RunFailed, match="create of shop-dev"):
            env.require_success(run)


def test_client_commands_import_no_server() -> None:
    program = """
import sys
from stackyard.cli.main import app
try:
    app(["env", "list"])
except SystemExit as error:
    print(error.code, sorted({"django", "boto3", "moto", "procrastinate", "psycopg", "uvicorn"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"STACKYARD_URL": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "6 []", done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m stackyard.cli settings --markdown | true"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
