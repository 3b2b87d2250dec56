"""As whoever watches a run I see it stopped, orphaned and taken over, and its environment expire, with no reload."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from stackyard.cmdb.models import Environment, Run
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_in_the_browser import picture, sign_in
from tests.acceptance.test_recovery import assert_nothing_is_left
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.browser]
HANGS = {"code": "ThrottlingException", "message": "Rate exceeded", "status": 400}
"""The provider itself tries again for minutes, so that its Terraform works on."""
SOON = 90_000


@pytest.fixture
def page(yard: Yard, portal: str, browser: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Signed in, in a yard where nobody waits long for a Terraform that was told to end."""
    monkeypatch.setenv("STACKYARD_GRACE_SECONDS", "1")
    get_settings.cache_clear()
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(SOON)
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    sign_in(page, portal, "rika")
    yield page
    get_settings.cache_clear()


def chip(page: Any, text: str) -> None:
    page.locator("#part-header .head-line").get_by_text(text, exact=True).wait_for()


@pytest.mark.long
@pytest.mark.parametrize("keep", [False, True])
def test_cancelled(yard: Yard, portal: str, page: Any, start_worker: StartWorker, tmp_path: Path, keep: bool) -> None:
    yard.emulator.fail("ecs:CreateService", **HANGS)
    start_worker()
    run = yard.give_a_number(yard.create("stopped"))
    page.goto(f"{portal}/environments/{run.environment.uid}/")
    page.get_by_text("aws_sqs_queue.this: Creation complete").first.wait_for()
    page.get_by_role("link", name="Cancel").click()
    dialog = page.locator("#cancel")
    if keep:
        dialog.get_by_text("Keep what stands by then").click()
    dialog.get_by_role("button", name="Stop").wait_for()
    for dark, size in ((False, 1280), (True, 1280), (False, 390)):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": size, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        picture(page, f"cancel-{'dark' if dark else 'light'}-{size}", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 900})
    dialog.get_by_role("button", name="Stop").click()
    page.wait_for_url(f"{portal}/runs/{run.pk}/")

    page.get_by_text("SIGINT").first.wait_for()
    chip(page, "Needs attention" if keep else "Cancelled")
    picture(page, f"cancelled-{'kept' if keep else 'gone'}", tmp_path)
    run.refresh_from_db()
    if keep:
        assert run.environment.allocations.filter(released_at=None).exists()
        assert "aws_sqs_queue" in {r["type"] for r in Environment.objects.get().resources}
    else:
        page.locator("[data-step=release].step-done").wait_for()
        assert_nothing_is_left(yard, run)
    assert page.complaints == []


def test_orphaned_and_then_expired(
    yard: Yard, portal: str, page: Any, start_worker: StartWorker, tmp_path: Path
) -> None:
    first = start_worker()
    run = yard.create("orphan")
    page.goto(f"{portal}/environments/{run.environment.uid}/")
    page.locator("[data-step=apply].step-running").wait_for()
    first.kill()
    first.wait()
    start_worker()
    page.get_by_text("Taken over from a worker that fell silent").first.wait_for()
    chip(page, "Ready")
    picture(page, "taken-over", tmp_path)
    run.refresh_from_db()
    assert (run.status, run.takeovers) == ("succeeded", 1), log_of(run)

    long_ago = timezone.now() - dt.timedelta(days=2)
    Environment.objects.filter(pk=run.environment_id).update(expires_at=long_ago)
    chip(page, "Destroyed")  # the page is the one that was opened while it was built
    page.get_by_text("Nothing is left in the account").first.wait_for()
    picture(page, "expired", tmp_path)
    last = Run.objects.latest("id")
    assert (last.kind, last.status, last.via) == ("destroy", "succeeded", "schedule")
    assert_nothing_is_left(yard, last)
    assert page.complaints == []
