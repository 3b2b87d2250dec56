"""Bring issues and answers to what they should be. What was not reached stays to be done, in rows; what may have been
written before its answer got lost is looked for by its marker before it is written again."""

import datetime as dt
from collections.abc import Iterator

import structlog
from django.db.models import F, Max, Q
from django.utils import timezone

from stackyard.cmdb.models import Environment, GithubIssue, GithubLog, GithubRequest, PullRequest, Run
from stackyard.environments.issues import repository_of
from stackyard.errors import NotFound, StackyardError
from stackyard.github.client import Client, Issue
from stackyard.github.status import LOGGED, STATES, Look, look_of
from stackyard.github.text import is_marked, marker
from stackyard.settings import Settings

logger = structlog.get_logger()

AT_ONCE = 20
"""So many issues in one go, so that answers do not wait behind a thousand of them."""

FIRST_PAUSE_SECONDS = 5
LONGEST_PAUSE_SECONDS = 900
LATE_COMMITS = 200
"""Runs are numbered before they are committed: so many numbers are looked at again."""


def pause(tries: int) -> dt.timedelta:
    """How long to wait after so many failures in a row."""
    return dt.timedelta(seconds=min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10)))


def note_new_runs(log: GithubLog, settings: Settings) -> None:
    """Make the row of every issue that a new run wants opened or continued. An environment stays with the repository
    that its sandbox named then; one that has no issue gets it with its next run."""
    newest = Run.objects.aggregate(newest=Max("pk"))["newest"] or 0
    after = max(log.first_run, log.seen_run - LATE_COMMITS)
    runs = Run.objects.filter(pk__gt=after, kind__in=LOGGED).select_related("environment__sandbox").order_by("pk")
    known = {r.environment_id: r for r in GithubIssue.objects.filter(environment__in=[r.environment_id for r in runs])}
    for run in runs:
        row = known.get(run.environment_id) or GithubIssue(environment=run.environment, settled=True)
        if (row.settled or not row.repository) and row.settled_run < run.pk:
            row.repository = row.repository or repository_of(run.environment.sandbox, settings)
            row.settled, row.settled_run = not row.repository, row.settled_run if row.repository else run.pk
            row.save()
        known[run.environment_id] = row
    if newest != log.seen_run:
        GithubLog.objects.filter(pk=log.pk).update(seen_run=newest)


