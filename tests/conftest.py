"""One AWS emulator per test process, started on first need. PostgreSQL is started by tests/session.py."""

import itertools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from django.conf import settings

from stackyard.aws.emulator.process import Emulator
from stackyard.settings import get_settings

if TYPE_CHECKING:
    from tests.yard import Yard

_accounts = itertools.count(700000000000)


hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")  # no test is about how fast a machine is that does other things as well


def pytest_configure() -> None:
    """Signing in is not what most tests are about: a hash that takes a fraction of a second each adds up to minutes. So
    does TRUNCATE, which makes a new file for each table and index; a test leaves a few rows."""
    from django.db.backends.postgresql.operations import DatabaseOperations

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    DatabaseOperations.sql_flush = _deletions  # type: ignore[method-assign]


def _deletions(self: Any, style: Any, tables: list[str], **_: Any) -> list[str]:
    """Statements that empty these tables, whatever refers to what."""
    unchecked, checked = (f"SET LOCAL session_replication_role = {role}" for role in ("replica", "origin"))
    emptied = [f"DELETE FROM {self.quote_name(table)}" for table in tables]  # noqa: S608
    return [unchecked, *emptied, checked] if tables else []


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Journeys first, dealt out like cards: pytest-xdist gives each process a part of the list without a gap, and those
    that wait for AWS would all be in the first one, and keep it at work long after the others."""
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    journeys = [item for item in items if item.get_closest_marker("journey")]
    others = [item for item in items if not item.get_closest_marker("journey")]
    dealt: list[pytest.Item] = []
    for process in range(processes):
        share = (len(items) - len(dealt)) // (processes - process)
        mine = journeys[process::processes]
        rest = max(0, share - len(mine))
        dealt += [*mine, *others[:rest]]
        del others[:rest]
    items[:] = [*dealt, *others]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """The AWS emulator. Tests share it and stay apart by account ids."""
    running = Emulator.start(log=tmp_path_factory.mktemp("emulator") / "emulator.log")
    os.environ["STACKYARD_AWS_ENDPOINT"] = running.endpoint
    get_settings.cache_clear()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Django makes a database of its own for tests; Terraform's state lies in the same one, as it does elsewhere."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].replace("///stackyard?", f"///{name}?")
    get_settings.cache_clear()


@pytest.fixture
def yard(emulator: Emulator, transactional_db: None) -> "Iterator[Yard]":
    """An organisation with a sandbox of its own on the emulator, and a worker that works when told to."""
    from tests.yard import make_yard

    yield make_yard(emulator, f"{next(_accounts):012d}")
    emulator.clear_faults()
