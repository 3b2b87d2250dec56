"""GitHub Actions on this machine: the real `act` runs workflows without containers; three linters read them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
SIGN_IN = Path(__file__).parent / "fixtures" / "actions" / "sign-in"
NOTHING = Path(__file__).parent / "fixtures" / "actions" / "nothing"
LINTERS = (
    ("check-jsonschema", "--builtin-schema", "vendor.github-workflows"),
    ("actionlint", "-no-color"),
    ("zizmor", "--offline", "--no-progress", "--persona", "pedantic", "--no-config"),
)


def complaints(*files: Path) -> list[str]:
    """What the linters say about workflows; empty: nothing."""
    found = []
    for linter, *arguments in LINTERS:
        command = [str(BIN / linter), *arguments, *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            found.append(f"{linter}: {done.stdout}{done.stderr}")
    return found


@dataclass
class Act:
    """A repository whose workflows are run here. `uses` says which folder stands in for an action, by its beginning
    (`owner/name`); `bin` is the first folder of the steps' PATH, in which a test puts what it replaces.

    act skips `actions/checkout`, and heeds no `types:` of events, no permissions and no concurrency."""

    repository: Path
    uses: Mapping[str, Path]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        folder = self.repository.parent / "bin"
        folder.mkdir(exist_ok=True)
        return folder

    def program(self, name: str, text: str) -> None:
        """A script on the PATH, before all others of that name."""
        file = self.bin / name
        file.write_text(text)
        file.chmod(0o755)

    def run(
        self,
        workflow: Path,
        event: str,
        payload: Mapping[str, Any],
        *,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        timeout: float = 240,
    ) -> "subprocess.CompletedProcess[str]":
        """Run one workflow for an event, to its end."""
        return subprocess.run(
            self._command(workflow, event, payload, secrets or {}, variables or {}),
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )

    def start(
        self, workflow: Path, event: str, payload: Mapping[str, Any], variables: Mapping[str, str], log: Path
    ) -> "subprocess.Popen[bytes]":
        """Begin to run one; what it says goes to `log`."""
        with log.open("wb") as output:
            return subprocess.Popen(
                self._command(workflow, event, payload, {}, variables),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(
        self,
        workflow: Path,
        event: str,
        payload: Mapping[str, Any],
        secrets: Mapping[str, str],
        variables: Mapping[str, str],
    ) -> list[str]:
        # One file for each: several may run at once.
        number, name = tempfile.mkstemp(prefix="event-", suffix=".json", dir=self.repository.parent)
        os.close(number)
        Path(name).write_text(json.dumps(payload))
        command = [str(BIN / "act"), event, "-W", str(workflow), "-e", name, "-C", str(self.repository)]
        command += ["-P", "ubuntu-latest=-self-hosted", "--no-cache-server", "--pull=false"]
        command += [f"--local-repository={name}={folder}" for name, folder in self._mapped(workflow).items()]
        for name, value in secrets.items():
            command += ["-s", f"{name}={value}"]
        for name, value in variables.items():
            command += ["--var", f"{name}={value}"]
        return command

    def _environment(self) -> dict[str, str]:
        home = self.repository.parent / "home"
        home.mkdir(exist_ok=True)
        path = os.pathsep.join([str(self.bin), str(BIN), os.environ["PATH"]])
        return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **self.env}

    def _mapped(self, workflow: Path) -> dict[str, str]:
        used = [
            line.split("uses:")[1].split("#")[0].strip()
            for line in workflow.read_text().splitlines()
            if "uses:" in line
        ]
        mapped = {}
        for name in used:
            action = name.partition("@")[0]
            if action != "actions/checkout":
                mapped[name] = str(self.uses[action])
        return mapped


def make_repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A git repository with these files, one commit, and a GitHub address."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git = shutil.which("git") or "git"
    who = ["-c", "user.name=Rika", "-c", "user.email=rika@example.com"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "https://github.com/acme/shop.git"],
        ["add", "-A"],
        [*who, "commit", "-qm", "All"],
    ):
        subprocess.run([git, *command], cwd=folder, check=True, capture_output=True)
    return folder