def write_answers(client: Client, pull: PullRequest | None = None) -> None:
    """Say what has to be said about what was asked in issues, or on one pull request. Raises what
    holds all of them; the rest waits in its own row."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    rows = GithubRequest.objects.filter(due, answered_at=None, repository=client.home, pull=pull)
    for request in rows.order_by("pk")[:AT_ONCE]:
        try:
            _answer(client, request)
        except StackyardError as error:
            client.raise_if_all(error)
            logger.warning("an answer on GitHub could not be written", issue=request.number, reason=error.message)
            _later(GithubRequest, request)


def write_issues(client: Client, portal: str) -> None:
    """Bring every issue that is not settled up to date, each in its turn: what was not looked at yet, then what was
    not looked at for longest. Raises what holds all of them, as `raise_if_all` says; the rest waits in its own row."""
    due = Q(not_before=None) | Q(not_before__lte=timezone.now())
    rows = GithubIssue.objects.filter(due, settled=False, repository=client.home).select_related(
        "environment__sandbox__department", "environment__product", "environment__pattern", "environment__owner"
    )
    for row in rows.order_by(F("not_before").asc(nulls_first=True), "pk")[:AT_ONCE]:
        try:
            _write(client, row, portal)
        except StackyardError as error:
            client.raise_if_all(error)
            logger.warning("an issue could not be written", environment=row.environment.slug, reason=error.message)
            _later(GithubIssue, row, error)


def _later(
    model: type[GithubIssue] | type[GithubRequest], row: GithubIssue | GithubRequest, *why: StackyardError
) -> None:
    values = {"problem": why[0].message} if why else {}
    model._default_manager.filter(pk=row.pk).update(
        tries=F("tries") + 1, not_before=timezone.now() + pause(row.tries), **values
    )


def _write(client: Client, row: GithubIssue, portal: str) -> None:
    runs = row.environment.runs.filter(kind__in=LOGGED).select_related("requested_by").prefetch_related("stages")
    found = list(runs.order_by("-pk")[:11])
    if not found:
        GithubIssue.objects.filter(pk=row.pk).update(not_before=timezone.now())
        return
    # It was read before the runs: one that ended in between would be told as ended, its environment as it was.
    row.environment.refresh_from_db(fields=["status", "fqdn", "expires_at"])
    run, look = found[0], look_of(row.environment, found, portal)
    if row.shown != look.digest:
        if row.number is None:
            row.number = _open(client, row, look)
        else:
            _refresh(client, row, look)
        _tell(client, row, look)
    if row.plan_shown != (digest := str(run.plan.get("digest", "")) if run.plan else ""):
        row.plan_shown, row.plan_shown_at = digest[:64], timezone.now()
    row.shown, row.closed = look.digest, look.closed
    row.tries, row.not_before, row.problem = 0, timezone.now(), ""
    row.settled, row.settled_run = not run.is_active, 0 if run.is_active else run.pk
    row.save()
    told = row.environment.expires_at
    if row.settled and not Environment.objects.filter(pk=row.environment_id, expires_at=told).exists():
        GithubIssue.objects.filter(pk=row.pk).update(settled=False)  # it was extended while this was written


def _open(client: Client, row: GithubIssue, look: Look) -> int:
    """Open it, unless an earlier try did and its answer got lost. Closed at once when all is over by now."""
    mark = marker("environment", row.environment.uid)
    begun = row.environment.created_at - dt.timedelta(minutes=5)
    number = next((i.number for i in client.issues(begun) if _is_ours(client, i) and is_marked(i.body, mark)), None)
    if number is None:
        number = client.open(look.title, look.body, look.labels)
    GithubIssue.objects.filter(pk=row.pk).update(number=number)
    if look.closed:
        client.update(number, state="closed", state_reason=look.reason)
    return number


def _refresh(client: Client, row: GithubIssue, look: Look) -> None:
    """Labels and whether it is open: what people did to them stays, until the environment's state moves. And title and
    text, unless a person wrote them."""
    assert row.number is not None
    try:
        issue = client.issue(row.number)
    except NotFound:
        client.reach()  # the repository itself may be away; then the number is still right
        logger.warning("an issue is gone; another is opened", number=row.number, environment=row.environment.slug)
        GithubIssue.objects.filter(pk=row.pk).update(number=None, comment=None, from_form=False)
        row.comment, row.from_form = None, False
        row.number = _open(client, row, look)
        return
    values: dict[str, object] = {}
    labels = (*(label for label in issue.labels if not label.startswith(STATES)), *look.labels)
    if set(labels) != set(issue.labels):
        values["labels"] = list(dict.fromkeys(labels))
    if look.closed and not issue.closed:
        values |= {"state": "closed", "state_reason": look.reason}
    elif issue.closed and row.closed and not look.closed:
        values |= {"state": "open"}
    if not row.from_form and (issue.title, issue.body) != (look.title, look.body):
        values |= {"title": look.title, "body": look.body}
    if values:
        client.update(row.number, **values)


def _tell(client: Client, row: GithubIssue, look: Look) -> None:
    """The one status comment: edited in place, written again when somebody deleted it."""
    assert row.number is not None
    if row.comment is not None:
        try:
            client.edit(row.comment, look.comment)
            return
        except NotFound:
            row.comment = None
    mark = marker("status", row.environment.uid)
    row.comment = find_comment(client, row.number, mark)
    if row.comment is None:
        row.comment = client.comment(row.number, look.comment)
    else:
        client.edit(row.comment, look.comment)
    GithubIssue.objects.filter(pk=row.pk).update(comment=row.comment)


def _answer(client: Client, request: GithubRequest) -> None:
    mark = marker("answer", request.key)
    if request.answer:
        body = f"{mark}\n{request.answer}"
        request.comment = find_comment(client, request.number, mark) or client.comment(request.number, body)
    if request.closes:
        client.update(request.number, state="closed", state_reason="completed")
    request.answered_at = timezone.now()
    request.save(update_fields=["comment", "answered_at"])


def find_comment(client: Client, number: int, mark: str) -> int | None:
    """The comment of ours that begins with the marker."""
    ours: Iterator[int] = (
        c.id
        for c in client.comments(number)
        if is_marked(c.body, mark) and c.author.login.lower() == client.login.lower()
    )
    return next(ours, None)


def _is_ours(client: Client, issue: Issue) -> bool:
    return issue.author.login.lower() == client.login.lower()
