"""What people send is data: never code in a page, never an error of the server."""

import re
from typing import Any

import pytest
from django.urls import reverse
from tests.integration.portal.addresses import address, names, sent
from tests.integration.portal.site import HTMX, Site

from stackyard.cmdb.models import Environment, Product, Sandbox
from stackyard.portal.middleware import POLICY

NASTY = {
    "script": '"><script>alert(1)</script>',
    "shell": '"; rm -rf /',
    "template": "{{ request.user }}{% load x %}${path.module}",
    "hcl": '"}\n resource "aws_iam_user" "x" {}',
    "nul": "nul\0byte",
    "rtl": "\u202egnp.exe",
    "surrogate": "\ud800".encode("utf-8", "surrogatepass"),
    "long": "x" * 200_000,
    "number": "9" * 5000,
    "json": '{"a":"\\u0000","b":NaN}',
    "deep": "[" * 20_000,
    "sql": "' OR 1=1 --",
}
QUICK = ("script", "hcl", "nul", "surrogate")
KINDS = [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.long) for kind in NASTY]
FORMS = {
    "account": ("old_password", "new_password1", "new_password2"),
    "login": ("username", "password", "next"),
    "new-environment": ("product", "pattern", "name", "sandbox", "settings.health_check.path", "settings.scaling.max"),
    "new-environment-preview": (
        *("product", "pattern", "name", "sandbox", "settings.health_check.path", "settings.scaling.max"),
        *("settings.container.command", "settings.container.environment:name"),
    ),
    "change-environment": ("seen", "do", "settings.health_check.path", "settings.container.environment:name"),
    "change-environment-live": ("seen", "settings.health_check.path", "settings.scaling.max"),
    "upgrade-environment": ("take.logs.retention_days", "settings.scaling.max", "digest", "do"),
    "approve-run": ("confirm", "digest"),
    "new-product": ("department", "name", "title", "description"),
    "new-sandbox": (
        *("name", "account_id", "region", "role_arn", "external_id", "zone_name", "pool", "fqdn_rule"),
        "own_baseline",
    ),
    "bootstrap-sandbox": ("vpc_cidr", "settings.logs.retention_days", "settings.load_balancer.allowed_cidrs"),
    "retire-sandbox": ("confirm",),
    "new-department": ("name", "title", "contact"),
    "edit-product": ("title", "description", "department"),
    "edit-sandbox": ("facts.vpc_id", "facts.public_subnet_ids", "external_id", "max_environments"),
    "new-person": ("username", "first_name", "last_name", "email", "password1"),
    "edit-person": ("first_name", "email"),
    "person-password": ("new_password1",),
    "new-role": ("role", "department"),
    "tokens": ("name",),
    "destroy-environment": ("confirm",),
}
SEARCHES = {
    "environments": ("q", "status", "product", "sandbox", "page"),
    "runs": ("q", "status", "kind", "page"),
    "products": ("q", "page"),
    "sandboxes": ("q",),
    "departments": ("q",),
    "people": ("q", "page"),
    "new-environment": ("product", "pattern", "name", "sandbox"),
    "new-environment-live": ("product", "pattern", "name", "sandbox"),
    "new-environment-settings": ("product", "pattern", "name"),
    "change-environment": ("run",),
    "environment": ("seen",),
    "login": ("next",),
}


@pytest.fixture
def site(recorded: Site) -> Site:
    """With the code of its environment, which some pages read."""
    return recorded


def assert_harmless(response: Any) -> None:
    assert response.status_code < 500, response.content.decode()[:500]
    assert "<script>alert" not in response.content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_nasty_fields_are_data_or_refused(site: Site, kind: str) -> None:
    for name, fields in FORMS.items():
        client = site.client("anonymous" if name == "login" else "platform")
        for field in fields:
            data = {**sent(name, site), "settings-of": "ecs-service", field: NASTY[kind]}
            assert_harmless(client.post(address(name, site), data))


@pytest.mark.parametrize("kind", KINDS)
def test_nasty_searches_find_nothing_or_something(site: Site, kind: str) -> None:
    for name, fields in SEARCHES.items():
        client = site.client("anonymous" if name == "login" else "platform")
        for field in fields:
            assert_harmless(client.get(address(name, site), {field: NASTY[kind]}))
            assert_harmless(client.get(address(name, site), {field: NASTY[kind]}, **HTMX))


@pytest.mark.parametrize(
    "path",
    [
        "/environments/%00/",
        "/environments/aaaaaaaa/",
        "/environments/%F0%9F%92%A9/",
        "/runs/99999999999999999999999999/",
        "/runs/-1/",
        "/people/99999999999999999999999999/",
        "/products/%E2%80%AEx/",
        "/patterns/..%2F..%2Fetc/",
        "/patterns/nothing/",
        "/tokens/99999999999999999999/revoke/",
        "/%ED%A0%80/",
        "/nowhere",
    ],
)
def test_strange_addresses_are_not_found(site: Site, path: str) -> None:
    response = site.client("platform").get(path)
    assert response.status_code in (404, 405)
    assert "Traceback" not in response.content.decode()


