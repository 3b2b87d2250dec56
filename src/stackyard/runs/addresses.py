"""The list of address blocks: as CSV, and as `cidr.csv` in the record, one commit whenever it differs from before."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from stackyard.cmdb.addresses import InUse, claim, give_back, relevant
from stackyard.cmdb.models import AddressBlock, Environment
from stackyard.record.repository import Record
from stackyard.settings import Settings

FILE = "cidr.csv"

COLUMNS = (
    *("pool", "block", "first", "last", "addresses", "purpose"),
    *("environment", "sandbox", "department", "account_id", "since"),
)


def call_for_list() -> None:
    """Let a worker write the list, once the surrounding transaction is committed. A call that still waits is enough:
    it will read what is committed by now."""
    transaction.on_commit(_defer)


def _defer() -> None:
    from stackyard.runs.tasks import record_addresses  # tasks import this module

    if ProcrastinateJob.objects.filter(queueing_lock="address-list", status="todo").exists():
        return
    try:
        with transaction.atomic():
            # One writer at a time on all machines, so that nobody's push meets another list.
            record_addresses.configure(lock="address-list", queueing_lock="address-list").defer()
    except AlreadyEnqueued:
        pass


def settle_blocks(environment: Environment, in_use: Sequence[InUse]) -> list[str]:
    """Change blocks of a new environment that the account uses already for others; returns what was changed, in
    sentences. They were claimed without a look at AWS, because nobody who presses a button should wait for that."""
    told = []
    with transaction.atomic():
        held = AddressBlock.objects.filter(environment=environment, released_at=None).select_related("pool")
        for block in held.order_by("pool_id", "block"):
            met = next((use for use in relevant(block.pool, in_use) if use.block.overlaps(block.block)), None)
            if met is None:
                continue
            give_back([block])
            new = claim(
                block.pool, block.block.prefixlen, purpose=block.purpose, environment=environment, in_use=in_use
            )
            told.append(f"{block.block} is used by {met.what}, so it becomes {new.block}.")
        if told:
            call_for_list()
    return told


def record_list(settings: Settings) -> None:
    """Write the list of all held blocks into the record."""
    held = AddressBlock.objects.filter(released_at=None).order_by("pool__name", "block")
    text = as_csv(held.select_related("pool", "environment__sandbox__department"))
    Record.from_settings(settings).write(FILE, text, "Address blocks")


def as_csv(blocks: Iterable[AddressBlock]) -> str:
    """Held blocks, one line each, below a line of names. Read with their pool, environment, sandbox and department."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in blocks:
        env = row.environment
        owner = (env.slug, env.sandbox.name, env.department.name, env.sandbox.account_id) if env else ("", "", "", "")
        place = (row.pool.name, row.block, row.block[0], row.block[-1], row.block.num_addresses)
        writer.writerow((*place, _inert(row.purpose), *owner, row.created_at.isoformat(timespec="seconds")))
    return text.getvalue()


def _inert(text: str) -> str:
    """What a spreadsheet would take for a formula is marked as text (CWE-1236)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\n")) else text
