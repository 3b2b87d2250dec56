"""As an application developer I get the whole line from host name to database, and nobody ever sees its password."""

import io
import json
import subprocess

import pytest
from django.core.management import call_command

from stackyard.cmdb.sealing import unseal
from stackyard.settings import get_settings
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey


def test_from_host_name_to_database_proven_and_gone(yard: Yard) -> None:
    run = yard.create(pattern="ecs-web-db", database__engine="postgres")
    yard.carry(run)

    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.status) == ("succeeded", "ready"), run.error + log_of(run)
    for hop in (
        "Certificate",
        "Subnets of the tasks",
        "Secret",
        "Listener rule",
        "Target group",
        "Way to the tasks",
        "Way to the database",
    ):
        assert f"{hop}: fits." in log_of(run), "it was proven before anything was built"
    assert not any(hop["planned"] for hop in env.hops), "what is proven took the place of what was planned"
    told = [(h["title"], h["ok"]) for h in env.hops]
    assert all(ok for _, ok in told), told
    assert {"DNS record", "Database", "Secret"} <= {title for title, _ in told}, told

    # The task reads the very password that the database was made with, and only from there.
    password = unseal(env.sealed)["database_password"]
    arn = next(r["arn"] for r in env.resources if r["type"] == "aws_secretsmanager_secret")
    kept = yard.access(env.sandbox).client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    assert json.loads(kept)["password"] == password
    assert password not in log_of(run)
    assert password not in everything_in_the_database()
    assert not in_record(password)

    gone = yard.destroy(env)
    yard.carry(gone)

    env.refresh_from_db()
    assert (gone.status, gone.leftovers, env.status) == ("succeeded", [], "destroyed"), gone.error + log_of(gone)
    assert env.sealed == ""


def everything_in_the_database() -> str:
    """Every row of every table but Terraform's own state, which holds what it made."""
    text = io.StringIO()
    call_command("dumpdata", stdout=text)
    return text.getvalue()


def in_record(text: str) -> bool:
    """Whether any commit of the record ever held the text."""
    record = get_settings().data / "record"
    found = subprocess.run(
        ["git", "log", "--all", "--oneline", "-S", text], cwd=record, capture_output=True, text=True, check=True
    )
    return bool(found.stdout.strip())