def test_ten_megabytes_are_refused_with_a_page(site: Site) -> None:
    response = site.client("requester").post(
        reverse("portal:new-environment"), {"product": "shop", "pattern": "ecs-service", "name": "x" * 10_000_000}
    )
    assert response.status_code == 400
    assert "too large" in response.content.decode()


def test_ten_megabytes_in_a_search_are_cut(site: Site) -> None:
    response = site.client("requester").get(reverse("portal:environments"), {"q": "x" * 10_000_000})
    assert response.status_code == 200
    assert len(response.content) < 100_000


def test_a_setting_that_looks_like_code_is_kept_as_text_and_shown_as_text(site: Site) -> None:
    nasty = ['"; rm -rf /', "${path.module}", '"} resource "x" "y" {}', "<script>alert(1)</script>", "{{ 7*7 }}"]
    data = {
        "product": "shop",
        "pattern": "ecs-service",
        "name": "odd",
        "settings-of": "ecs-service",
        "settings.container.environment:name": [f"V{i}" for i in range(len(nasty))],
        "settings.container.environment:value": nasty,
    }
    client = site.client("requester")
    response = client.post(reverse("portal:new-environment"), data)

    made = Environment.objects.get(slug="shop-odd")
    assert list(made.settings["container.environment"].values()) == nasty
    page = client.get(response["Location"]).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "{{ 7*7 }}" in page


def test_marks_that_deceive_are_refused_at_their_field(site: Site) -> None:
    response = site.client("platform").post(
        reverse("portal:new-product"),
        {"department": site.org.commerce.pk, "name": "loyal", "title": "Loyal\u202e", "description": "a\u200fb"},
    )
    assert response.status_code == 422
    text = response.content.decode()
    assert "U+202E" in text
    assert "U+200F" in text
    assert not Product.objects.filter(name="loyal").exists()


@pytest.mark.parametrize("wrong", ["vpc-\u0000", "vpc-\u202e1", "<script>", "[1]", "vpc-" * 3_000])
def test_components_that_are_none_are_refused_at_their_field(site: Site, wrong: str) -> None:
    data = {**sent("new-sandbox", site), "own_baseline": "on", "facts.vpc_id": wrong}
    response = site.client("platform").post(address("new-sandbox", site), data)
    assert response.status_code == 422
    assert 'id="id_facts.vpc_id"' in response.content.decode().partition("is-invalid")[2]
    assert not Sandbox.objects.filter(name="third").exists()


def test_every_page_carries_the_policy_and_no_inline_code(site: Site) -> None:
    for who in ("anonymous", "viewer", "platform"):
        client = site.client(who)
        for name in names():
            response = client.get(address(name, site))
            assert response["Content-Security-Policy"] == POLICY, name
            if response.get("Content-Type", "").startswith("text/html"):
                assert_no_inline_code(response.content.decode())


def assert_no_inline_code(page: str) -> None:
    tags = re.findall(r"<[a-zA-Z][^>]*>", page)
    assert not [t for t in tags if re.search(r"\s(style|on\w+)\s*=", t)]
    assert not [t for t in tags if t.startswith("<style")]
    assert not [t for t in tags if t.startswith("<script") and " src=" not in t]
    assert "javascript:" not in page


def test_the_policy_lets_nothing_from_elsewhere_in() -> None:
    rules = dict(rule.split(" ", 1) for rule in POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in POLICY


def test_an_unexpected_error_is_a_page_without_a_traceback(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("stackyard.portal.views.environments.listing.search", broken)
    response = site.client("requester").get(reverse("portal:environments"))

    assert response.status_code == 500
    page = response.content.decode()
    assert "Something is broken" in page
    assert "secret detail" not in page
    assert response["Content-Security-Policy"] == POLICY


def test_a_refusal_is_a_fragment_for_htmx_and_a_page_for_people(site: Site) -> None:
    client = site.client("viewer")
    url = reverse("portal:new-environment-live")

    fragment = client.get(url, **HTMX)
    page = client.get(url)

    assert fragment.status_code == page.status_code == 403
    assert "<html" not in fragment.content.decode()
    assert "<html" in page.content.decode()


def test_sign_in_leads_back_but_never_elsewhere(site: Site) -> None:
    client = site.client("anonymous")
    data = {"username": "rika", "password": "a-good-password"}
    assert client.post("/login/", {**data, "next": "/runs/"})["Location"] == "/runs/"
    client.post("/logout/")
    assert client.post("/login/", {**data, "next": "https://evil.example/"})["Location"] == "/"
