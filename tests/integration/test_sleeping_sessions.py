"""A process that was stopped, or whose machine is gone, does not hold its locks as long as it sleeps."""

import asyncio
import contextlib
import os
import socket
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest
from bench.databases import TcpPostgres

from stackyard.database import connection
from stackyard.database.connection import KEEPALIVES, state_url
from stackyard.executors.local import LocalExecutor
from stackyard.settings import Settings
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.engine import find_engine
from stackyard.terraform.workdir import Workdir


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


def test_terraform_asks_postgresql_to_look_after_its_session(tmp_path: Path) -> None:
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            client, _ = server.accept()
            with client:
                said.append(client.recv(4096))

        thread = threading.Thread(target=listen)
        thread.start()
        port = server.getsockname()[1]
        address = f"postgresql://stackyard@127.0.0.1:{port}/x?sslmode=disable&options=-c%20work_mem%3D8MB"
        workdir = Workdir(tmp_path / "w")
        workdir.prepare()
        (workdir.code / "main.tf").write_text('terraform {\n  backend "pg" {}\n}\n')
        given = {"PG_CONN_STR": state_url(Settings(database_url=address)), "PG_SCHEMA_NAME": "env_x"}
        with pytest.raises(TerraformFailed):
            asyncio.run(LocalExecutor(find_engine("auto"), None).terraform(workdir, given).init())
        thread.join()
    words = said[0].split(b"\0")
    options = words[words.index(b"options") + 1].decode()
    assert "work_mem=8MB" in options, "what the address says stays"
    assert all(f"-c {name}={value}" in options for name, value in KEEPALIVES.items())


def test_postgresql_takes_it_so() -> None:
    with tempfile.TemporaryDirectory(prefix="stackyard-pg-test-") as name:
        Path(name).chmod(0o755)
        server = TcpPostgres(Path(name) / "pg")
        server.start()
        try:
            with psycopg.connect(state_url(Settings(database_url=server.url()))) as session:
                told = {name: session.execute(f"SHOW {name}").fetchone() for name in KEEPALIVES}
        finally:
            server.stop()
    assert told == {name: (str(value),) for name, value in KEEPALIVES.items()}
