"""The issues of one repository over GitHub's API. One call each, nothing kept, no waiting: who calls waits by rows."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, Unusable
from stackyard.github_api.connection import Away, Connection
from stackyard.settings import Settings

PERMISSIONS = {"issues": "write", "metadata": "read"}

SAME_MOMENT = dt.timedelta(milliseconds=20)
"""GitHub counts whole seconds; a server that counts finer may write both times of a new comment a moment apart."""

_LAST_EDIT = """query($node: ID!) { node(id: $node) {
  ... on Issue { lastEditedAt editor { login } }
  ... on IssueComment { lastEditedAt editor { login } }
} }"""


@dataclass(frozen=True)
class Person:
    """Who wrote something. `account`: the number that stays when the login changes."""

    login: str
    account: int
    is_bot: bool


@dataclass(frozen=True)
class Comment:
    """One comment. `edited`: by its times it is not what was written first. `node`: its name for `last_edit`."""

    id: int
    author: Person
    body: str
    at: dt.datetime
    edited: bool
    node: str


@dataclass(frozen=True)
class Issue:
    """One issue as it is now. `repository`: in lower case."""

    repository: str
    number: int
    author: Person
    title: str
    body: str
    labels: tuple[str, ...]
    closed: bool
    at: dt.datetime
    updated_at: dt.datetime
    node: str


@dataclass(frozen=True)
class Edit:
    """The latest edit of a text: by whom (empty: not told), when (None: it was never edited)."""

    by: str
    at: dt.datetime | None


class Client:
    """Speaks for a token or an App to the repository of issues, or to another one with other permissions. Every method
    raises what `Connection` raises."""

    def __init__(self, settings: Settings, repository: str = "", permissions: Mapping[str, str] = PERMISSIONS) -> None:
        self._settings, self._others = settings, dict[str, Client]()
        self._connection = Connection(settings, repository or settings.github_repository, permissions)
        self._ask, self._base = self._connection.ask, self._connection.base

    @property
    def repository(self) -> str:
        """Its full name."""
        return self._connection.repository

    @property
    def home(self) -> str:
        """The repository as rows know it: GitHub takes its name in capitals and small letters alike."""
        return self.repository.lower()

    def of(self, repository: str) -> "Client":
        """The one for the issues of another repository, made once: it keeps its way in."""
        if repository == self.home:
            return self
        if repository not in self._others:
            self._others[repository] = Client(self._settings, repository)
        return self._others[repository]

    @property
    def login(self) -> str:
        """Whose name stands on what is written here."""
        return self._connection.login

    def issue(self, number: int) -> Issue:
        """One issue, as it is now."""
        row = self._ask("GET", f"{self._base}/issues/{number}")
        if not str(row.get("repository_url", "")).lower().endswith(f"/repos/{self.repository}".lower()):
            raise NotFound(f"Issue #{number} was moved to another repository.")
        return _issue(row, self.home)

    def issues(self, since: dt.datetime) -> Iterator[Issue]:
        """All issues in which something happened since then, the oldest change first."""
        wanted = {"state": "all", "sort": "updated", "direction": "asc", "since": _text(since)}
        for row in self._connection.pages(f"{self._base}/issues", wanted):
            if "pull_request" not in row:
                yield _issue(row, self.home)

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments of an issue, the oldest first."""
        for row in self._connection.pages(f"{self._base}/issues/{number}/comments", {}):
            yield Comment(
                int(row["id"]),
                person(row),
                row.get("body") or "",
                moment(row["created_at"]),
                moment(row.get("updated_at") or row["created_at"]) - moment(row["created_at"]) > SAME_MOMENT,
                str(row.get("node_id") or ""),
            )

    def last_edit(self, node: str) -> Edit | None:
        """The latest edit of an issue's or a comment's text; None when GitHub does not tell. Raises Away, Unusable."""
        try:
            found = self._connection.query(_LAST_EDIT, {"node": node}).get("node")
        except (NotFound, Forbidden, Conflict, Invalid):
            return None
        if not isinstance(found, dict) or "lastEditedAt" not in found:
            return None
        at = found["lastEditedAt"]
        return Edit(str((found.get("editor") or {}).get("login") or ""), moment(at) if at else None)

    def open(self, title: str, body: str, labels: Iterable[str]) -> int:
        """Open an issue; returns its number."""
        wish = {"title": title, "body": body, "labels": list(labels)}
        return int(self._ask("POST", f"{self._base}/issues", wish)["number"])

    def update(self, number: int, **values: Any) -> None:
        """Set some of `labels`, `state`, `state_reason`."""
        self._ask("PATCH", f"{self._base}/issues/{number}", values)

    def comment(self, number: int, body: str) -> int:
        """Add a comment; returns its id."""
        return int(self._ask("POST", f"{self._base}/issues/{number}/comments", {"body": body})["id"])

    def edit(self, comment: int, body: str) -> dt.datetime:
        """Write a comment of ours anew; returns when, by GitHub's clock."""
        row = self._ask("PATCH", f"{self._base}/issues/comments/{comment}", {"body": body})
        return moment(row["updated_at"])

    def reach(self) -> dict[str, Any]:
        """What GitHub says about the repository."""
        return self._ask("GET", self._base)

    def raise_if_all(self, error: Exception) -> None:
        """Raise the error of one call when it holds all others too: GitHub asks to be left alone, takes no token, or
        does not answer for the repository either."""
        if isinstance(error, Unusable) or (isinstance(error, Away) and error.whole):
            raise error
        if isinstance(error, (Away, NotFound, Forbidden)):
            self.reach()

    def usable(self) -> str:
        """The repository's full name, when its issues can be read. Raises Unusable when it has none."""
        row = self.reach()
        if row.get("has_issues") is False:
            raise Unusable(
                f"Issues are switched off in {row['full_name']}.", hint="The repository's settings at GitHub, Features."
            )
        next(self.issues(dt.datetime.now(dt.UTC)), None)
        return str(row["full_name"])


def _issue(row: dict[str, Any], repository: str) -> Issue:
    return Issue(
        repository=repository,
        number=int(row["number"]),
        author=person(row),
        title=row.get("title") or "",
        body=row.get("body") or "",
        labels=tuple(str(label["name"]) for label in row.get("labels", ())),
        closed=row.get("state") == "closed",
        at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        node=str(row.get("node_id") or ""),
    )


def person(row: dict[str, Any], name: str = "user") -> Person:
    """Who stands in a row of GitHub's under this name."""
    user = row.get(name) or {}  # an account that was deleted
    return Person(str(user.get("login", "ghost")), int(user.get("id", 0)), user.get("type") == "Bot")


def moment(text: str) -> dt.datetime:
    """A time as GitHub writes it."""
    return dt.datetime.fromisoformat(text)


def _text(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
