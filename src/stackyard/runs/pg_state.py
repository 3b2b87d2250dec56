"""Terraform's state where its `pg` backend keeps it: a row in a schema of this database, one schema per environment.

Terraform itself tells and takes the same, but each time it is started for that costs a third of a second of a run that
hardly takes longer than what it waits for. Where the table is not as this module knows it, Terraform is asked.
"""

import json

from django.db import ProgrammingError, connection, transaction

from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.terraform.commands import empty_state
from stackyard.terraform.state import State


async def seed_state(ctx: RunContext) -> None:
    """Give a new environment its empty state (`Terraform.seed_state` says why). After init, which makes the table."""
    if not await in_database(_insert, ctx.environment.state_name, empty_state(ctx.environment.uid)):
        await ctx.terraform.seed_state(ctx.environment.uid)


async def standing(ctx: RunContext) -> State:
    """What stands, read once after each apply."""
    if ctx.state is None:
        found = await in_database(_read, ctx.environment.state_name) if ctx.environment.backend == "pg" else None
        ctx.state = found or await ctx.terraform.state()
    return ctx.state


def _insert(schema: str, text: str) -> bool:
    """Whether there is a state now: this one, or the one that was there."""
    table = f"{connection.ops.quote_name(schema)}.states"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (name, data) VALUES ('default', %s) ON CONFLICT (name) DO NOTHING",  # noqa: S608
                [text],
            )
    except ProgrammingError:
        return False
    return True


def _read(schema: str) -> State | None:
    table = f"{connection.ops.quote_name(schema)}.states"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT data FROM {table} WHERE name = 'default'")  # noqa: S608
            row = cursor.fetchone()
    except ProgrammingError:
        return None
    return State.from_json(json.loads(row[0])) if row and row[0] else None
