"""A connection to GitHub's API for one repository: sign-in, errors in our words, nothing kept, no waiting inside."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import (
    Auth,
    Github,
    GithubException,
    GithubIntegration,
    RateLimitExceededException,
    UnknownObjectException,
)

from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, StackyardError, Unavailable, Unusable, shown
from stackyard.settings import Settings

PAGE = 100
TIMEOUT_SECONDS = 15


class Away(Unavailable):
    """GitHub wants to be left alone, or does not answer. `seconds`: how long, where it said so. `whole`: it says so of
    all calls, or there is no connection; else another call may succeed."""

    def __init__(self, message: str, seconds: float | None = None, *, whole: bool = False) -> None:
        super().__init__(message, hint="It is tried again; nothing is lost.")
        self.seconds, self.whole = seconds, whole


class Connection:
    """Speaks for a token or an App to one repository (`owner/name`), with one call at a time. Of what an App may do
    there, its token gets `permissions` alone.

    Raises of every method: Away (no answer, 5xx, 429, 403 with a time to wait), Unusable (401), Forbidden (403, as of
    a locked issue), NotFound (404, 410, moved to another repository), Conflict (409), Invalid (422).
    """

    def __init__(self, settings: Settings, repository: str, permissions: Mapping[str, str]) -> None:
        self.repository = repository
        self._settings, self._permissions = settings, dict(permissions)
        self._api: Github | None = None
        self._login = ""
        self._lock = threading.Lock()  # the library's own connection is not made for several threads

    @property
    def login(self) -> str:
        """Whose name stands on what is written here."""
        if not self._login:
            if self._settings.github_app_id is not None:
                self._login = str(_try(lambda: self._integration().get_app().slug)) + "[bot]"
            else:
                self._login = str(self.ask("GET", "/user")["login"])
        return self._login

    @property
    def base(self) -> str:
        """The repository's path."""
        return f"/repos/{self.repository}"

    def pages(self, path: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """All rows of a list, page by page."""
        page = 1
        while True:
            rows: Any = self.ask("GET", path, parameters={**parameters, "per_page": PAGE, "page": page})
            yield from rows
            if len(rows) < PAGE:
                return
            page += 1

    def ask(
        self, verb: str, path: str, values: dict[str, Any] | None = None, parameters: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """One call; returns what came back."""
        found: dict[str, Any] = self._call(
            lambda api: api.requester.requestJsonAndCheck(verb, path, parameters=parameters, input=values)[1]
        )
        return found

    def query(self, text: str, variables: dict[str, Any]) -> dict[str, Any]:
        """One question to the GraphQL API; returns its `data`. Raises NotFound also where a server has no such API, and
        Conflict for what is wrong in the question or not allowed."""
        found: Any = self._call(lambda api: api.requester.graphql_query(text, variables)[1])
        data = found.get("data") if isinstance(found, dict) else None
        return data if isinstance(data, dict) else {}

    def _call(self, what: Callable[[Github], Any]) -> Any:
        def call() -> Any:
            if self._api is None:
                self._api = Github(auth=self._auth(), **self._options())
            return what(self._api)

        with self._lock:
            return _try(call)

    def _auth(self) -> Auth.Auth:
        if self._settings.github_app_id is None:
            token = self._settings.github_token.get_secret_value() if self._settings.github_token else ""
            if not token:
                raise Unusable("There is no way into GitHub.", hint="Set STACKYARD_GITHUB_TOKEN, or an App.")
            return Auth.Token(token)
        owner, _, name = self.repository.partition("/")
        try:
            installation = self._integration().get_repo_installation(owner, name)
        except UnknownObjectException:
            raise NotFound(
                f"The App is not installed for {self.repository}, or there is no such repository.",
                hint="Install it there: on the App's page, Install App.",
            ) from None
        return self._app().get_installation_auth(
            installation.id, self._permissions, requester=self._integration().requester
        )

    def _integration(self) -> GithubIntegration:
        return GithubIntegration(auth=self._app(), **self._options())

    def _app(self) -> Auth.AppAuth:
        file = self._settings.github_app_key
        if file is None:
            raise Unusable("The App's private key is not set.", hint="STACKYARD_GITHUB_APP_KEY names its file.")
        try:
            key = file.read_text()
            load_pem_private_key(key.encode(), None)
        except OSError as error:
            raise Unusable(
                f"The App's private key {file} cannot be read: {error.strerror}.", hint="See STACKYARD_GITHUB_APP_KEY."
            ) from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise Unusable(
                f"{file} is not a private key in PEM, without a password.",
                hint="Generate one on the App's page at GitHub; STACKYARD_GITHUB_APP_KEY names the file.",
            ) from None
        return Auth.AppAuth(self._settings.github_app_id or 0, key)

    def _options(self) -> dict[str, Any]:
        """No retries inside: a process that sleeps for GitHub cannot be stopped, and rows wait better."""
        local = urlsplit(self._settings.github_url).hostname == "localhost"
        pauses = {"seconds_between_requests": 0, "seconds_between_writes": 0} if local else {}
        return {"base_url": self._settings.github_url, "timeout": TIMEOUT_SECONDS, "retry": None, **pauses}


def has_credentials(settings: Settings) -> bool:
    """Whether there is a way into GitHub."""
    return settings.github_token is not None or settings.github_app_id is not None


def is_configured(settings: Settings) -> bool:
    """Whether there is one, and a repository of issues for the whole installation."""
    return bool(settings.github_repository) and has_credentials(settings)


def _try(call: Any) -> Any:
    try:
        return call()
    except GithubException as error:
        raise _translated(error) from None
    except requests.RequestException as error:
        late = isinstance(error, requests.ReadTimeout)
        raise Away(f"GitHub does not answer: {type(error).__name__}.", whole=not late) from None
    except ValueError:  # HTML of something in between
        raise Away("GitHub's answer cannot be read.") from None


def _translated(error: GithubException) -> StackyardError:
    status = error.status
    said = error.data.get("message") if isinstance(error.data, dict) else None
    message = f"GitHub answered {status}: {shown(said or 'nothing more', 200)}."
    seconds = _wait(error.headers or {})
    problems = error.data.get("errors") if isinstance(error.data, dict) else None
    if any(isinstance(p, dict) and p.get("type") == "RATE_LIMITED" for p in problems or ()):  # of GraphQL, with 200
        return Away(message, seconds, whole=True)
    if status == 429 or isinstance(error, RateLimitExceededException) or (status == 403 and seconds is not None):
        return Away(message, seconds, whole=True)
    if status >= 500:
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
