"""`stackyard pattern test`: a pattern built for real, with progress on the terminal and a report for people or CI."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from stackyard.aws.sessions import SandboxAccess
from stackyard.cli.client import Client, part
from stackyard.cli.output import print_json, say
from stackyard.cli.values import read_settings
from stackyard.errors import Forbidden, Invalid
from stackyard.patterns.catalogue import Catalogue, Pattern, read_pattern_folder
from stackyard.settings import get_settings
from stackyard.testing.place import Place
from stackyard.testing.report import Report
from stackyard.testing.trial import JOBS, matrix, try_pattern

MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "skipped": ("-", "bright_black")}


def test_and_report(
    which: str,
    *,
    sets: Sequence[str],
    choices: Sequence[str],
    change: str,
    sandbox: str,
    jobs: int,
    junit: Path | None,
    mark: bool,
    as_json: bool,
) -> None:
    """Test, print, write. Exit code 1 when a variant failed."""
    pattern = _pattern(which)
    fixed = _typed(pattern, sets)
    variants = [{**fixed, **chosen} for chosen in matrix(_choices(pattern, choices))]
    wanted = next(iter(_typed(pattern, [change]).items())) if change else None
    report = try_pattern(
        pattern,
        variants,
        get_settings(),
        place=_sandbox(sandbox) if sandbox else None,
        change=wanted,
        jobs=jobs or JOBS,
        tell=_tell,
    )
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.write_text(report.junit(), encoding="utf-8")
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)
    if mark:
        Client.from_environment().post(f"/patterns/{part(pattern.name)}/tested", report.as_dict())
        say(f"{pattern.name} {pattern.version} is marked as {'tested' if report.passed else 'not passing'}.")
    if not report.passed:
        raise typer.Exit(1)


def _pattern(which: str) -> Pattern:
    """A folder, or a name in the catalogue of this machine."""
    folder = Path(which)
    if (folder / "pattern.yaml").is_file():
        settings = get_settings()
        beside = folder.resolve().parent.parent / "modules"
        return read_pattern_folder(folder.resolve(), beside if beside.is_dir() else settings.modules)
    return Catalogue.from_settings().get(which)


def _typed(pattern: Pattern, assignments: Sequence[str]) -> dict[str, Any]:
    described = [{"path": p.path, "kind": p.kind, "default": p.default} for p in pattern.parameters]
    return read_settings(described, list(assignments))


def _choices(pattern: Pattern, given: Sequence[str]) -> dict[str, list[Any]]:
    """`container.cpu=256,512` -> {"container.cpu": [256, 512]}."""
    found: dict[str, list[Any]] = {}
    for text in given:
        path, equals, values = text.partition("=")
        if not equals or not values:
            raise Invalid.field("--matrix", f"'{text}' is not PATH=VALUE,VALUE, such as container.cpu=256,512.")
        found[path.strip()] = [_typed(pattern, [f"{path}={value}"])[path.strip()] for value in values.split(",")]
    return found


def _sandbox(name: str) -> Place:
    """A real sandbox, as the server knows it; its role is assumed with the AWS credentials of this machine. Forbidden
    for all but platform staff, who alone are told the external id that the role asks for."""
    found = Client.from_environment().get(f"/sandboxes/{part(name)}")
    settings = get_settings()
    if found["external_id"] is None:
        raise Forbidden(
            f"Only platform staff may test in the sandbox {name}: nobody else is told the external id of its role.",
            hint="Leave --sandbox out: then the test builds in an emulated account of its own.",
        )
    endpoint = settings.aws_endpoint if found["emulated"] else ""
    access = SandboxAccess(found["account_id"], found["region"], found["role_arn"], found["external_id"], endpoint)
    return Place(access, found["facts"])


def _tell(variant: str, step: str) -> None:
    typer.echo(f"{variant}: {step} ...", err=True)


def _print(report: Report) -> None:
    colours = sys.stdout.isatty()
    for variant in report.variants:
        say(f"{report.pattern} {report.version}, {variant.name}")
        for step in variant.steps:
            sign, colour = MARKS[step.outcome]
            sign = typer.style(sign, fg=colour) if colours else sign
            typer.echo(f"  {sign} {step.name:<18} {step.seconds:6.1f} s  ", nl=False)
            say(step.message)
        if not variant.passed:
            say("  The last lines of Terraform:")
            for line in variant.log[-15:]:
                say(f"    {line}")
    passed = sum(v.passed for v in report.variants)
    say(f"{passed} of {len(report.variants)} variants passed.")
