"""The API's client: one method per verb, errors as Stackyard's own."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, Problem, StackyardError, Unavailable, shown

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8000"
TIMEOUT_SECONDS = 30.0
PAGE_SIZE = 200

_ERRORS: Mapping[str, type[StackyardError]] = {
    "not_found": NotFound,
    "forbidden": Forbidden,
    "unauthorised": Forbidden,
    "conflict": Conflict,
}

_COMMANDS = {
    "GET /api/environments": "`stackyard env list`",
    "GET /api/runs": "`stackyard run list`",
}
"""What a hint of the API names -> the command that does the same."""


class Client:
    """A session with the server that STACKYARD_URL names, as the person of STACKYARD_TOKEN."""

    def __init__(self, url: str, token: str, *, transport: "httpx.BaseTransport | None" = None) -> None:
        import httpx

        self.url = url.rstrip("/")
        host = _host(self.url)
        if not token.isascii() or not token.isprintable():
            raise Invalid.field("STACKYARD_TOKEN", "Holds characters that no token has.")
        self.token = token
        self._http = httpx.Client(
            base_url=f"{self.url}/api",
            headers={"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
            # A proxy from the environment is right for everything but this machine.
            trust_env=host not in {"127.0.0.1", "localhost", "::1"},
        )

    @classmethod
    def from_environment(cls) -> "Client":
        """The client that the environment variables describe."""
        return cls(os.environ.get("STACKYARD_URL") or DEFAULT_URL, os.environ.get("STACKYARD_TOKEN", ""))

    def get(self, path: str, **query: Any) -> Any:
        """GET; `query` without empty values."""
        return self._ask("GET", path, params={k: v for k, v in query.items() if v not in ("", None, False)})

    def post(self, path: str, body: Any = None, *, idempotency_key: str = "") -> Any:
        """POST. With a key it is sent again when the connection breaks: the server makes it once only."""
        if not idempotency_key:
            return self._ask("POST", path, content=_json(body))
        headers = {"Idempotency-Key": idempotency_key}
        try:
            return self._ask("POST", path, content=_json(body), headers=headers)
        except ConnectionBroke:
            return self._ask("POST", path, content=_json(body), headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        """PATCH."""
        return self._ask("PATCH", path, content=_json(body))

    def delete(self, path: str) -> Any:
        """DELETE."""
        return self._ask("DELETE", path)

    def pages(self, path: str, limit: int, **query: Any) -> tuple[list[Any], int]:
        """The first `limit` items of a list, and how many there are in all."""
        items: list[Any] = []
        page = 1
        while True:
            answer = self.get(path, page=page, size=min(PAGE_SIZE, limit), **query)
            items += answer["items"]
            if len(items) >= min(limit, answer["count"]) or not answer["items"]:
                return items[:limit], answer["count"]
            page += 1

    def _ask(self, method: str, path: str, **arguments: Any) -> Any:
        import httpx

        try:
            response = self._http.request(method, path, **arguments)
        except httpx.ConnectError as error:
            hint = "`stackyard demo` starts one here. For another, set STACKYARD_URL to its address."
            raise Unavailable(f"Nothing answers at {self.url}: {error}.", hint=hint) from None
        except httpx.TransportError as error:
            raise ConnectionBroke(f"{self.url} did not answer: {type(error).__name__}.", hint="Try again.") from None
        except UnicodeEncodeError as error:
            raise Invalid.field("arguments", f"'{shown(error.object)}' holds what is no text.") from None
        try:
            answer = response.json()
        except ValueError:
            hint = "Does STACKYARD_URL name the portal itself, without a path?"
            raise Unavailable(f"{self.url} did not answer as Stackyard ({response.status_code}).", hint=hint) from None
        if response.is_success:
            return answer
        raise _error(answer, response.status_code, self)


def _json(body: Any) -> bytes:
    # In ASCII: what is no text gets through to the server, which names the field.
    return json.dumps(body).encode()


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port):
            return parts.hostname
    except ValueError:
        pass  # brackets or a port that are none
    raise Invalid.field("STACKYARD_URL", "Must be an address such as https://stackyard.example.com.")


class ConnectionBroke(Unavailable):
    """Nobody knows whether the server has heard it."""


def part(name: str) -> str:
    """A name as one part of a path, whatever is in it."""
    # Dots alone would walk to another address, and nothing is called so; nor by what is no text.
    if name in {".", ".."} or not name.isprintable():
        raise NotFound(f"There is no '{shown(name)}'.")
    return quote(name, safe="") or "%20"


def events(client: Client, run_id: int, after: int = 0) -> Iterator[Any]:
    """The log of a run so far: every answer of the API until no more is there."""
    while True:
        answer = client.get(f"/runs/{run_id}/events", after=after)
        yield answer
        after = answer["next"]
        if not answer["more"]:
            return


def _error(answer: Any, status: int, client: Client) -> StackyardError:
    try:
        error = answer["error"]
        code, message, hint = str(error["code"]), str(error["message"]), str(error["hint"])
        problems = [Problem(str(p["field"]), str(p["message"])) for p in error["problems"]]
    except (KeyError, TypeError):
        return Unavailable(f"The server answered {status}, and not as Stackyard does.")
    if code == "invalid":
        return Invalid(problems or [Problem("request", message)], hint=hint)
    if code == "unauthorised":
        made = f"Make a token at {client.url}/tokens/ and set STACKYARD_TOKEN to it."
        hint = made if not client.token else hint.replace("in the portal", f"at {client.url}/tokens/")
    for request, command in _COMMANDS.items():
        hint = hint.replace(request, command)
    return _ERRORS.get(code, Unavailable)(message, hint=hint)
