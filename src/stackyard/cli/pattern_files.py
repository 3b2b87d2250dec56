"""`stackyard pattern import` and `lint`: work on a pattern's files."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import typer

from stackyard.cli.output import print_json, say
from stackyard.patterns.importing import import_pattern
from stackyard.patterns.linting import Finding, lint
from stackyard.patterns.positions import Trouble
from stackyard.settings import get_settings


def import_folder(directory: Path, name: str, into: Path | None) -> None:
    """Import a root module and tell what was made of it, and what could not be used."""
    settings = get_settings()
    done = import_pattern(directory, into or settings.patterns, settings.modules, name)
    manifest = done.manifest
    say(f"Wrote {done.folder / 'pattern.yaml'}.")
    say(f"Interface: {manifest['interface']}. Settings: {', '.join(done.settings) or 'none'}.")
    for path, source in manifest.get("fills", {}).items():
        say(f"  {path} is filled with {source}")
    for secret in manifest.get("secrets", {}):
        say(f"  {secret} is made up for each environment, and kept secret")
    if done.notes:
        say("Not used, or worth a look:")
    for note in done.notes:
        # `pattern.yaml` was written now; the other files are read where they were.
        where = done.folder if note.file.endswith("/pattern.yaml") else directory
        say(f"  {_place(note, where)}: {note.message}")
    say(f"Next: look through pattern.yaml, then `stackyard pattern lint {done.folder}`.")


def lint_folder(directory: Path, *, static: bool, as_json: bool) -> None:
    """Print all findings; exit code 1 when one of them is an error."""
    settings = get_settings()
    findings = lint(directory, settings.modules)
    if not static and directory.is_dir() and not any(f.is_error for f in findings):
        from stackyard.cli.pattern_terraform import terraform_findings

        findings += terraform_findings(directory.resolve(), settings)
    if as_json:
        print_json([asdict(f) for f in findings])
    else:
        _print(directory, findings)
    if any(f.is_error for f in findings):
        raise typer.Exit(1)


def _print(directory: Path, findings: Iterable[Finding]) -> None:
    listed = list(findings)
    for f in listed:
        place = _place(Trouble(f.file, f.line, ""), directory)
        say(f"{place}: {f.severity}: {f.message} [{f.rule}]")
        if f.fix:
            say(f"    {f.fix}")
    errors = sum(f.is_error for f in listed)
    counted = f"{_counted(errors, 'error')}, {_counted(len(listed) - errors, 'warning')}."
    say(counted if listed else f"{directory}: nothing found.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _place(trouble: Trouble, directory: Path) -> str:
    """Where something is, as a path that this shell can open."""
    file = trouble.file.partition("/")[2]
    path = directory / file if file else directory
    return f"{path}:{trouble.line}" if trouble.line else str(path)
