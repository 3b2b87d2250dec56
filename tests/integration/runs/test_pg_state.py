"""Terraform's state is put and read where its backend keeps it; where that is otherwise, Terraform is asked."""

import json

from django.db import connection

from stackyard.runs.pg_state import _insert, _read
from stackyard.terraform.commands import empty_state


def test_the_first_state_stays(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA kept")
        cursor.execute("CREATE TABLE kept.states (id serial PRIMARY KEY, name text UNIQUE, data text)")
    assert _read("kept") is None
    assert _insert("kept", empty_state("abcdefgh"))
    with connection.cursor() as cursor:
        resource = {"mode": "managed", "type": "aws_sqs_queue", "name": "this", "instances": [{"attributes": {}}]}
        stands = {**json.loads(empty_state("abcdefgh")), "resources": [resource]}
        cursor.execute("UPDATE kept.states SET data = %s", [json.dumps(stands)])
    assert _insert("kept", empty_state("otherone")), "a state that is there is left alone"
    found = _read("kept")
    assert found is not None
    assert [r.address for r in found.resources] == ["aws_sqs_queue.this"]


def test_without_such_a_table_it_is_left_to_terraform(db: None) -> None:
    assert not _insert("nowhere", empty_state("abcdefgh"))
    assert _read("nowhere") is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")  # and the connection is as good as before
