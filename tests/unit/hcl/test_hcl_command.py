"""`stackyard hcl`, as it is used from the shell."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stackyard.cli.hcl import app

TEXT = 'locals {\n  name = "x" # of it\n  list = [1, 2.5]\n  made = f(1)\n}\nb {\n}\n'


def run(*argv: str, given: str | bytes = TEXT) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    result = CliRunner().invoke(app, argv, input=given)
    return result.exit_code, result.stdout, result.stderr


def test_get_prints_the_expression_or_its_value() -> None:
    assert run("get", "-", "locals.made") == (0, "f(1)\n", "")
    assert json.loads(run("get", "-", "locals.list", "--json")[1]) == [1, 2.5]
    assert run("get", "-")[1] == 'locals.name = "x"\nlocals.list = [1, 2.5]\n'


def test_set_unset_and_fmt_print_the_new_text() -> None:
    assert run("set", "-", "locals.name", '"${y}"')[1] == TEXT.replace('"x"', '"$${y}"')
    assert run("set", "-", "locals.name", "-5")[1] == TEXT.replace('"x"', "-5")
    assert run("set", "-", "locals.made", "var.z", "--raw")[1] == TEXT.replace("f(1)", "var.z")
    assert run("unset", "-", "locals.list")[1] == TEXT.replace("  list = [1, 2.5]\n", "")
    assert run("unset", "-", "b")[1] == TEXT.replace("b {\n}\n", "")
    assert run("fmt", "-", given="a=1\nbbb   = 2\n")[1] == "a   = 1\nbbb = 2\n"
    assert json.loads(run("set", "-", "locals.list[1]", "2.5", "--json")[1]) == {"changed": False, "text": TEXT}


def test_write_changes_the_file_and_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "locals.tf"
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    assert run("set", str(file), "locals.list[0]", "7", "--write") == (0, "", "")
    assert file.read_bytes() == TEXT.replace("\n", "\r\n").replace("[1,", "[7,").encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("argv", "given", "code", "told"),
    [
        (("get", "-", "locals.nope"), TEXT, 1, "<stdin>:1:9"),
        (("set", "-", "locals.made.x", "1"), TEXT, 1, "`f(1)`"),
        (("get", "-", "locals.made", "--json"), TEXT, 1, "expression"),
        (("set", "-", "a..b", "1"), TEXT, 1, "not a path"),
        (("get", "-", "b.x"), "b {\nx=1\n}\nb {\nx=2\n}\n", 1, "<stdin>:2:1 and <stdin>:5:1"),
        (("get", "/nowhere/x.tf"), "", 1, "No such file"),
        (("check", "-"), "a = [", 2, "line 1, column 6"),
        (("set", "-", "a", "1"), "a = [", 2, "line 1, column 6"),
        (("set", "-", "locals.name", "1 }", "--raw"), TEXT, 2, "the given expression"),
        (("set", "-", "locals.name", "nope"), TEXT, 2, "VALUE is not JSON"),
        (("set", "-", "locals.name", "NaN"), TEXT, 2, "VALUE is not JSON"),
        (("set", "-", "locals.name", "1", "--write"), TEXT, 2, "standard input"),
    ],
)
def test_failures_have_their_exit_code_and_a_reason(argv: tuple[str, ...], given: str, code: int, told: str) -> None:
    exit_code, printed, reason = run(*argv, given=given)
    assert (exit_code, printed) == (code, "")
    assert told in reason


def test_check_says_yes_or_where_not() -> None:
    assert run("check", "-") == (0, "", "")
    code, printed, _ = run("check", "-", "--json", given=b"a = \xff")
    assert code == 2
    assert {"valid": False, "line": 1, "column": 5}.items() <= json.loads(printed).items()
