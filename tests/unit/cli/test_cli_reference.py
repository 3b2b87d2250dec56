"""The reference pages tell everything that there is, and nothing that there is not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from stackyard.cli.failures import EXIT_CODES
from stackyard.cli.main import IMPORTED_ON_USE, app
from stackyard.cli.server import reference

PAGES = Path(__file__).resolve().parents[3] / "docs" / "reference"


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its full name. The HCL tools have a page of their own."""
    if not hasattr(command, "commands") or name == "stackyard hcl":
        yield name, command
        return
    context = typer.Context(command)
    for sub in command.list_commands(context):
        yield from leaves(command.get_command(context, sub), f"{name} {sub}")


COMMANDS = dict(leaves(typer.main.get_command(app), "stackyard"))


def sections() -> dict[str, str]:
    """Heading -> text of the sections of the command line's page."""
    parts = re.split(r"^### `(.+)`$", (PAGES / "cli.md").read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_settings_page_is_the_one_that_the_settings_print() -> None:
    assert (PAGES / "settings.md").read_text() == reference.page(), "run: stackyard settings --markdown"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_its_options_are_documented(name: str) -> None:
    found = [text for heading, text in sections().items() if re.match(rf"{name}( |\Z)", heading)]
    assert len(found) == 1, f"### `{name} ...` in docs/reference/cli.md"
    if name in {"stackyard demo", "stackyard hcl"}:
        return  # their own help and the README tell
    options = [o for p in COMMANDS[name].params for o in p.opts if o.startswith("--") and o != "--help"]
    assert [o for o in options if o not in found[0]] == []


def test_nothing_is_documented_that_is_not_there() -> None:
    documented = {re.split(r" [\[A-Z]", heading)[0] for heading in sections()}
    assert documented <= set(COMMANDS) | {f"stackyard {name}" for name in IMPORTED_ON_USE}


def test_every_exit_code_is_documented() -> None:
    table = (PAGES / "cli.md").read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)}
    assert documented == {0, 1, 130, *EXIT_CODES.values()}
