"""As platform staff I lose the machine, and have everything again from a backup."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackyard.aws.emulator.process import Emulator
from stackyard.database.embedded import EmbeddedPostgres

pytestmark = pytest.mark.journey
ACCOUNT = "690000000001"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder for installations of our own; PostgreSQL under root must be able to walk to it."""
    folder = Path(tempfile.mkdtemp(prefix="stackyard-restore-"))
    folder.chmod(0o755)
    yield folder
    for data in folder.iterdir():
        server = EmbeddedPostgres(data / "postgres")
        server.stop()
        shutil.rmtree(server.root, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def run(emulator: Emulator) -> Run:
    """A program on the installation in a data folder."""

    def call(data: Path, *command: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL" and not k.startswith("STACKYARD_")}
        environment |= {"STACKYARD_DATA": str(data), "STACKYARD_AWS_ENDPOINT": emulator.endpoint}
        done = subprocess.run(
            [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done

    return call


def test_what_was_built_before_the_loss_can_be_destroyed_after_the_restore(place: Path, run: Run) -> None:
    lost, new, kept = place / "lost", place / "new", place / "kept"
    run(lost, "stackyard.cli", "migrate")
    run(lost, "tests.acceptance.restore_steps", "build", ACCOUNT)
    told = run(lost, "stackyard.cli", "backup", str(kept))
    assert "1 environments" in told.stdout
    assert sorted(f.name for f in kept.iterdir()) == ["backup.json", "database.dump", "record.bundle"]
    key = (lost / "secret-key").read_text()
    assert not any(key.encode() in file.read_bytes() for file in kept.iterdir())
    assert "not empty" in run(lost, "stackyard.cli", "backup", str(kept), ok=False).stderr
    assert "already" in run(lost, "stackyard.cli", "restore", str(kept), ok=False).stderr

    server = EmbeddedPostgres(lost / "postgres")
    server.stop()
    shutil.rmtree(server.root)
    shutil.rmtree(lost)

    refused = run(new, "stackyard.cli", "restore", str(kept), ok=False)
    assert "another secret key" in refused.stderr
    (new / "secret-key").write_text(key)
    restored = run(new, "stackyard.cli", "restore", str(kept))
    assert "1 environments" in restored.stdout
    run(new, "tests.acceptance.restore_steps", "destroy")


def test_a_folder_that_is_no_backup_is_refused(place: Path, run: Run) -> None:
    (place / "empty").mkdir()
    assert "no backup" in run(place / "new", "stackyard.cli", "restore", str(place / "empty"), ok=False).stderr
