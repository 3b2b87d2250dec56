"""One embedded PostgreSQL per test session, and one AWS emulator per test process, both started on first need."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_started: list[object] = []


def pytest_configure(config: pytest.Config) -> None:
    """Before Django loads: a data folder of our own and a running server. xdist's processes share the first one's."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    from stackyard.database.embedded import EmbeddedPostgres

    data = Path(tempfile.mkdtemp(prefix="stackyard-test-"))
    data.chmod(0o755)
    server = EmbeddedPostgres(data / "postgres")
    server.start()
    _started.extend([server, data])
    os.environ["STACKYARD_DATA"] = str(data)
    os.environ["DATABASE_URL"] = server.url()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing running and nothing lying about."""
    if _started:
        server, data = _started
        server.stop()  # type: ignore[attr-defined]
        shutil.rmtree(data, ignore_errors=True)  # type: ignore[call-overload]
        _started.clear()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator["object"]:
    """The AWS emulator. Tests share it and stay apart by account ids."""
    from stackyard.aws.emulator.process import Emulator

    running = Emulator.start(log=tmp_path_factory.mktemp("emulator") / "emulator.log")
    yield running
    running.stop()
