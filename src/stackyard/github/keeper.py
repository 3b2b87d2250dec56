"""Keeps GitHub and the CMDB in step, beside a worker. All workers ask; a lock in the database lets one at a time do it.

Everything still to be done is in rows, so a restart forgets nothing, and an outage only makes it later.
"""

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import close_old_connections, connection, connections
from django.db.models import Max
from django.utils import timezone

from stackyard.cmdb.models import (
    GithubCursor,
    GithubDelivery,
    GithubIssue,
    GithubLog,
    GithubRequest,
    PullRequest,
    Run,
)
from stackyard.errors import StackyardError
from stackyard.github.client import Client
from stackyard.github.inbox import poll, read, unread
from stackyard.github.outbox import note_new_runs, pause, write_answers, write_issues
from stackyard.github.pull_client import PullClient
from stackyard.github.pulls import keep_pulls
from stackyard.github.repositories import repositories
from stackyard.github_api.connection import Away, has_credentials, is_configured
from stackyard.settings import Settings

logger = structlog.get_logger()

PAUSE_SECONDS = 0.5


async def keep_up(settings: Settings) -> None:
    """Work until cancelled; returns at once when there is no way into GitHub."""
    if not has_credentials(settings):
        return
    client = Client(settings)
    pulls = PullClient(settings) if settings.record_pull_requests and is_configured(settings) else None
    while True:
        try:
            await asyncio.to_thread(_with_connection, settings, client, pulls)
        except Exception:
            logger.exception("keeping up with GitHub failed")
        await asyncio.sleep(PAUSE_SECONDS)


def _with_connection(settings: Settings, client: Client, pulls: PullClient | None) -> None:
    close_old_connections()
    try:
        tick(settings, client, pulls)
    finally:
        connections.close_all()


def tick(settings: Settings, client: Client, pulls: PullClient | None = None) -> None:
    """Read what was asked, do it, and tell how everything stands: as much as is due now, in every repository of issues.
    `client`: speaks to the installation's own. `pulls`: the record's repository, where changes go through pull
    requests."""
    with _alone() as alone:
        if not alone:
            return
        note_new_runs(_log(), settings)
        names = repositories(settings)
        for name in names:
            _keep(settings, client.of(name), pulls if name == client.home else None)
        # What is asked where nobody listens does not count, also when it is listened to again.
        GithubCursor.objects.exclude(repository__in=names).delete()


def _keep(settings: Settings, client: Client, pulls: PullClient | None) -> None:
    """One repository. What is in the way there does not hold the others."""
    cursor = GithubCursor.objects.get_or_create(repository=client.home)[0]
    if cursor.not_before is not None and cursor.not_before > timezone.now():
        return
    try:
        poll(client, cursor, settings)
        read(client, cursor)
        write_answers(client)
        write_issues(client, settings.public_url)
        if pulls is not None:
            keep_pulls(pulls, settings)
    except StackyardError as error:
        _leave_alone(cursor, error)
    else:
        if cursor.tries:
            GithubCursor.objects.filter(pk=cursor.pk).update(tries=0, not_before=None, problem="")


def standing() -> list[str]:
    """What waits to be read and written, and what is in the way, as lines for platform staff."""
    lines = [
        f"Issues and comments to be looked at: {GithubDelivery.objects.filter(done_at=None).count()}",
        f"Answers to be written: {GithubRequest.objects.filter(answered_at=None).count()}",
        f"Issues to be brought up to date: {GithubIssue.objects.filter(settled=False).count()}",
    ]
    if waiting := PullRequest.objects.filter(settled=False).count():
        lines.append(f"Pull requests that are open: {waiting}")
    for pull in PullRequest.objects.filter(settled=False).exclude(problem="").order_by("pk"):
        lines.append(f"{pull.branch}: {pull.problem}")
    lines.extend(unread())
    for row in GithubIssue.objects.exclude(problem="").select_related("environment").order_by("pk"):
        lines.append(f"{row.environment.slug}: {row.problem}")
    for cursor in GithubCursor.objects.exclude(problem="").order_by("repository"):
        lines.append(f"At the last try, {cursor.repository}: {cursor.problem}")
    return lines


def _leave_alone(cursor: GithubCursor, error: StackyardError) -> None:
    """Wait as long as GitHub asks for, else longer after each failure in a row."""
    asked = error.seconds if isinstance(error, Away) else None
    wait = dt.timedelta(seconds=asked) if asked is not None else pause(cursor.tries)
    logger.warning(
        "GitHub is left alone for a while",
        repository=cursor.repository,
        reason=error.message,
        seconds=wait.total_seconds(),
    )
    GithubCursor.objects.filter(pk=cursor.pk).update(
        tries=cursor.tries + 1, not_before=timezone.now() + wait, problem=str(error)
    )


def _log() -> GithubLog:
    """The one row. Made at the first time: what was before is not told."""
    found = GithubLog.objects.first()
    if found is None:
        newest = Run.objects.aggregate(newest=Max("pk"))["newest"] or 0
        found = GithubLog.objects.create(first_run=newest, seen_run=newest)
    return found


@contextmanager
def _alone() -> Iterator[bool]:
    """True for one process at a time. The lock is the connection's, so it ends with a process that is killed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended('github', 0))")
        row = cursor.fetchone()
        got = bool(row and row[0])
    try:
        yield got
    finally:
        if got:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended('github', 0))")
