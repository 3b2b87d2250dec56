"""`stackyard hcl`: read and edit any HCL file from the shell.

Exit codes: 0 done; 1 the path is not there, is ambiguous or lies under an expression, the edit or the value was
refused, or the file cannot be read; 2 the text is not HCL (or the command line is wrong).
"""

import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import typer

from stackyard import hcl

REFUSED, NOT_HCL = 1, 2

app = typer.Typer(
    help="Read and edit HCL files; only the bytes that an edit must touch change.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FileArgument = typer.Argument(metavar="FILE", help="A file, or - for standard input.", show_default=False)
PathArgument = typer.Argument(metavar="PATH", help='As in locals.service.cpu, locals.tags["a.b"], locals.list[0].')
WriteOption = typer.Option(False, "--write", "-w", help="Write the file instead of printing the new text.")
JsonOption = typer.Option(False, "--json", help="Print JSON.")


@app.command()
def get(
    file: str = FileArgument,
    path: str | None = typer.Argument(None, metavar="[PATH]", help="Without it: every constant of the file."),
    as_json: bool = JsonOption,
) -> None:
    """Print the expression at PATH as it is written, or its value as JSON."""
    with _told():
        parsed = _parsed(file)
        if path is not None:
            node = parsed.get(hcl.parse_path(path))
            _print(_json(node.value) if as_json else f"{node.text}\n")
            return
        found = [(hcl.format_path(leaf.path), leaf) for leaf in hcl.leaves(parsed)]
        if as_json:
            _print(_json({address: leaf.value for address, leaf in found}))
        else:
            _print("".join(f"{address} = {leaf.node.text}\n" for address, leaf in found))


# A negative number as VALUE must not be taken for an option.
@app.command("set", context_settings={"ignore_unknown_options": True})
def set_(
    file: str = FileArgument,
    path: str = PathArgument,
    value: str = typer.Argument(metavar="VALUE", help="JSON, or with --raw an HCL expression."),
    raw: bool = typer.Option(False, "--raw", help="VALUE is an HCL expression."),
    force: bool = typer.Option(False, "--force", help="Accept that comments inside the old value are lost."),
    write: bool = WriteOption,
    as_json: bool = JsonOption,
) -> None:
    """Set the value at PATH; what is missing on the way is made."""

    def edit(parsed: hcl.File) -> hcl.File:
        at = hcl.parse_path(path)
        return parsed.edit([hcl.SetValue(at, hcl.Raw(value) if raw else _from_json(value), force)])

    _edit(file, edit, write, as_json)


@app.command()
def unset(
    file: str = FileArgument, path: str = PathArgument, write: bool = WriteOption, as_json: bool = JsonOption
) -> None:
    """Take away what is at PATH: an argument, an item, an element, or a block."""

    def edit(parsed: hcl.File) -> hcl.File:
        at = hcl.parse_path(path)
        item = parsed.find(at)
        return parsed.remove_block(at) if isinstance(item, hcl.Block) else parsed.remove_attribute(at)

    _edit(file, edit, write, as_json)


@app.command()
def fmt(file: str = FileArgument, write: bool = WriteOption, as_json: bool = JsonOption) -> None:
    """Indent and align, as `terraform fmt` does."""
    _edit(file, lambda parsed: hcl.File.parse(hcl.format(parsed.text()), parsed.name), write, as_json)


@app.command()
def check(file: str = FileArgument, as_json: bool = JsonOption) -> None:
    """Say whether FILE is HCL, and if not, where it stops being so."""
    try:
        with _told(quiet=as_json):
            _parsed(file)
    except typer.Exit as left:
        cause = left.__cause__
        if as_json and isinstance(cause, hcl.HclSyntaxError):
            _print(_json({"valid": False, "summary": cause.summary, "expected": cause.expected, "file": cause.name,
                          "line": cause.line, "column": cause.column}))  # fmt: skip
        raise
    if as_json:
        _print(_json({"valid": True}))


@app.command()
def schema(
    file: str = typer.Argument(metavar="FILE", help="A locals.tf, or any file of a module with variables."),
    as_json: bool = typer.Option(True, "--json", help="It is always JSON."),
) -> None:
    """Print the JSON Schema of what can be set in FILE: constants of its locals, or its variables."""
    from stackyard.cli.hcl_schema import schema_of
    from stackyard.errors import StackyardError

    with _told():
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        hcl.File.parse(content, "<stdin>" if file == "-" else file)
        try:
            _print(_json(schema_of(content, "locals.tf" if file == "-" else Path(file).name)))
        except StackyardError as error:
            _tell(str(error))
            raise typer.Exit(REFUSED) from error


def _edit(file: str, edit: Callable[[hcl.File], hcl.File], write: bool, as_json: bool) -> None:
    if write and file == "-":
        raise typer.BadParameter("--write needs a file, not standard input.")
    with _told():
        old = _parsed(file)
        new = edit(old)
        changed = new.bytes() != old.bytes()
        if write and changed:
            _replace(Path(file), new.bytes())
        if as_json:
            _print(_json({"changed": changed, "text": new.bytes().decode("utf-8", "replace")}))
        elif not write:
            sys.stdout.buffer.write(new.bytes())
            sys.stdout.buffer.flush()


def _parsed(file: str) -> hcl.File:
    if file == "-":
        return hcl.File.parse(sys.stdin.buffer.read(), "<stdin>")
    return hcl.File.parse(Path(file).read_bytes(), file)


def _replace(path: Path, content: bytes) -> None:
    """Put new content in place in one step, so that a reader never sees half of it."""
    path = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        Path(temporary).chmod(stat.S_IMODE(path.stat().st_mode))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _from_json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"VALUE is not JSON ({error}). Text needs quotes: '\"text\"'.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _json(value: Any) -> str:
    # ASCII: whatever the value holds, the terminal's encoding can print it.
    return json.dumps(value, indent=2, default=_number) + "\n"


def _number(value: Any) -> Any:
    """Numbers with more digits than a float keeps are printed as text."""
    return str(value)


def _print(text: str) -> None:
    typer.echo(text, nl=False)


@contextmanager
def _told(*, quiet: bool = False) -> Iterator[None]:
    """Tell what went wrong on standard error, and leave with its exit code."""
    try:
        yield
    except hcl.HclError as error:
        if not quiet:
            _tell(str(error))
        raise typer.Exit(NOT_HCL if isinstance(error, hcl.HclSyntaxError) else REFUSED) from error
    except OSError as error:
        _tell(f"{error.filename or 'standard input'}: {error.strerror or error}")
        raise typer.Exit(REFUSED) from error


def _tell(text: str) -> None:
    """Nothing in the text may steer the terminal."""
    typer.echo("".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text), err=True)
