"""The issues of one repository over GitHub's API. One call each, nothing kept, no waiting: who calls waits by rows."""

import datetime as dt
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from github import Auth, Github, GithubException, GithubIntegration, RateLimitExceededException

from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, StackyardError, Unavailable, Unusable, shown
from stackyard.settings import Settings

PAGE = 100
TIMEOUT_SECONDS = 15

SAME_MOMENT = dt.timedelta(milliseconds=20)
"""GitHub counts whole seconds; a server that counts finer may write both times of a new comment a moment apart."""


class Away(Unavailable):
    """GitHub wants to be left alone, or does not answer. `seconds`: how long, where it said so."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message, hint="It is tried again; nothing is lost.")
        self.seconds = seconds


@dataclass(frozen=True)
class Person:
    """Who wrote something. `account`: the number that stays when the login changes."""

    login: str
    account: int
    is_bot: bool


@dataclass(frozen=True)
class Comment:
    """One comment. `edited`: it is not any more what was written first, maybe by somebody else."""

    id: int
    author: Person
    body: str
    at: dt.datetime
    edited: bool


@dataclass(frozen=True)
class Issue:
    """One issue as it is now."""

    number: int
    author: Person
    title: str
    body: str
    labels: tuple[str, ...]
    closed: bool
    at: dt.datetime
    updated_at: dt.datetime


class Client:
    """Speaks for a token or an App to one repository.

    Raises of every method: Away (no answer, 5xx, 429, 403 with a time to wait), Unusable (401), Forbidden (403, as of
    a locked issue), NotFound (404, 410, moved to another repository), Conflict (409), Invalid (422).
    """

    def __init__(self, settings: Settings) -> None:
        self.repository = settings.github_repository
        self._settings = settings
        self._api: Github | None = None
        self._login = ""

    @property
    def login(self) -> str:
        """Whose name stands on what is written here."""
        if not self._login:
            if self._settings.github_app_id is not None:
                self._login = str(_try(lambda: self._integration().get_app().slug)) + "[bot]"
            else:
                self._login = str(self._ask("GET", "/user")["login"])
        return self._login

    def issue(self, number: int) -> Issue:
        """One issue, as it is now."""
        row = self._ask("GET", f"{self._base}/issues/{number}")
        if not str(row.get("repository_url", "")).lower().endswith(f"/repos/{self.repository}".lower()):
            raise NotFound(f"Issue #{number} was moved to another repository.")
        return _issue(row)

    def issues(self, since: dt.datetime) -> Iterator[Issue]:
        """All issues in which something happened since then, the oldest change first."""
        wanted = {"state": "all", "sort": "updated", "direction": "asc", "since": _text(since)}
        for row in self._pages(f"{self._base}/issues", wanted):
            if "pull_request" not in row:
                yield _issue(row)

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments of an issue, the oldest first."""
        for row in self._pages(f"{self._base}/issues/{number}/comments", {}):
            yield Comment(
                int(row["id"]),
                _person(row),
                row.get("body") or "",
                _moment(row["created_at"]),
                _moment(row.get("updated_at") or row["created_at"]) - _moment(row["created_at"]) > SAME_MOMENT,
            )

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

    def edit(self, comment: int, body: str) -> None:
        """Write a comment of ours anew."""
        self._ask("PATCH", f"{self._base}/issues/comments/{comment}", {"body": body})

    def reach(self) -> dict[str, Any]:
        """What GitHub says about the repository."""
        return self._ask("GET", self._base)

    @property
    def _base(self) -> str:
        return f"/repos/{self.repository}"

    def _pages(self, path: str, parameters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            rows: Any = self._ask("GET", path, parameters={**parameters, "per_page": PAGE, "page": page})
            yield from rows
            if len(rows) < PAGE:
                return
            page += 1

    def _ask(
        self, verb: str, path: str, values: dict[str, Any] | None = None, parameters: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        def call() -> Any:
            if self._api is None:
                self._api = Github(auth=self._auth(), **self._options())
            return self._api.requester.requestJsonAndCheck(verb, path, parameters=parameters, input=values)[1]

        found: dict[str, Any] = _try(call)
        return found

    def _auth(self) -> Auth.Auth:
        if self._settings.github_app_id is None:
            token = self._settings.github_token
            return Auth.Token(token.get_secret_value() if token else "")
        owner, _, name = self.repository.partition("/")
        installation = self._integration().get_repo_installation(owner, name)
        return self._app().get_installation_auth(installation.id, requester=self._integration().requester)

    def _integration(self) -> GithubIntegration:
        return GithubIntegration(auth=self._app(), **self._options())

    def _app(self) -> Auth.AppAuth:
        key = self._settings.github_app_key
        try:
            return Auth.AppAuth(self._settings.github_app_id or 0, key.read_text() if key else "")
        except OSError as error:
            raise Unusable(
                f"The App's key cannot be read: {error.strerror}.", hint="STACKYARD_GITHUB_APP_KEY."
            ) from None

    def _options(self) -> dict[str, Any]:
        """No retries inside: a process that sleeps for GitHub cannot be stopped, and rows wait better."""
        local = urlsplit(self._settings.github_url).hostname == "localhost"
        pauses = {"seconds_between_requests": 0, "seconds_between_writes": 0} if local else {}
        return {"base_url": self._settings.github_url, "timeout": TIMEOUT_SECONDS, "retry": None, **pauses}


def is_configured(settings: Settings) -> bool:
    """Whether GitHub is to be spoken to at all."""
    credentials = settings.github_token is not None or settings.github_app_id is not None
    return bool(settings.github_repository) and credentials


def _try(call: Any) -> Any:
    try:
        return call()
    except GithubException as error:
        raise _translated(error) from None
    except requests.RequestException as error:
        raise Away(f"GitHub does not answer: {type(error).__name__}.") from None
    except ValueError:  # HTML of something in between
        raise Away("GitHub's answer cannot be read.") from None


def _translated(error: GithubException) -> StackyardError:
    status = error.status
    said = error.data.get("message") if isinstance(error.data, dict) else None
    message = f"GitHub answered {status}: {shown(said or 'nothing more', 200)}."
    seconds = _wait(error.headers or {})
    if status == 429 or status >= 500 or isinstance(error, RateLimitExceededException):
        return Away(message, seconds)
    if status == 403 and seconds is not None:
        return Away(message, seconds)
    if status == 401:
        return Unusable(message, hint="Platform staff can give Stackyard a valid token or App.")
    if status in (404, 410):
        return NotFound(message)
    if status == 403:
        return Forbidden(message)
    if status == 422:
        return Invalid.field("github", message)
    return Conflict(message)


def _wait(headers: dict[str, Any]) -> float | None:
    """Seconds to wait, from `Retry-After` or a used-up limit; None when neither says so."""
    known = {str(name).lower(): str(value) for name, value in headers.items()}
    if known.get("retry-after", "").isdecimal():
        return float(known["retry-after"])
    if known.get("x-ratelimit-remaining") == "0" and known.get("x-ratelimit-reset", "").isdecimal():
        return max(1.0, float(known["x-ratelimit-reset"]) - time.time())
    return None


def _issue(row: dict[str, Any]) -> Issue:
    return Issue(
        number=int(row["number"]),
        author=_person(row),
        title=row.get("title") or "",
        body=row.get("body") or "",
        labels=tuple(str(label["name"]) for label in row.get("labels", ())),
        closed=row.get("state") == "closed",
        at=_moment(row["created_at"]),
        updated_at=_moment(row["updated_at"]),
    )


def _person(row: dict[str, Any]) -> Person:
    user = row.get("user") or {}  # an account that was deleted
    return Person(str(user.get("login", "ghost")), int(user.get("id", 0)), user.get("type") == "Bot")


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _text(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
