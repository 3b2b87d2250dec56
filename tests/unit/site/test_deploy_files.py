"""What docs/deploy hands to operators fits this version: units, the container file and the example of settings."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stackyard.cli.main import app
from stackyard.settings import PROJECT_ROOT, Settings

DEPLOY = PROJECT_ROOT / "docs" / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()


def service(name: str) -> dict[str, str]:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / name)
    return dict(unit["Service"])


def is_a_command(arguments: list[str]) -> bool:
    """Whether the command line takes these arguments."""
    return CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("name", "command"), [("stackyard-serve.service", "serve"), ("stackyard-worker@.service", "worker")]
)
def test_units_start_what_there_is_again_and_again(name: str, command: str) -> None:
    unit = service(name)
    program, *arguments = shlex.split(unit["ExecStart"])
    assert program == f"{unit['WorkingDirectory']}/.venv/bin/stackyard"
    assert arguments[0] == command
    assert is_a_command(arguments)
    assert unit["Restart"] == "always", "it ends in good order when its database is restarted"
    assert unit["StateDirectory"] == Path(example()["STACKYARD_DATA"]).name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
@pytest.mark.parametrize("name", ["stackyard-serve.service", "stackyard-worker@.service"])
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    unit = tmp_path / name.replace("@", "@1")
    unit.write_text((DEPLOY / name).read_text().replace("/opt/stackyard/.venv/bin/stackyard", sys.executable))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_worker_that_is_stopped_has_the_time_of_a_run_and_terraform_is_not_killed() -> None:
    unit = service("stackyard-worker@.service")
    assert (unit["KillMode"], unit["KillSignal"]) == ("process", "SIGTERM")
    hours = re.fullmatch(r"(\d+)h", unit["TimeoutStopSec"])
    assert hours
    longest = Settings.model_fields["run_seconds"].default
    assert int(hours[1]) * 3600 >= longest
    for text in (CONTAINERFILE, (DEPLOY / "README.md").read_text()):
        assert f"--stop-timeout {longest}" in text


def example() -> dict[str, str]:
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_example_of_settings_has_settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"STACKYARD_{name.upper()}" for name in Settings.model_fields} | {"DATABASE_URL"}
    assert set(example()) <= known
    for name, value in example().items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.allowed_hosts == ["stackyard.example.com"]
    assert settings.secure_cookies


def test_the_image_has_all_that_the_program_reads_and_starts_what_there_is() -> None:
    copied = [source for line in re.findall(r"^COPY (.+)$", CONTAINERFILE, re.M) for source in line.split()[:-1]]
    assert all((PROJECT_ROOT / source).exists() for source in copied)
    folders = {str(f.default.relative_to(PROJECT_ROOT)) for f in Settings.model_fields.values()
               if isinstance(f.default, Path) and f.default.is_relative_to(PROJECT_ROOT)}  # fmt: skip
    assert folders <= set(copied), "the folders that settings name"
    started = re.search(r"^CMD (\[.+\])$", CONTAINERFILE, re.M)
    assert started
    assert is_a_command([a.strip(' "') for a in started[1].strip("[]").split(",")])
    for command in re.findall(r"^#   podman run .* stackyard (\w.*)$", CONTAINERFILE, re.M):
        assert is_a_command(shlex.split(command))
