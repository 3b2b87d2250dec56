"""What people ask for on GitHub, done by the services that the portal uses, with the same rights."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib.auth.models import User

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, GithubIssue, GithubLogin, Run, RunStatus
from stackyard.cmdb.models.environment import GONE
from stackyard.cmdb.models.run import ACTIVE
from stackyard.environments.change import ChangeRequest, change, parameters
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.issues import elsewhere, repository_of
from stackyard.environments.lifetimes import NEVER, extend, keep
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, shown
from stackyard.github.client import Issue, Person
from stackyard.github.reading import ANY_SANDBOX, Filled, lines_of, read_settings
from stackyard.github.text import AGAIN, code
from stackyard.patterns.catalogue import Catalogue
from stackyard.runs.approve import approve, reject
from stackyard.runs.cancel import request_cancel

VIA = "github"


@dataclass(frozen=True)
class Said:
    """What came of a wish: Markdown for the answer (empty: the status comment tells), and whether the issue ends."""

    text: str = ""
    closes: bool = False


def person_of(author: Person) -> User:
    """The user who has this account. Raises Forbidden when nobody has, or when the login went to another account."""
    row = GithubLogin.objects.select_related("user").filter(login__iexact=author.login).first()
    if row is None or not row.user.is_active:
        raise Forbidden(
            f"The GitHub login {author.login} belongs to nobody here.",
            hint="Platform staff can add it: stackyard github person NAME LOGIN.",
        )
    if row.account is None:
        row.account = author.account
        row.save(update_fields=["account"])
    if row.account != author.account:
        raise Forbidden(
            f"The GitHub login {author.login} is another account than before.",
            hint="Platform staff can confirm it: stackyard github person NAME LOGIN.",
        )
    return row.user


def fill_in(user: User, filled: Filled, issue: Issue) -> Said:
    """Do what a form asks for. Raises what the services raise, with the form's fields."""
    return {"new": _new, "change": _change, "delete": _delete}[filled.form](user, filled.answers, issue)


def _new(user: User, answers: Mapping[str, str], issue: Issue) -> Said:
    catalogue = Catalogue.from_settings()
    try:
        known = catalogue.get(answers["pattern"]).parameters
    except NotFound:
        known = ()  # `create` says so, with whatever else is wrong
    settings, unset = read_settings(lines_of(answers["settings"]), known)
    if unset:
        raise Invalid.field("settings", "There is nothing to unset in a new environment.")
    sandbox = "" if answers["sandbox"] == ANY_SANDBOX else answers["sandbox"]
    wish = CreateRequest(
        *(answers["product"], answers["pattern"], answers["name"], sandbox, settings, answers["expires"] or None),
        issues=issue.repository,
    )
    run = create(user, wish, via=VIA)
    # The issue of a request that failed, if this is another try in the same issue.
    here = {"repository": issue.repository, "number": issue.number}
    GithubIssue.objects.filter(**here).update(number=None, comment=None, settled=True)
    GithubIssue.objects.create(environment=run.environment, from_form=True, **here)
    return Said()


def _change(user: User, answers: Mapping[str, str], issue: Issue) -> Said:
    environment = _living(user, answers["environment"], issue)
    found, unset = read_settings(lines_of(answers["settings"]), parameters(environment))
    run = change(user, environment, ChangeRequest(found, unset), via=VIA)
    return _continued(run, issue)


def _delete(user: User, answers: Mapping[str, str], issue: Issue) -> Said:
    environment = _living(user, answers["environment"], issue)
    if answers["confirmation"] != environment.slug:
        raise Invalid.field("confirmation", f"Write {environment.slug} once more.")
    return _continued(destroy(user, environment, via=VIA), issue)


def _living(user: User, slug: str, issue: Issue) -> Environment:
    """The environment, if its issue lies in the same repository or its sandbox names that one."""
    rows = Environment.objects.exclude(status__in=GONE).select_related("sandbox__department", "product", "pattern")
    try:
        found: Environment = rights.find(user, rows, slug=slug)
    except NotFound as error:
        raise Invalid.field("environment", error.message) from None
    told = GithubIssue.objects.filter(environment=found, repository=issue.repository).exists()
    if not told and repository_of(found.sandbox) != issue.repository:
        raise Invalid.field("environment", f"{found.slug}: {elsewhere(found.sandbox)}")
    return found


