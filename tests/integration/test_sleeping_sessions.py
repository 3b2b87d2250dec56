"""A process that was stopped in the middle of a transaction does not hold its locks as long as it sleeps."""

import contextlib
import os

import psycopg
import pytest

from stackyard.database import connection


def test_a_session_that_stands_still_in_a_transaction_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TRANSACTION_SECONDS", 1)
    monkeypatch.setenv("PGOPTIONS", "-c application_name=kept")
    connection.bound_transactions()
    address = os.environ["DATABASE_URL"]
    with contextlib.closing(psycopg.connect(address)) as sleeper:
        sleeper.execute("SELECT pg_advisory_xact_lock(4711)")
        monkeypatch.delenv("PGOPTIONS")
        with psycopg.connect(address, autocommit=True) as other:
            assert other.execute("SELECT pg_advisory_lock(4711)"), "it has to wait, and then gets it"
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            sleeper.execute("SELECT 1")
