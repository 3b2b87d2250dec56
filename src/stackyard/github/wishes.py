"""What is asked in one issue: by its form, and by its comments.

Each wish has a key (the issue, the comment); its row is written in the transaction that fulfils it.
"""

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.utils import timezone

from stackyard.cmdb.models import GithubCursor, GithubIssue, GithubRequest
from stackyard.errors import Conflict, Invalid, LeaseLost, StackyardError, Unavailable
from stackyard.github.client import Client, Comment, Issue, Person
from stackyard.github.commands import Said, command_in, fill_in, obey, person_of, quoted
from stackyard.github.edits import check_comment, check_form, check_form_at
from stackyard.github.reading import read_form
from stackyard.github.text import AGAIN, code, listed


def read_issue(client: Client, issue: Issue, cursor: GithubCursor) -> None:
    """Do what its form asks for, once, with its author's rights."""
    if issue.at < cursor.began_at:
        return
    try:
        if read_form(issue.body) is None:
            return
    except Invalid:
        pass  # said in the answer

    def check() -> None:
        if issue.closed:
            raise Conflict(
                "It was closed before it was read, so nothing was started.",
                hint=f"Comment {AGAIN} if it is wanted after all.",
            )
        check_form(client, issue)

    def act() -> Said:
        return _fill_in(issue, issue.author)

    row = GithubRequest(key=f"issue:{issue.number}", repository=issue.repository, number=issue.number)
    once(row, issue.author, "The form", check, act)


def read_comment(client: Client, issue: Issue, comment: Comment) -> None:
    """Do what a comment of the issue asks for, once, with the rights of whoever wrote it."""
    command = command_in(comment.body)
    if command is None or comment.author.is_bot:
        return
    word, argument = command
    now = issue

    def check() -> None:
        nonlocal now
        check_comment(client, comment)
        if word == AGAIN:
            now = client.issue(issue.number)  # it was read before the comments were, and may have been edited between
            check_form_at(client, now, comment)

    def act() -> Said:
        user = person_of(comment.author)
        if word == AGAIN:
            here = GithubIssue.objects.filter(repository=issue.repository, number=issue.number)
            told = here.select_related("environment").first()
            if told is not None and not told.environment.is_gone:
                raise Invalid.field(AGAIN, f"{told.environment.slug} is there already.")
            return _fill_in(now, comment.author)
        return obey(user, issue, word, argument, comment.at)

    row = GithubRequest(key=f"comment:{comment.id}", repository=issue.repository, number=issue.number)
    once(row, comment.author, f"{word} {argument}".strip(), check, act)


def once(row: GithubRequest, author: Person, what: str, check: Callable[[], None], act: Callable[[], Said]) -> None:
    """Do it unless it was done, and write what to answer, both or neither. `row`: its key, and where it was asked.
    `check` may ask GitHub, before anything is locked. Raises Unavailable and LeaseLost: then nothing was done."""
    done = GithubRequest.objects.filter(repository=row.repository, key=row.key)
    if done.exists():
        return
    row.login = author.login[:100]
    try:
        check()
        with transaction.atomic():
            said = act()
            row.answer = f"{quoted(author, what)} {said.text}" if said.text else ""
            row.closes = said.closes
            row.answered_at = None if row.answer or row.closes else timezone.now()
            row.save()
    except (Unavailable, LeaseLost):
        raise
    except IntegrityError:
        if not done.exists():
            raise
    except StackyardError as error:
        row.pk, row.closes, row.answered_at = None, False, None
        row.answer = f"{quoted(author, what)} not done.\n\n{_refusal(error, row.key)}"
        row.save()


def _fill_in(issue: Issue, author: Person) -> Said:
    filled = read_form(issue.body)
    if filled is None:
        raise Invalid.field("body", "This issue is not from one of the forms.")
    return fill_in(person_of(author), filled, issue)


def _refusal(error: StackyardError, key: str) -> str:
    if isinstance(error, Invalid):
        lines = listed([f"- {code(p.field)}: {code(p.message, 600)}" for p in error.problems])
    else:
        lines = [f"- {code(error.message, 600)}"]
    if error.hint:
        lines.append(f"- {code(error.hint, 600)}")
    if key.startswith("issue:") and AGAIN not in error.hint:
        lines.append(f"\nCorrect the form above and comment {code(AGAIN)}.")
    return "\n".join(lines)
