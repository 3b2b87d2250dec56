"""Keep the pull requests of runs: open them, tell the plan in one comment, and act on what people did to them.

What is wanted is in rows. A pull request is known again by its branch and a comment by its marker, so that nothing is
written twice when an answer got lost.
"""

import datetime as dt
import hashlib

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from stackyard.cmdb.models import PullRequest, Run, RunStatus
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, StackyardError
from stackyard.github.commands import person_of
from stackyard.github.outbox import find_comment, pause, write_answers
from stackyard.github.pull_client import Pull, PullClient
from stackyard.github.pull_comments import forget, is_heard, read_comments
from stackyard.github.pull_text import body_of, comment_of, mark_of, title_of
from stackyard.github.text import code
from stackyard.runs.approve import approve, plan_again
from stackyard.runs.cancel import stop
from stackyard.settings import Settings

logger = structlog.get_logger()

CONFLICTS = "GitHub cannot merge it: it conflicts with main. Settle that on the branch; it is planned again then."
"""Also what stands in the row, so that it goes away when GitHub can merge it again."""


def keep_pulls(client: PullClient, settings: Settings) -> None:
    """Bring every pull request that is not settled one step further. Raises what holds all of them; the rest waits in
    its own row."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    for row in PullRequest.objects.filter(due, settled=False).order_by("pk"):
        try:
            _keep(client, row, settings)
        except StackyardError as error:
            client.raise_if_all(error)
            logger.warning("a pull request could not be kept", branch=row.branch, reason=error.message)
            PullRequest.objects.filter(pk=row.pk).update(
                tries=F("tries") + 1, not_before=timezone.now() + pause(row.tries), problem=error.message
            )


def note_delivery(number: int) -> None:
    """GitHub says that something happened to a pull request: it is looked at next."""
    PullRequest.objects.filter(number=number, settled=False).update(looked_at=None, not_before=None)


def is_kept(number: int) -> bool:
    """Whether a pull request of this number is open, as far as is known here."""
    return PullRequest.objects.filter(number=number, settled=False).exists()


def _keep(client: PullClient, row: PullRequest, settings: Settings) -> None:
    run = _run(row)
    if row.number is None:
        if run.status != RunStatus.WAITING and not row.merge_wanted:  # the branch may not be pushed yet
            if not run.is_active:
                PullRequest.objects.filter(pk=row.pk).update(settled=True)
            return
        found = client.of_branch(row.branch) or client.propose(
            row.branch, title_of(run), body_of(run, settings.public_url)
        )
        row.number, row.url = found.number, found.url[:300]
        PullRequest.objects.filter(pk=row.pk).update(number=row.number, url=row.url)
    if is_heard(row) or _is_due(row.read_at, settings):
        read_comments(client, row)
        row.refresh_from_db()
        run = _run(row)
    over = False
    if row.merge_wanted or not run.is_active or (run.status == RunStatus.WAITING and _is_due(row.looked_at, settings)):
        over = _look(client, row, client.pull(row.number))
    _tell(client, row, _run(row), settings.public_url)
    write_answers(client, row)
    if over:
        PullRequest.objects.filter(pk=row.pk).update(settled=True)
        forget(row)
    if row.tries:
        PullRequest.objects.filter(pk=row.pk).update(tries=0, not_before=None, problem="")


def _is_due(last: dt.datetime | None, settings: Settings) -> bool:
    if last is None:
        return True
    every = settings.github_poll_seconds
    return bool(every) and timezone.now() - last >= dt.timedelta(seconds=every)


def _tell(client: PullClient, row: PullRequest, run: Run, portal: str) -> None:
    """The one comment, edited in place; written again when somebody deleted it. Nothing when it says so already."""
    assert row.number is not None
    text = comment_of(row, run, portal)
    digest = hashlib.sha256(text.encode()).hexdigest()
    plan = str(run.plan.get("digest", ""))[:64]
    if row.shown == digest and row.plan_shown == plan:
        return
    at: dt.datetime | None = None
    if row.comment is not None:
        try:
            at = client.edit(row.comment, text)
        except NotFound:
            row.comment = None
    if row.comment is None:
        row.comment = find_comment(client, row.number, mark_of(run)) or client.comment(row.number, text)
        PullRequest.objects.filter(pk=row.pk).update(comment=row.comment)
        at = client.edit(row.comment, text)
    row.shown = digest
    if row.plan_shown != plan:
        row.plan_shown, row.plan_shown_at = plan, at
    row.save(update_fields=["shown", "plan_shown", "plan_shown_at"])


def _look(client: PullClient, row: PullRequest, pull: Pull) -> bool:
    """Act on what GitHub says, and merge or close what is to be merged or closed. True: nothing more can come of it."""
    seen_at = row.looked_at
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("environment").get(pk=row.run_id)
        row.refresh_from_db()
        if pull.merged_at is not None:
            _note_merge(client, row, run, pull)
        elif pull.closed:
            row.closed = True
            if run.status == RunStatus.WAITING:
                run.error = "The pull request was closed without a merge, so nothing was applied."
                run.hint = "Ask for the change again, should it be wanted after all."
                stop(run)
        elif run.status == RunStatus.WAITING and pull.head not in row.heads:
            _plan_again(row, run)
        elif run.status == RunStatus.WAITING:
            row.note = CONFLICTS if pull.conflicts else "" if row.note == CONFLICTS else row.note
        if row.looked_at == seen_at:  # else another delivery came meanwhile
            row.looked_at = timezone.now()
        row.save(update_fields=["merged", "closed", "note", "edited", "looked_at"])
        ended, merges = not run.is_active, row.merge_wanted and run.status == RunStatus.RUNNING
        merges = merges and run.cancel_requested_at is None
    if pull.closed or pull.merged_at is not None:
        return ended
    if ended:
        client.close(pull.number)
    elif merges:
        _merge(client, row, pull)
    return ended


def _note_merge(client: PullClient, row: PullRequest, run: Run, pull: Pull) -> None:
    """Somebody merged it: that approves the plan that was told there, from whoever may approve it."""
    first, row.merged = not row.merged, True
    if not first or run.status != RunStatus.WAITING:
        return
    if pull.head != row.heads[-1]:
        row.note = "It was merged with an edit that was not planned, so it is planned again."
        return _plan_again(row, run)
    who = code(pull.merged_by.login)
    if pull.merged_by.login.lower() == client.login.lower():
        return
    told = row.plan_shown == str(run.plan.get("digest", ""))[:64] and row.plan_shown_at is not None
    if not told or (row.plan_shown_at and pull.merged_at and pull.merged_at < row.plan_shown_at.replace(microsecond=0)):
        row.note = f"{who} merged it before this plan was told here, so the plan waits for approval."
        return
    try:
        with transaction.atomic():
            approve(
                person_of(pull.merged_by), run, confirmation=run.environment.slug, digest=str(run.plan.get("digest"))
            )
        row.note = f"{who} merged it, which approved the plan."
    except StackyardError as error:
        row.note = f"{who} merged it, which is no approval. {code(error.message, 600)} {code(error.hint, 600)}".strip()


def _plan_again(row: PullRequest, run: Run) -> None:
    row.edited = True
    plan_again(run)


def _merge(client: PullClient, row: PullRequest, pull: Pull) -> None:
    """What was approved here is merged, if it is still that."""
    try:
        client.merge(pull.number, row.heads[-1])
        PullRequest.objects.filter(pk=row.pk).update(merged=True, merge_wanted=False)
    except (NotFound, Forbidden, Conflict, Invalid) as error:
        PullRequest.objects.filter(pk=row.pk).update(refused=error.message, merge_wanted=False)


def _run(row: PullRequest) -> Run:
    return Run.objects.select_related(
        "environment__sandbox__department", "environment__product", "environment__pattern", "requested_by"
    ).get(pk=row.run_id)
