"""The client turns every answer, and none, into Stackyard's own errors."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from stackyard.cli.client import Client, part
from stackyard.cli.failures import exit_code
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, StackyardError, Unavailable

Handler = Callable[[httpx.Request], httpx.Response]


def client(answer: Handler, token: str = "sy_x") -> Client:  # noqa: S107
    return Client("http://test/", token, transport=httpx.MockTransport(answer))


def failing(status: int, code: str, problems: list[dict[str, str]] | None = None) -> Handler:
    error = {"code": code, "message": "What happened.", "hint": "What to do.", "problems": problems or []}
    return lambda _: httpx.Response(status, json={"error": error})


@pytest.mark.parametrize(
    ("status", "code", "kind", "exits"),
    [
        (422, "invalid", Invalid, 2),
        (413, "invalid", Invalid, 2),
        (404, "not_found", NotFound, 3),
        (403, "forbidden", Forbidden, 4),
        (401, "unauthorised", Forbidden, 4),
        (409, "conflict", Conflict, 5),
        (503, "unavailable", Unavailable, 6),
        (500, "internal", Unavailable, 6),
        (418, "teapot", Unavailable, 6),
    ],
)
def test_errors_of_the_api_have_their_kind_and_exit_code(
    status: int, code: str, kind: type[StackyardError], exits: int
) -> None:
    with pytest.raises(kind) as error:
        client(failing(status, code)).get("/me")
    assert exit_code(error.value) == exits
    assert "What happened." in str(error.value)
    assert error.value.hint == "What to do."


def test_what_the_api_calls_a_request_is_told_as_a_command() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        error = {"code": "not_found", "message": "None.", "hint": "GET /api/runs lists them.", "problems": []}
        return httpx.Response(404, json={"error": error})

    with pytest.raises(NotFound) as error:
        client(answer).get("/runs/9")
    assert error.value.hint == "`stackyard run list` lists them."


def test_every_problem_of_a_refusal_arrives() -> None:
    listed = [{"field": "name", "message": "Too long."}, {"field": "settings.a", "message": "Unknown."}]
    with pytest.raises(Invalid) as error:
        client(failing(422, "invalid", listed)).post("/environments", {})
    assert [(p.field, p.message) for p in error.value.problems] == [("name", "Too long."), ("settings.a", "Unknown.")]


def test_without_a_token_the_hint_says_where_to_put_one() -> None:
    with pytest.raises(Forbidden, match="http://test/tokens/ and set STACKYARD_TOKEN"):
        client(failing(401, "unauthorised"), token="").get("/me")


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(500, text="Internal Server Error"),
        httpx.Response(502, json=[]),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(400, json={"error": "bad"}),
        httpx.Response(302, headers={"Location": "/login/"}),
    ],
    ids=range(6),
)
def test_another_server_is_told_as_such(response: httpx.Response) -> None:
    with pytest.raises(Unavailable):
        client(lambda _: response).get("/me")


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused")


def test_nobody_there() -> None:
    with pytest.raises(Unavailable, match="Nothing answers at http://test"):
        client(refuse).get("/me")


def test_a_wish_with_a_key_is_sent_again_when_the_connection_breaks_and_one_without_is_not() -> None:
    seen: list[str | None] = []

    def breaks_once(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Idempotency-Key"))
        if len(seen) == 1:
            raise httpx.ReadError("reset")
        return httpx.Response(202, json={})

    assert client(breaks_once).post("/environments", {}, idempotency_key="k") == {}
    assert seen == ["k", "k"]
    seen.clear()
    with pytest.raises(Unavailable):
        client(breaks_once).post("/runs/1/cancel")
    assert seen == [None]


def test_pages_are_read_until_there_are_enough() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params["page"]), int(request.url.params["size"])
        items = list(range(450))[(page - 1) * size : page * size]
        return httpx.Response(200, json={"items": items, "count": 450, "page": page, "size": size})

    assert client(answer).pages("/runs", 1000) == (list(range(450)), 450)
    assert client(answer).pages("/runs", 250) == (list(range(250)), 450)
    assert client(answer).pages("/runs", 7) == (list(range(7)), 450)


@pytest.mark.parametrize("name", ["../me", "a/b", "a?b", "a#b", "%2e%2e", " ", "é", "...", ""])
def test_any_name_stays_one_part_of_a_path(name: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, json={})

    client(answer).get(f"/environments/{part(name)}")
    (path,) = seen
    assert path.startswith("/api/environments/")
    assert path.count("/") == 3
    assert "?" not in path


@pytest.mark.parametrize("name", ["\udcff", "\0", ".", ".."])
def test_what_cannot_be_a_part_of_a_path_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        part(name)


@pytest.mark.parametrize("url", ["", "stackyard", "ftp://x", "http://", "http:///x", "http://[x", "http://x:99999"])
def test_a_wrong_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="STACKYARD_URL"):
        Client(url, "")


@pytest.mark.parametrize("token", ["sy_\xe9", "sy_\n", "sy_\udcff"])
def test_a_wrong_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(Invalid, match="STACKYARD_TOKEN") as error:
        Client("http://x", token)
    assert token not in str(error.value)


def test_bodies_are_sent_as_json() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(202, json=json.loads(request.content))

    body: dict[str, Any] = {"settings": {"a": 1.5, "b": "é"}}
    assert client(answer).post("/environments", body) == body
