"""Look at issues: read them as they are now and do what was asked and not done yet.

A delivery only says which issue to look at, so deliveries may come twice, late, in any order or not at all. Each wish
has a key (the issue, the comment); its row is written in the transaction that fulfils it.
"""

import datetime as dt
from collections.abc import Callable

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from stackyard.cmdb.models import GithubCursor, GithubDelivery, GithubIssue, GithubRequest
from stackyard.errors import Forbidden, Invalid, LeaseLost, NotFound, StackyardError, Unavailable, Unusable
from stackyard.github.client import Client, Comment, Issue, Person
from stackyard.github.commands import AGAIN, Said, command_in, fill_in, obey, person_of, quoted
from stackyard.github.outbox import pause
from stackyard.github.reading import read_form
from stackyard.github.text import code, listed
from stackyard.github_api.connection import Away
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
        guid = f"poll:{issue.number}:{issue.updated_at.isoformat()}"
        GithubDelivery.objects.get_or_create(guid=guid, defaults={"event": "poll", "number": issue.number})
        newest = max(newest, issue.updated_at)
    GithubCursor.objects.filter(pk=cursor.pk).update(polled_at=now, read_to=newest)
    GithubDelivery.objects.filter(done_at__lt=now - KEPT).delete()


def read(client: Client, cursor: GithubCursor) -> None:
    """Look at every issue that is due. Raises Away, Unusable and NotFound of the repository: then all stays due."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    waiting = GithubDelivery.objects.filter(done_at=None)
    for number in dict.fromkeys(waiting.filter(due).order_by("pk").values_list("number", flat=True)):
        ids = list(waiting.filter(number=number).values_list("pk", flat=True))
        try:
            _look_at(client, number, cursor)
        except Exception as error:
            _postpone(client, ids, error)
        else:
            GithubDelivery.objects.filter(pk__in=ids).update(done_at=timezone.now())
            GithubDelivery.objects.filter(number=number).exclude(problem="").update(problem="")


def _look_at(client: Client, number: int, cursor: GithubCursor) -> None:
    """Do and note all that is asked in it."""
    issue = client.issue(number)
    if issue.author.login.lower() != client.login.lower():
        _read_form(issue, cursor)
    if not GithubRequest.objects.filter(number=number).exists() and not _is_log(number):
        return  # an issue of other people about other things
    for comment in client.comments(number):
        if comment.at >= cursor.began_at and comment.author.login.lower() != client.login.lower():
            _read_comment(issue, comment)


def unread() -> list[str]:
    """One sentence for each issue that cannot be read, and each that was given up within the last 30 days."""
    lines = {}
    for row in GithubDelivery.objects.exclude(problem="").order_by("pk"):
        until = "is given up: whatever is asked there has to be asked again" if row.done_at else "is tried again"
        lines[row.number] = f"Issue #{row.number} cannot be read and {until}. {row.problem}"
    return list(lines.values())


def _postpone(client: Client, ids: list[int], error: Exception) -> None:
    """Not this issue now, but the others. Raises what holds all of them: GitHub asks to be left alone, takes no token,
    or does not answer for the repository either."""
    if isinstance(error, Unusable) or (isinstance(error, Away) and error.whole):
        raise error
    if isinstance(error, (Away, NotFound, Forbidden)):
        client.reach()
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


def _is_log(number: int) -> bool:
    return GithubIssue.objects.filter(number=number).exists()


def _read_form(issue: Issue, cursor: GithubCursor) -> None:
    if issue.at < cursor.began_at or issue.closed:
        return
    try:
        if read_form(issue.body) is None:
            return
    except Invalid:
        pass  # said in the answer

    def act() -> Said:
        return _fill_in(issue, issue.author)

    _once(f"issue:{issue.number}", issue.number, issue.author, "The form", act)


def _fill_in(issue: Issue, author: Person) -> Said:
    filled = read_form(issue.body)
    if filled is None:
        raise Invalid.field("body", "This issue is not from one of the forms.")
    return fill_in(person_of(author), filled, issue.number)


def _read_comment(issue: Issue, comment: Comment) -> None:
    command = command_in(comment.body)
    if command is None or comment.author.is_bot:
        return
    word, argument = command

    def act() -> Said:
        if comment.edited:
            raise Invalid.field(word, "An edited comment is not acted on. Write a new one.")
        user = person_of(comment.author)
        if word == AGAIN:
            row = GithubIssue.objects.select_related("environment").filter(number=issue.number).first()
            if row is not None and not row.environment.is_gone:
                raise Invalid.field(AGAIN, f"{row.environment.slug} is there already.")
            return _fill_in(issue, comment.author)
        return obey(user, issue.number, word, argument, comment.at)

    _once(f"comment:{comment.id}", issue.number, comment.author, f"{word} {argument}".strip(), act)


def _once(key: str, number: int, author: Person, what: str, act: Callable[[], Said]) -> None:
    """Do it unless it was done, and write what to answer, both or neither."""
    if GithubRequest.objects.filter(key=key).exists():
        return
    row = GithubRequest(key=key, number=number, login=author.login[:100])
    try:
        with transaction.atomic():
            said = act()
            row.answer = f"{quoted(author, what)} {said.text}" if said.text else ""
            row.closes = said.closes
            row.answered_at = None if row.answer or row.closes else timezone.now()
            row.save()
    except (Unavailable, LeaseLost):
        raise
    except IntegrityError:
        if not GithubRequest.objects.filter(key=key).exists():
            raise
    except StackyardError as error:
        row.pk, row.closes, row.answered_at = None, False, None
        row.answer = f"{quoted(author, what)} not done.\n\n{_refusal(error, key)}"
        row.save()


def _refusal(error: StackyardError, key: str) -> str:
    if isinstance(error, Invalid):
        lines = listed([f"- {code(p.field)}: {code(p.message, 600)}" for p in error.problems])
    else:
        lines = [f"- {code(error.message, 600)}"]
    if error.hint:
        lines.append(f"- {code(error.hint, 600)}")
    if key.startswith("issue:"):
        lines.append(f"\nCorrect the form above and comment {code(AGAIN)}.")
    return "\n".join(lines)
