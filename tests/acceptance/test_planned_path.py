"""As somebody who approves I see the planned path before anything is built: on the page, by API and command line."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stackyard.cli.main import app
from stackyard.cmdb.models import ApiToken, Environment
from stackyard.runs.approve import reject
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_in_the_browser import MINUTES, picture, sign_in
from tests.yard import Yard

pytestmark = [pytest.mark.journey, pytest.mark.browser]

WISHES = {"cdn__enabled": True, "cache__enabled": True}


def test_the_planned_path_is_shown_until_one_is_proven(
    yard: Yard,
    portal: str,
    browser: Any,
    start_worker: StartWorker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    yard.org.sandbox.approvals = [{"kinds": ["create"], "role": "requester"}]
    yard.org.sandbox.save()
    run = yard.create(pattern="ecs-web-db", **WISHES)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    sign_in(page, portal, "rika")
    page.goto(f"{portal}/environments/{run.environment.uid}/")
    start_worker()  # the page, which is open already, hears of the plan

    page.locator("#part-path .hop-planned", has_text="Way to the cache").wait_for(timeout=MINUTES)
    assert page.locator("#part-path .hop-planned.hop-ok", has_text="CloudFront's certificate").count() == 1
    assert page.locator("#part-path .hop-planned.hop-unknown", has_text="Service").count() == 1, "not known yet"
    assert page.locator("#part-path .hop-planned").count() == page.locator("#part-path .hop").count() > 10
    assert page.get_by_text("planned, to be proven when it stands").count() == 1
    assert page.get_by_role("button", name="Prove again").count() == 0, "nothing stands that could be proven"
    pictures(page, "planned", tmp_path)

    page.goto(f"{portal}/runs/{run.pk}/")
    page.get_by_text("Planned path, to be proven when it stands").wait_for(timeout=MINUTES)
    assert page.locator("#part-plan .hop-planned").count() > 10
    pictures(page, "planned-run", tmp_path)

    monkeypatch.setenv("STACKYARD_URL", portal)
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(yard.user, "test")[1])
    shown = CliRunner().invoke(app, ["env", "show", "shop-dev"]).output
    assert "  Path, planned\n" in shown
    assert "    fits      CloudFront's certificate\n" in shown
    assert "    unknown   Service\n" in shown
    shown = CliRunner().invoke(app, ["run", "show", str(run.pk)]).output
    assert "Path, planned:\n" in shown
    assert "  fits      Certificate\n" in shown

    reject(yard.user, run)
    page.get_by_text("Cancelled", exact=True).first.wait_for(timeout=MINUTES)
    assert Environment.objects.get(pk=run.environment_id).hops == [], "nothing is planned any more"
    assert page.locator("#part-plan .hop").count() == 0


def pictures(page: Any, name: str, tmp_path: Path) -> None:
    """In light, dark, and on a phone, where nothing sticks out."""
    picture(page, name, tmp_path)
    page.emulate_media(color_scheme="dark")
    picture(page, f"{name}-dark", tmp_path)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, f"{name}-phone", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