def _continued(run: Run, issue: Issue) -> Said:
    """The environment's own issue goes on telling; this one becomes it when there is none."""
    row = GithubIssue.objects.filter(environment=run.environment).first()
    if row is not None and row.number is not None:
        where = "" if row.repository == issue.repository else row.repository
        return Said(f"{run.get_kind_display()} is run {run.pk}. It is told in {where}#{row.number}.", closes=True)
    here = {"repository": issue.repository, "number": issue.number}
    GithubIssue.objects.update_or_create(
        environment=run.environment, defaults={**here, "from_form": True, "settled": False}
    )
    return Said()


# Comments


def _plan(user: User, row: GithubIssue, argument: str, at: dt.datetime) -> Said:
    run = change(user, row.environment, ChangeRequest(plan_only=True), via=VIA)
    return Said(f"Run {run.pk} plans, and applies nothing.")


def _approve(user: User, row: GithubIssue, argument: str, at: dt.datetime) -> Said:
    run = _latest(row, RunStatus.WAITING, "waits for approval")
    digest = str(run.plan.get("digest", ""))
    if row.plan_shown != digest[:64] or row.plan_shown_at is None or at < row.plan_shown_at:
        raise Conflict("The plan was made again since you looked at it.", hint="Look at the new one first.")
    approve(user, run, confirmation=argument, digest=digest)
    return Said(f"Run {run.pk} is approved.")


def _reject(user: User, row: GithubIssue, argument: str, at: dt.datetime) -> Said:
    run = reject(user, _latest(row, RunStatus.WAITING, "waits for approval"))
    return Said(f"Run {run.pk} is rejected; nothing was applied.")


def _cancel(user: User, row: GithubIssue, argument: str, at: dt.datetime) -> Said:
    run = request_cancel(user, _latest(row, None, "is going on"))
    return Said(f"Run {run.pk} is asked to stop.")


def _extend(user: User, row: GithubIssue, argument: str, at: dt.datetime) -> Said:
    if argument == NEVER:
        keep(user, row.environment)
        return Said("It does not expire any more.")
    if days := re.fullmatch(r"([0-9]{1,6}) ?(d|days?)?", argument):
        environment = extend(user, row.environment, days=int(days.group(1)))
    elif argument:
        environment = extend(user, row.environment, until=argument)
    else:
        raise Invalid.field("/extend", "Say for how long, such as /extend 7d, or until which day.")
    return Said(f"It expires {environment.expires_at:%Y-%m-%d %H:%M} UTC.")


def _destroy(user: User, row: GithubIssue, argument: str, at: dt.datetime) -> Said:
    return Said(f"Run {destroy(user, row.environment, via=VIA).pk} takes it away.")


def _latest(row: GithubIssue, status: RunStatus | None, what: str) -> Run:
    wanted = (status,) if status else ACTIVE
    run = row.environment.runs.filter(status__in=wanted).order_by("-pk").first()
    if run is None:
        raise Conflict(f"No run of {row.environment.slug} {what}.")
    return run


COMMANDS: dict[str, Callable[[User, GithubIssue, str, dt.datetime], Said]] = {
    "/plan": _plan,
    "/approve": _approve,
    "/reject": _reject,
    "/cancel": _cancel,
    "/extend": _extend,
    "/destroy": _destroy,
}


def command_in(body: str) -> tuple[str, str] | None:
    """The command of a comment, lower case, and what follows it on the same line; None when it is a mere comment."""
    first = body.lstrip().split("\n", 1)[0].strip()
    word, _, argument = first.partition(" ")
    return (word.lower(), argument.strip()) if re.fullmatch(r"/[A-Za-z]+", word) else None


def obey(user: User, issue: Issue, command: str, argument: str, at: dt.datetime) -> Said:
    """Do what a comment asks for. `at`: when it was written, which tells what its author had seen."""
    if command not in COMMANDS:
        known = ", ".join((*COMMANDS, AGAIN))
        raise Invalid.field(shown(command), f"There is no such command. Commands: {known}.")
    row = GithubIssue.objects.select_related("environment__sandbox__department", "environment__product").filter(
        repository=issue.repository, number=issue.number
    )
    found = row.filter(environment__in=rights.visible(user, Environment.objects.all())).first()
    if found is None:
        raise NotFound("This issue tells of no environment that you can see.")
    said = COMMANDS[command](user, found, argument, at)
    GithubIssue.objects.filter(pk=found.pk).update(settled=False)
    return said


def quoted(author: Person, what: str) -> str:
    """Who asked what, for the head of an answer."""
    return f"{code(what, 120)} by {code(author.login)}:"
