"""One AWS emulator per test process, started on first need. PostgreSQL is started by tests/session.py."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from stackyard.aws.emulator.process import Emulator


def pytest_configure() -> None:
    """Signing in is not what most tests are about: a hash that takes a fraction of a second each adds up to minutes."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The AWS emulator. Tests share it and stay apart by account ids."""
    running = Emulator.start(log=tmp_path_factory.mktemp("emulator") / "emulator.log")
    yield running
    running.stop()
