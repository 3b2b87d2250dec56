"""The queue's tasks. A job wakes a worker; whether there is work is decided by the run row."""

import structlog
from procrastinate.contrib.django import app

from stackyard.runs.addresses import record_list
from stackyard.runs.database import in_database
from stackyard.runs.lease import claim_next
from stackyard.runs.worker import worker_name
from stackyard.settings import get_settings

logger = structlog.get_logger()


@app.task(name="stackyard.execute", queue="runs")
async def execute(run_id: int) -> None:
    """Carry the run whose turn it is, if there is one with a place; it need not be the one that was called for."""
    from stackyard.runs.walker import carry  # the walker needs AWS and Terraform; a server that only defers does not

    settings = get_settings()
    lease = await in_database(claim_next, worker_name(), settings.lease_seconds, settings.other_host_seconds)
    if lease is None:
        logger.debug("nothing to claim", called_for=run_id)
        return
    await carry(lease, settings)


@app.task(name="stackyard.record_addresses", queue="runs")
async def record_addresses() -> None:
    """Bring the list of address blocks in the record up to date."""
    await in_database(record_list, get_settings())
