"""Look at issues: read them as they are now and do what was asked and not done yet.

A delivery only says which issue to look at, so deliveries may come twice, late, in any order or not at all. `wishes`
does what is asked there.
"""

import datetime as dt

import structlog
from django.db.models import Q
from django.utils import timezone

from stackyard.cmdb.models import GithubCursor, GithubDelivery, GithubIssue, GithubRequest
from stackyard.errors import NotFound, StackyardError
from stackyard.github.client import Client
from stackyard.github.outbox import pause
from stackyard.github.wishes import read_comment, read_issue
from stackyard.settings import Settings

logger = structlog.get_logger()

OVERLAP = dt.timedelta(minutes=2)
"""So much is read again when polling: clocks differ, and an issue may be listed late."""

KEPT = dt.timedelta(days=30)
GIVEN_UP_AFTER = dt.timedelta(days=1)
"""So long an issue is tried again that cannot be read; staff are told."""

TRIES_IF_GONE = 5
"""So often one that is not there: just after it was opened GitHub may not know it everywhere."""


def poll(client: Client, cursor: GithubCursor, settings: Settings) -> None:
    """Note every issue in which something happened since the last time, if it is time to ask again."""
    now = timezone.now()
    if not settings.github_poll_seconds:
        return
    if cursor.polled_at and now - cursor.polled_at < dt.timedelta(seconds=settings.github_poll_seconds):
        return
    newest = cursor.read_to or cursor.began_at
    for issue in client.issues(newest - OVERLAP):
        guid = f"poll:{cursor.pk}:{issue.number}:{issue.updated_at.isoformat()}"
        found = {"event": "poll", "repository": issue.repository, "number": issue.number}
        GithubDelivery.objects.get_or_create(guid=guid, defaults=found)
        newest = max(newest, issue.updated_at)
    GithubCursor.objects.filter(pk=cursor.pk).update(polled_at=now, read_to=newest)
    GithubDelivery.objects.filter(done_at__lt=now - KEPT).delete()


def read(client: Client, cursor: GithubCursor) -> None:
    """Look at every issue that is due. Raises Away, Unusable and NotFound of the repository: then all stays due."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    waiting = GithubDelivery.objects.filter(done_at=None, repository=client.home)
    waiting = waiting.exclude(event=GithubDelivery.PULL_COMMENT)
    for number in dict.fromkeys(waiting.filter(due).order_by("pk").values_list("number", flat=True)):
        ids = list(waiting.filter(number=number).values_list("pk", flat=True))
        try:
            _look_at(client, number, cursor)
        except Exception as error:
            _postpone(client, ids, error)
        else:
            GithubDelivery.objects.filter(pk__in=ids).update(done_at=timezone.now())
            GithubDelivery.objects.filter(repository=client.home, number=number).exclude(problem="").update(problem="")


def _look_at(client: Client, number: int, cursor: GithubCursor) -> None:
    """Do and note all that is asked in it."""
    issue = client.issue(number)
    if issue.author.login.lower() != client.login.lower():
        read_issue(client, issue, cursor)
    here = {"repository": issue.repository, "number": number}
    asked = GithubRequest.objects.filter(pull=None, **here)
    if not asked.exists() and not GithubIssue.objects.filter(**here).exists():
        return  # an issue of other people about other things
    for comment in client.comments(number):
        if comment.at >= cursor.began_at and comment.author.login.lower() != client.login.lower():
            read_comment(client, issue, comment)


def unread() -> list[str]:
    """One sentence for each issue that cannot be read, and each that was given up within the last 30 days."""
    lines = {}
    for row in GithubDelivery.objects.exclude(problem="").order_by("pk"):
        until = "is given up: whatever is asked there has to be asked again" if row.done_at else "is tried again"
        lines[row.repository, row.number] = (
            f"Issue {row.repository}#{row.number} cannot be read and {until}. {row.problem}"
        )
    return list(lines.values())


def _postpone(client: Client, ids: list[int], error: Exception) -> None:
    """Not this issue now, but the others. Raises what holds all of them: GitHub asks to be left alone, takes no token,
    or does not answer for the repository either."""
    client.raise_if_all(error)
    rows = GithubDelivery.objects.filter(pk__in=ids)
    tries, since = max(rows.values_list("tries", flat=True)), min(rows.values_list("received_at", flat=True))
    now, gone = timezone.now(), isinstance(error, NotFound)
    over = tries + 1 >= TRIES_IF_GONE if gone else now - since >= GIVEN_UP_AFTER
    why = error.message if isinstance(error, StackyardError) else f"reading it failed here: {type(error).__name__}"
    if isinstance(error, StackyardError):
        logger.warning("an issue cannot be read now", issue=rows[0].number, reason=why)
    else:
        logger.error("reading an issue failed", issue=rows[0].number, exc_info=error)
    rows.update(
        tries=tries + 1,
        not_before=now + pause(tries),
        done_at=now if over else None,
        problem="" if over and gone else why,
    )
