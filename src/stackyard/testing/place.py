"""Where a pattern is tested: an account of the bundled emulator, or a real sandbox."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.sessions import SandboxAccess

ACCOUNT, REGION, ZONE = "123456789012", "eu-central-1", "test.example.com"


@dataclass(frozen=True)
class Place:
    """An account with a baseline. `first_priority`: the listener-rule priority that the first variant takes."""

    access: SandboxAccess
    facts: Mapping[str, Any]
    first_priority: int = 40_000


@contextlib.contextmanager
def emulated_place() -> Iterator[Place]:
    """An account with a baseline on an emulator of its own, which goes with the block."""
    with tempfile.TemporaryDirectory(prefix="stackyard-test-") as folder:
        emulator = Emulator.start(log=Path(folder) / "emulator.log")
        try:
            access = SandboxAccess(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/stackyard", "", emulator.endpoint)
            yield Place(access, seed_baseline(access, zone_name=ZONE, vpc_cidr="10.0.0.0/20").as_dict())
        finally:
            emulator.stop()
