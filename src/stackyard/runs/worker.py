"""The worker: takes jobs from the queue, and looks after runs that nobody looks after any more."""

import asyncio
import os
import shutil
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from django.db.models import Q
from procrastinate import App
from procrastinate.contrib.django import app as queue_app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from stackyard.cmdb.models import Run, RunStatus
from stackyard.cmdb.models.environment import GONE
from stackyard.runs import mail, schedule
from stackyard.runs.approve import end_overdue
from stackyard.runs.compact import Compaction
from stackyard.runs.database import in_database
from stackyard.runs.lease import silent_runs
from stackyard.runs.queue import line, wake
from stackyard.settings import Settings

logger = structlog.get_logger()


def worker_name() -> str:
    """Host and process, as shown on the runs page."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def work(
    settings: Settings,
    *,
    install_signal_handlers: bool = True,
    beside: Sequence[Callable[[Settings], Coroutine[Any, Any, None]]] = (),
) -> None:
    """Work until stopped. A first SIGINT or SIGTERM lets running runs end, as procrastinate does. `beside`: what goes
    on as long, from rooms that this one does not know."""
    app = queue_app.with_connector(queue_app.connector.get_worker_connector())  # type: ignore[attr-defined]
    async with app.open_async():
        keepers = [asyncio.create_task(keep(settings)) for keep in beside]
        keepers.append(asyncio.create_task(_look_after(app, settings)))
        try:
            await app.run_worker_async(
                queues=["runs"],
                name=worker_name(),
                # A call that this worker has no slot for waits for whoever has one.
                concurrency=settings.run_slots,
                delete_jobs="always",
                update_heartbeat_interval=max(1.0, settings.lease_seconds / 4),
                stalled_worker_timeout=float(settings.lease_seconds),
                install_signal_handlers=install_signal_handlers,
            )
        finally:
            for keeper in keepers:
                keeper.cancel()


async def _look_after(app: App, settings: Settings) -> None:
    """Call again for runs whose worker fell silent, and for waiting runs whose call got lost with a worker; ask
    for what is due by itself."""
    posting: set[asyncio.Task[None]] = set()
    compaction = Compaction(settings.log_days)

    async def call_again() -> None:
        for run_id in await in_database(_forgotten):
            logger.info("calling for a worker", run=run_id)
            await in_database(wake, run_id)

    async def end_what_nobody_approved() -> None:
        for run_id in await in_database(end_overdue):
            logger.info("nobody approved a run in time", run=run_id)

    async def do_what_is_due() -> None:
        if letters := await in_database(schedule.tick, settings):
            # Beside: a mail server that does not answer must not keep us from looking after runs.
            task = asyncio.create_task(asyncio.to_thread(mail.send, letters, settings))
            posting.add(task)
            task.add_done_callback(posting.discard)

    while True:
        await _each(
            call_again,
            partial(_end_stalled_jobs, app, settings.lease_seconds),
            end_what_nobody_approved,
            do_what_is_due,
            partial(in_database, sweep, settings.data.resolve() / "work"),
            partial(in_database, compaction.tick),
        )
        await asyncio.sleep(max(1.0, settings.lease_seconds / 4))


async def _each(*chores: Callable[[], Awaitable[object]]) -> None:
    """Do each of them, also when one before it fails: what it is about must not keep environments from expiring."""
    for chore in chores:
        try:
            await chore()
        except (ConnectorException, OSError) as error:
            logger.warning("could not look after runs", error=str(error))
        except Exception:
            logger.exception("looking after runs failed")


def _forgotten() -> list[int]:
    """Runs whose worker fell silent, and the first that has a place: whoever takes it calls for the next."""
    return [*silent_runs().order_by("id").values_list("pk", flat=True), *[turn.run for turn in line() if turn.now][:1]]


def sweep(work: Path) -> None:
    """Remove work folders on this machine whose run ended elsewhere, as one that was rejected while it waited.

    Code and state are not in them, but saved plans are, which hold values in clear. Those of runs that need attention
    are kept until their environment is gone.
    """
    folders = {f.name: f for f in work.glob("*-*")} if work.is_dir() else {}
    ids = [int(last) for name in folders if (last := name.rpartition("-")[2]).isdecimal()]
    ended = Q(status__in=(RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED)) | Q(
        status=RunStatus.ATTENTION, environment__status__in=GONE
    )
    for uid, number in Run.objects.filter(ended, pk__in=ids).values_list("environment__uid", "pk"):
        if folder := folders.get(f"{uid}-{number}"):
            shutil.rmtree(folder, ignore_errors=True)


async def _end_stalled_jobs(app: App, seconds: int) -> None:
    """Jobs of dead workers stay `doing` for ever by themselves. They are only wake-up calls: end them."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=float(seconds)):
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
