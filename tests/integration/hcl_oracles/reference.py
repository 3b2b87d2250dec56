"""Building and asking the Go reference program (HashiCorp's own HCL library, from Debian's packages)."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("reference.go")
GOPATH = Path("/usr/share/gocode")
MISSING = "needs Go and HashiCorp's HCL library: apt-get install golang-go golang-github-hashicorp-hcl-v2-dev"


def available() -> bool:
    """Whether the program can be built here."""
    return shutil.which("go") is not None and (GOPATH / "src/github.com/hashicorp/hcl/v2/hclwrite").is_dir()


def build(folder: Path) -> Path | None:
    """The program, built into `folder`; None where it cannot be built."""
    if not available():
        return None
    program = folder / "reference"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
    }
    subprocess.run(["go", "build", "-o", program, SOURCE], check=True, env=environment, cwd=folder)
    return program


def ask(program: Path, question: str, lines: Iterable[str]) -> list[Any]:
    """One JSON answer for each line of input."""
    given = "".join(f"{line}\n" for line in lines)
    answer = subprocess.run([program, question], input=given.encode(), capture_output=True, check=True)
    return [json.loads(line) for line in answer.stdout.decode().splitlines()]
