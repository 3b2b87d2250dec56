"""As an application developer I see in a browser that there is a newer version, and decide what stands where."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackyard.cmdb.models import Run
from stackyard.portal.patterns import catalogue
from stackyard.settings import get_settings
from tests.acceptance.test_in_the_browser import picture, sign_in
from tests.factories import Organisation, make_organisation
from tests.versions import by_hand, own_catalogue, publish, standing

pytestmark = pytest.mark.browser

VERSION_2 = {
    "locals.tf": (
        ("retention_days = 14", "retention_days = 30"),
        ("visibility_seconds = 60", "visibility_seconds = 90"),
        ("  # How many tasks run.\n", "  # Trace every request.\n  tracing = false\n\n  # How many tasks run.\n"),
    ),
    "pattern.yaml": (("max: 1000\n", "max: 20\n"),),
    "main.tf": (("resource", "# Version 2.\nresource"),),
}


@pytest.fixture
def org(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Organisation]:
    monkeypatch.setattr(get_settings(), "data", tmp_path / "data")
    catalogue.cache_clear()
    own_catalogue(tmp_path, monkeypatch)
    yield make_organisation()
    catalogue.cache_clear()


def test_what_conflicts_is_decided_beside_what_becomes_of_it(
    org: Organisation, portal: str, browser: Any, tmp_path: Path
) -> None:
    env = standing(org, "dev", {"queue.visibility_seconds": 300, "queue.max_attempts": 50, "scaling.max": 3})
    by_hand(env, "main.tf", "resource", "# Ours.\nresource")
    by_hand(env, "outputs.tf", "output", "# Ours.\noutput")
    publish(tmp_path / "patterns" / "ecs-worker", "2.0.0", VERSION_2)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    sign_in(page, portal, "rika")

    page.goto(f"{portal}/environments/{env.uid}/")
    page.get_by_text("newer version 2.0.0").wait_for()
    picture(page, "upgrade-badge", tmp_path)
    page.get_by_role("link", name="Upgrade").click()
    page.get_by_text("3 to decide").wait_for()
    picture(page, "upgrade", tmp_path)

    page.get_by_role("button", name="Plan and apply").click()
    page.get_by_text("3 conflicts to decide.").wait_for()
    assert page.locator(".field-error", has_text="Take").count() == 3
    picture(page, "upgrade-refused", tmp_path)

    attempts = page.locator(".choice", has_text="queue.max_attempts")
    assert attempts.get_by_role("radio", name="Keep mine").is_disabled(), "the new version takes at most 20"
    attempts.get_by_role("radio", name="Take the new one").check()
    seconds = page.locator(".choice", has_text="queue.visibility_seconds")
    seconds.get_by_role("radio", name="Take the new one").check()
    page.locator(".diff-added", has_text="visibility_seconds = 90").wait_for()
    seconds.get_by_role("radio", name="Keep mine").check()
    file = page.locator(".choice", has_text="main.tf")
    file.locator("summary").click()
    file.get_by_role("radio", name="Keep the file").check()
    page.get_by_label("Tracing").check()
    page.locator(".diff-added", has_text="tracing = true").wait_for()
    page.locator(".diff-added", has_text="visibility_seconds = 90").wait_for(state="detached")
    assert page.get_by_text("to decide: until").count() == 0
    for scheme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.bsTheme = '{scheme}'")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"too wide at {width}"
            picture(page, f"upgrade-{scheme}-{width}", tmp_path)
    page.get_by_role("button", name="Plan and apply").click()
    page.wait_for_url(f"{portal}/runs/*/")

    run = Run.objects.get(kind="change")
    assert run.request["take"] == {
        "queue.visibility_seconds": "mine",
        "queue.max_attempts": "new",
        "main.tf": "mine",
    }
    assert run.request["set"] == {"tracing": True}
    page.goto(f"{portal}/patterns/ecs-worker/")
    page.get_by_text("1 of 1").wait_for()
    picture(page, "pattern-impact", tmp_path)
    assert [c for c in complaints if not c.startswith(("htmx:afterRequest", "htmx:sendAbort")) and "422" not in c] == []
