"""As an application developer I press Create in a browser, watch my environment come up, and destroy it again.

This is the one journey that waits for Route 53 (half a minute each way); the others use a pattern without a DNS record.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import StartWorker
from tests.yard import Yard

pytestmark = [pytest.mark.journey, pytest.mark.browser]
IMAGES = Path(os.environ.get("STACKYARD_SCREENSHOTS", ""))
MINUTES = 180_000


def sign_in(page: Any, portal: str, name: str) -> None:
    page.goto(portal)
    page.fill("[name=username]", name)
    page.fill("[name=password]", "a-good-password")
    page.click("button[type=submit]")
    page.wait_for_url(f"{portal}/environments/")


def picture(page: Any, name: str, tmp_path: Path) -> None:
    """A screenshot, kept when a folder for it is named."""
    folder = IMAGES if IMAGES.name else tmp_path
    page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


def test_from_create_to_gone(yard: Yard, portal: str, browser: Any, start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))

    sign_in(page, portal, "rika")
    page.get_by_role("link", name="New environment").first.click()
    page.get_by_text("Web service on ECS").click()
    page.select_option("[name=product]", "shop")
    page.fill("[name=name]", "dev")
    page.get_by_text(f"https://shop-dev.{yard.org.sandbox.zone_name}").first.wait_for()
    page.get_by_role("button", name="Create").click()

    page.get_by_text("Plan to create").first.wait_for(timeout=MINUTES)
    assert "Creating" in page.inner_text("h1 >> xpath=..")
    page.get_by_text("Ready", exact=True).first.wait_for(timeout=MINUTES)
    page.locator(".hop-title", has_text="Way to the tasks").wait_for()
    assert page.locator(".hop").count() == page.locator(".hop-ok").count() > 5
    link = page.get_by_role("link", name=f"https://shop-dev.{yard.org.sandbox.zone_name}").first
    assert link.get_attribute("href") == f"https://shop-dev.{yard.org.sandbox.zone_name}"
    assert page.locator("svg text", has_text="ecs_service").count() == 1
    picture(page, "environment", tmp_path)
    page.emulate_media(color_scheme="dark")
    picture(page, "environment-dark", tmp_path)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
    picture(page, "environment-phone", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 900})

    page.get_by_role("link", name="Destroy").click()
    page.fill("#destroy [name=confirm]", "shop-dev")
    page.locator("#destroy").get_by_role("button", name="Destroy").click()
    page.get_by_text("Destroyed", exact=True).first.wait_for(timeout=MINUTES)
    env = yard.org.shop.environments.get()
    assert (env.status, env.resources) == ("destroyed", [])
    assert env.runs.get(kind="destroy").leftovers == []
    # A live check that a newer one replaced is told by htmx as if it were an error.
    assert [c for c in complaints if not c.startswith(("htmx:afterRequest", "htmx:sendAbort"))] == []


def test_what_does_not_fit_is_told_beside_the_field(yard: Yard, portal: str, browser: Any) -> None:
    page = browser.new_page()
    sign_in(page, portal, "rika")
    page.goto(f"{portal}/environments/new/?product=shop&pattern=ecs-service")
    page.fill("[name=name]", "a-name-that-is-much-too-long-for-it")
    page.get_by_text("takes at most 32").first.wait_for()
    page.get_by_role("button", name="Create").click()
    page.get_by_text("takes at most 32").first.wait_for()
    assert not yard.org.shop.environments.exists()
