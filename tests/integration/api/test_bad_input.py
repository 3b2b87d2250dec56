"""Whatever is sent ends up as data or is refused with its field, in one shape; never as a 500."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.integration.api.conftest import Caller, fields, wish

from stackyard.cmdb.models import Environment

NASTY = [
    '"; rm -rf /',
    "${path.module}",
    '"}\n resource "aws_iam_user" "x" {}',
    "nul\0byte",
    "\u202ereversed",
    "\ud800",
    "../../etc/passwd",
    "'; DROP TABLE cmdb_environment; --",
    "<script>alert(1)</script>",
    "",
    " ",
    "x" * 300_000,
]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("field", ["product", "pattern", "name", "sandbox"])
def test_nasty_text_is_refused_with_its_field(rika: Caller, field: str, text: str) -> None:
    if (field, text) == ("sandbox", ""):
        return  # means: any
    response = rika.ask("POST", "/environments", wish(**{field: text}))
    assert fields(response) == [field]
    assert len(response.content) < 2000, "what was sent is not sent back at length"
    assert not Environment.objects.exists()


@pytest.mark.parametrize("value", [7, 1.5, True, None, [], {}, ["dev"]], ids=repr)
@pytest.mark.parametrize("field", ["product", "pattern", "name", "sandbox"])
def test_a_wrong_type_is_named_with_its_field(rika: Caller, field: str, value: object) -> None:
    assert fields(rika.ask("POST", "/environments", wish(**{field: value}))) == [field]


@pytest.mark.parametrize("value", [7, "container.cpu=512", None, [], [["container.cpu", 512]]], ids=repr)
def test_settings_must_be_names_with_values(rika: Caller, value: object) -> None:
    assert fields(rika.ask("POST", "/environments", wish(settings=value))) == ["settings"]


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ({"container.cpu": "512"}, "settings.container.cpu"),
        ({"container.cpu": 513}, "settings.container.cpu"),
        ({"container.cpu": None}, "settings.container.cpu"),
        ({"container.portt": 1}, "settings.container.portt"),
        ({"container": {"cpu": 512}}, "settings.container"),
        ({"scaling.min": 1e999}, "settings.scaling.min"),
        ({"scaling.min": 10**4000}, "settings.scaling.min"),
        ({"name": "stolen"}, "settings.name"),
        ({"container.environment": {"A": "nul\0"}}, "settings.container.environment"),
        ({"container.environment": {"\ud800": "x"}}, "settings.container.environment"),
        ({"container.environment": {"A": {"B": 1}}}, "settings.container.environment"),
        ({"container.environment": {str(n): "x" for n in range(200)}}, "settings.container.environment"),
        ({"\0": 1}, "settings.\ufffd"),
        ({"": 1}, "settings."),
    ],
    ids=range(14),
)
def test_a_setting_is_refused_with_its_path(rika: Caller, setting: dict[str, Any], field: str) -> None:
    body = json.dumps(wish(settings=setting)).replace("Infinity", "1e999").encode()
    assert fields(rika.ask("POST", "/environments", body)) == [field]


def test_every_problem_is_listed(rika: Caller) -> None:
    body = wish(name="Dev!", pattern="ecs-service", settings={"container.cpu": "lots", "scaling.max": 99})
    assert sorted(fields(rika.ask("POST", "/environments", body))) == [
        "name",
        "settings.container.cpu",
        "settings.scaling.max",
    ]


def test_unknown_and_missing_fields_are_named(rika: Caller) -> None:
    assert sorted(fields(rika.ask("POST", "/environments", {"product": "shop", "colour": "blue"}))) == [
        "colour",
        "name",
        "pattern",
    ]


DEEP = "[" * 100_000 + "]" * 100_000
BODIES = {
    "nothing": b"",
    "not JSON": b"{product: shop}",
    "half": b'{"product": "sh',
    "not UTF-8": b'{"product": "\xff\xfe"}',
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "NaN": b'{"product": NaN}',
    "infinite": b'{"product": -Infinity}',
    "deep": DEEP.encode(),
    "rather deep": b'{"settings": ' + b"[" * 11 + b"]" * 11 + b"}",
    "5,000 digits": b'{"product": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_read_is_refused(rika: Caller, name: str) -> None:
    assert fields(rika.ask("POST", "/environments", BODIES[name])) == ["body"]


def test_a_name_given_twice_is_refused(rika: Caller) -> None:
    body = json.dumps(wish()).replace("{", '{"name": "other", ').encode()
    assert fields(rika.ask("POST", "/environments", body)) == ["name"]


@pytest.mark.parametrize("size", [2_000_000, 10_000_000])
def test_a_body_over_one_megabyte_is_refused(rika: Caller, size: int) -> None:
    response = rika.ask("POST", "/environments", wish(name="x" * size))
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "invalid"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
def test_forms_are_not_read(rika: Caller, kind: str) -> None:
    response = Client(raise_request_exception=False).generic(
        "POST",
        "/api/environments",
        b"product=shop&pattern=ecs-service&name=dev",
        content_type=kind,
        headers={"Authorization": f"Bearer {rika.token}"},
    )
    assert fields(response) == ["body"]


@pytest.mark.parametrize("key", ["k" * 201, "two words", "nul\0", "\xe9"], ids=range(4))
def test_an_idempotency_key_that_cannot_be_kept_is_refused(rika: Caller, key: str) -> None:
    assert fields(rika.ask("POST", "/environments", wish(), Idempotency_Key=key)) == ["Idempotency-Key"]


LISTS = ["/environments", "/runs", "/products", "/sandboxes"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=" + "9" * 30, "size=0", "size=201", "page=1e3", "page=%00"]
)
def test_a_wrong_page_is_refused(rika: Caller, path: str, query: str) -> None:
    assert fields(rika.ask("GET", f"{path}?{query}")) == [query.partition("=")[0]]


@pytest.mark.parametrize("text", NASTY[:-1], ids=range(len(NASTY) - 1))
@pytest.mark.parametrize(
    "query", ["/environments?text=", "/environments?status=", "/environments?product=", "/environments?sandbox=",
              "/environments?gone=", "/runs?environment=", "/runs?status=", "/runs?kind="],
)  # fmt: skip
def test_nasty_filters_find_nothing_or_are_refused(rika: Caller, query: str, text: str) -> None:
    response = rika.ask("GET", query + quote(text.encode("utf-8", "surrogatepass"), safe=""))
    assert response.status_code in (200, 422), response.content
    if response.status_code == 422:
        assert fields(response) == [query.partition("?")[2].rstrip("=")]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/environments/{}"),
        ("DELETE", "/environments/{}"),
        ("GET", "/environments/{}/logs"),
        ("GET", "/patterns/{}"),
        ("GET", "/products/{}"),
        ("GET", "/sandboxes/{}"),
    ],
)
def test_nasty_names_in_addresses_are_not_found(rika: Caller, method: str, path: str, text: str) -> None:
    if not text:
        return
    response = rika.ask(method, path.format(quote(text.encode("utf-8", "surrogatepass"), safe="")))
    assert response.status_code == 404, response.content
    assert response.json()["error"]["code"] == "not_found"
    assert len(response.content) < 2000


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.0", str(2**63 - 1), str(2**63), "9" * 5000, "%00", "\uff11"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/runs/{}"), ("GET", "/runs/{}/events"), ("POST", "/runs/{}/cancel")]
)
def test_wrong_run_numbers_are_not_found_or_refused(rika: Caller, method: str, path: str, number: str) -> None:
    response = rika.ask(method, path.format(quote(number, safe="%")))
    assert response.status_code in (404, 422), response.content


@pytest.mark.parametrize("after", ["-1", "x", str(2**63), "9" * 5000, "%00"])
def test_a_wrong_place_in_the_log_is_refused(rika: Caller, environment: Environment, after: str) -> None:
    assert fields(rika.ask("GET", f"/environments/shop-dev/logs?after={after}")) == ["after"]


def test_other_methods_and_addresses_have_the_same_shape(rika: Caller) -> None:
    response = rika.ask("PUT", "/environments")
    assert (response.status_code, set(response["Allow"].split(", "))) == (405, {"GET", "POST"})
    assert response.json()["error"]["hint"]
    for path in ("", "/", "/nothing", "/environments/", "/docs", "/environments/a/b/c"):
        response = rika.ask("GET", path or "/")
        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(["container.cpu", "container.environment", "network.outbound_ports", "container.command"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.dictionaries(st.sampled_from(["product", "pattern", "name", "sandbox", "settings"]) | st.text(), values)
    | values,
    setting=st.dictionaries(paths | st.text(max_size=8), values, max_size=3),
    plain=st.booleans(),
)
def test_no_body_makes_a_500(rika: Caller, body: Any, setting: dict[str, Any], plain: bool) -> None:
    sent = body if plain else wish(settings=setting)
    response = rika.ask("POST", "/environments", sent)
    assert response.status_code in (202, 422), (sent, response.content)
    if response.status_code == 202:
        run = response.json()["run"]["id"]
        assert rika.ask("POST", f"/runs/{run}/cancel").status_code == 202
