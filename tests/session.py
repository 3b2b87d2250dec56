"""A pytest plugin, loaded before Django: a data folder of our own and a running PostgreSQL for the whole session.

xdist's processes share the first one's server and its mirror of providers. Each has a database of its own from
pytest-django, and a data folder of its own: environments of the same name would meet in one record.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from stackyard.database.embedded import EmbeddedPostgres

_started: list[tuple[EmbeddedPostgres, Path]] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Start the server before pytest-django reads the settings."""
    if "STACKYARD_TEST_SERVER" not in os.environ:
        data = Path(tempfile.mkdtemp(prefix="stackyard-test-"))
        data.chmod(0o755)
        server = EmbeddedPostgres(data / "postgres")
        server.start()
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        _started.append((server, data))
        os.environ.update(STACKYARD_TEST_SERVER="1", STACKYARD_DATA=str(data), DATABASE_URL=server.url())
    elif process := os.environ.get("PYTEST_XDIST_WORKER"):
        shared = Path(os.environ["STACKYARD_DATA"])
        own = shared / process
        own.mkdir()
        (shared / "providers").mkdir(exist_ok=True)
        (own / "providers").symlink_to(shared / "providers")
        os.environ["STACKYARD_DATA"] = str(own)
    return (yield)


def pytest_unconfigure() -> None:
    """Leave nothing running and nothing lying about."""
    while _started:
        server, data = _started.pop()
        server.stop()
        shutil.rmtree(data, ignore_errors=True)
