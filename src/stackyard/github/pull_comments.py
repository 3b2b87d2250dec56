"""Comments on a run's pull request that ask for something: done once, with the rights of whoever wrote them."""

import datetime as dt
from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, GithubDelivery, GithubRequest, PullRequest, Run, RunStatus
from stackyard.errors import Conflict, Invalid, NotFound, shown
from stackyard.github.client import Client, Comment
from stackyard.github.commands import Said, command_in, person_of
from stackyard.github.edits import check_comment
from stackyard.github.wishes import once
from stackyard.runs.approve import approve, plan_again, reject
from stackyard.runs.cancel import request_cancel


def read_comments(client: Client, row: PullRequest) -> None:
    """Do what the comments ask for that were not read yet. Raises Away, Unusable and what the repository refuses."""
    assert row.number is not None
    heard = _deliveries(row.number)
    heard = heard.filter(pk__in=list(heard.values_list("pk", flat=True)))  # what comes from now on is read once more
    for comment in client.comments(row.number):
        command = command_in(comment.body)
        if command is None or comment.author.is_bot or comment.author.login.lower() == client.login.lower():
            continue
        _read(client, row, comment, *command)
    now = timezone.now()
    heard.update(done_at=now)
    PullRequest.objects.filter(pk=row.pk).update(read_at=now)


def is_heard(row: PullRequest) -> bool:
    """Whether GitHub said that somebody commented since the comments were read."""
    return row.number is not None and _deliveries(row.number).exists()


def forget(row: PullRequest) -> None:
    """Nothing is read on it any more."""
    if row.number is not None:
        _deliveries(row.number).update(done_at=timezone.now())


def _deliveries(number: int) -> "QuerySet[GithubDelivery, GithubDelivery]":
    return GithubDelivery.objects.filter(event=GithubDelivery.PULL_COMMENT, number=number, done_at=None)


def _read(client: Client, row: PullRequest, comment: Comment, word: str, argument: str) -> None:
    assert row.number is not None

    def act() -> Said:
        return _obey(person_of(comment.author), row, word, argument, comment.at)

    what = f"{word} {argument}".strip()
    wish = GithubRequest(key=f"comment:{comment.id}", repository=client.home, number=row.number, pull=row)
    once(wish, comment.author, what, lambda: check_comment(client, comment), act)


def _obey(user: User, row: PullRequest, word: str, argument: str, at: dt.datetime) -> Said:
    if word not in COMMANDS:
        known = ", ".join(COMMANDS)
        raise Invalid.field(shown(word), f"On a pull request there is no such command. Commands: {known}.")
    run = Run.objects.select_related("environment__sandbox__department", "environment__product").get(pk=row.run_id)
    if not rights.visible(user, Environment.objects.filter(pk=run.environment_id)).exists():
        raise NotFound("This pull request is of no environment that you can see.")
    return COMMANDS[word](user, row, run, argument, at)


def _approve(user: User, row: PullRequest, run: Run, argument: str, at: dt.datetime) -> Said:
    digest = str(run.plan.get("digest", ""))
    told = digest and row.plan_shown == digest[:64] and row.plan_shown_at is not None
    if run.status == RunStatus.WAITING and not (told and row.plan_shown_at and at > row.plan_shown_at):
        raise Conflict("The plan was made again since you looked at it.", hint="Look at the new one first.")
    approve(user, run, confirmation=argument, digest=digest)
    return Said(f"Run {run.pk} is approved.")


def _reject(user: User, row: PullRequest, run: Run, argument: str, at: dt.datetime) -> Said:
    reject(user, run)
    return Said(f"Run {run.pk} is rejected; nothing was applied.")


def _plan(user: User, row: PullRequest, run: Run, argument: str, at: dt.datetime) -> Said:
    """The code is what the branch holds, or main once it was merged."""
    rights.require_act_on(user, run.environment)
    with transaction.atomic():
        locked = Run.objects.select_for_update().get(pk=run.pk)
        if locked.status != RunStatus.WAITING:
            raise Conflict(f"This run does not wait for approval: {locked.get_status_display().lower()}.")
        PullRequest.objects.filter(pk=row.pk).update(edited=True)
        plan_again(locked)
    return Said(f"Run {run.pk} plans again; its new plan has to be approved.")


def _cancel(user: User, row: PullRequest, run: Run, argument: str, at: dt.datetime) -> Said:
    request_cancel(user, run)
    return Said(f"Run {run.pk} is asked to stop.")


COMMANDS: dict[str, Callable[[User, PullRequest, Run, str, dt.datetime], Said]] = {
    "/approve": _approve,
    "/reject": _reject,
    "/plan": _plan,
    "/cancel": _cancel,
}
