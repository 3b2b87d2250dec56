"""A newer version of a pattern in the portal: a badge, what has to be decided, and what it means for all."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from tests.integration.portal.forms import as_sent
from tests.integration.portal.site import HTMX, Site
from tests.integration.portal.test_portal_change import by_hand
from tests.versions import own_catalogue, publish

from stackyard.cmdb.models import Run
from stackyard.portal.patterns import catalogue

VERSION_2 = {
    "locals.tf": (
        ("retention_days = 14", "retention_days = 30"),
        ("  # How many tasks run.\n", "  # Trace <requests>.\n  tracing = false\n\n  # How many tasks run.\n"),
    )
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    catalogue.cache_clear()
    yield own_catalogue(tmp_path, monkeypatch, "ecs-service")
    catalogue.cache_clear()


@pytest.fixture
def site(folder: Path, recorded: Site) -> Site:
    """Its environment has another retention than both versions."""
    by_hand(recorded, "retention_days = 14", "retention_days = 7")
    return recorded


@pytest.fixture
def newer(folder: Path, site: Site) -> Site:
    """The same, after version 2 was published."""
    publish(folder, "2.0.0", VERSION_2)
    return site


def address(site: Site, name: str = "upgrade-environment") -> str:
    return reverse(f"portal:{name}", args=[site.environment.uid])


def page(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[-3000:]
    return html.unescape(response.content.decode())


def test_a_badge_says_so_where_there_is_a_newer_version(folder: Path, site: Site) -> None:
    client = site.client("requester")
    assert "newer version" not in page(client.get(address(site, "environment")))
    publish(folder, "2.0.0", VERSION_2)
    shown = page(client.get(address(site, "environment")))
    assert "newer version 2.0.0" in shown
    assert address(site) in shown
    assert address(site) not in page(site.client("viewer").get(address(site, "environment")))


def test_what_is_not_decided_is_told_beside_the_conflict(newer: Site) -> None:
    client = newer.client("requester")
    shown = page(client.get(address(newer)))
    assert "Both this environment and the new version have changed it." in shown
    assert 'name="take.logs.retention_days"' in shown
    assert "Trace <requests>." in shown, "the help of the new setting"
    refused = page(client.post(address(newer), dict(as_sent(shown, do="apply").lists())), 422)
    (error,) = re.findall(r'id="take-0-error">([^<]*)<', refused)
    assert "Take mine or new." in error
    assert not Run.objects.filter(kind="change").exists()


def test_what_was_decided_and_set_becomes_a_run(newer: Site) -> None:
    client = newer.client("requester")
    sent = as_sent(page(client.get(address(newer))), do="apply", **{"take.logs.retention_days": "mine"})
    sent["settings.tracing"] = "on"
    response = client.post(address(newer), dict(sent.lists()))
    run = Run.objects.get(kind="change")
    assert response["Location"] == reverse("portal:run", args=[run.pk])
    assert run.request["take"] == {"logs.retention_days": "mine"}
    assert run.request["set"] == {"tracing": True}
    assert page(client.get(response["Location"]))


def test_the_preview_follows_what_is_chosen(newer: Site) -> None:
    client = newer.client("requester")
    sent = as_sent(page(client.get(address(newer))))
    live = address(newer, "upgrade-environment-live")
    shown = page(client.post(live, dict(sent.lists()), **HTMX))
    assert "1 to decide" in shown
    assert 'id="take-0-error"' in shown
    sent["take.logs.retention_days"] = "mine"
    shown = page(client.post(live, dict(sent.lists()), **HTMX))
    assert "to decide" not in shown
    assert "tracing" in shown
    sent["take.logs.retention_days"] = "<b>"
    shown = client.post(live, dict(sent.lists()), **HTMX)
    assert b"1 to decide" in shown.content, "what is none of both decides nothing"
    assert b"<b>" not in shown.content


def test_a_page_of_an_older_day_upgrades_nothing(newer: Site, folder: Path) -> None:
    client = newer.client("requester")
    sent = as_sent(page(client.get(address(newer))), do="apply", **{"take.logs.retention_days": "mine"})
    publish(folder, "3.0.0", {"locals.tf": (("tracing = false", "tracing = true"),)})
    assert "changed since you looked" in page(client.post(address(newer), dict(sent.lists())), 409)
    assert not Run.objects.filter(kind="change").exists()


def test_what_a_version_means_is_on_the_page_of_the_pattern(newer: Site) -> None:
    where = reverse("portal:pattern-impact", args=["ecs-service"])
    assert where in page(newer.client("requester").get(reverse("portal:pattern", args=["ecs-service"])))
    shown = page(newer.client("requester").get(where, **HTMX))
    assert "1 of 1" in re.sub(r"<[^>]+>", "", shown)
    assert "logs.retention_days" in shown
    assert "shop-dev" not in page(newer.client("stranger").get(where, **HTMX))
