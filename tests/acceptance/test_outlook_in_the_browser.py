"""As an application developer I see where my run stands in line, how far it is, and who has to approve it."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from stackyard.cmdb.models import Run, RunStatus, StageStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.lease import Lease, claim, finish, guarded, park, write_stage
from tests.acceptance.test_in_the_browser import picture, sign_in
from tests.factories import Organisation, make_organisation

pytestmark = [pytest.mark.journey, pytest.mark.browser]
USUAL = (2.0, 8.0, 1.0, 20.0, 1.0, 150.0, 12.0, 1.0)


def asked(org: Organisation, name: str) -> Run:
    return create(org.requester, CreateRequest("shop", "ecs-worker", name), via="api")


def held(run: Run) -> Lease:
    lease = claim(run.pk, "one", 600)
    assert lease is not None
    return lease


def test_position_bar_and_approval(transactional_db: None, portal: str, browser: Any, tmp_path: Path) -> None:
    org = make_organisation()
    org.sandbox.max_parallel_runs = 1
    org.sandbox.save()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour')")
    first = asked(org, "first")
    lease, now = held(first), timezone.now()
    for stage, seconds in zip(first.stages.all(), USUAL, strict=True):
        begin = now - dt.timedelta(seconds=seconds)
        first.stages.filter(pk=stage.pk).update(status=StageStatus.DONE, started_at=begin, finished_at=now)
    finish(lease, RunStatus.SUCCEEDED)

    ahead, run = asked(org, "ahead"), asked(org, "mine")
    before = held(ahead)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    sign_in(page, portal, "rika")
    page.goto(f"{portal}/runs/{run.pk}/")
    page.get_by_text("Next in line; begins in about 3 min, done in about 6 min.").wait_for()
    picture(page, "outlook-queued", tmp_path)
    finish(before, RunStatus.SUCCEEDED)
    page.get_by_text("Next in line; begins in a moment").wait_for()

    lease = held(run)
    for position in range(5):
        write_stage(lease, position, status=StageStatus.DONE, started_at=timezone.now(), finished_at=timezone.now())
    begun = timezone.now() - dt.timedelta(seconds=40)
    write_stage(lease, 5, status=StageStatus.RUNNING, started_at=begun)
    page.get_by_text("About 2 min left.").wait_for()
    # The bar is drawn right after the words.
    bar = page.locator("[data-segment=apply]:not([width='0']):not([width='0.0'])")
    bar.wait_for(state="attached")
    filled, width = float(bar.get_attribute("width")), float(bar.get_attribute("data-width"))
    assert 0.2 < filled / width < 0.6
    for dark, size in ((False, 1280), (True, 1280), (True, 390), (False, 390)):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": size, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        picture(page, f"outlook-{'dark' if dark else 'light'}-{size}", tmp_path)

    change = [{"address": "aws_db_instance.this", "type": "aws_db_instance", "action": "replace", "destructive": True}]
    plan = {"summary": "1 to replace", "digest": "d", "destructive": True, "changes": change}
    guarded(lease, plan=plan, approval_role="platform")
    park(lease, 72, "Waiting for approval by platform staff. Data is lost for ever.")
    page.get_by_text("Data is lost for ever.").wait_for()
    page.get_by_text("It can be approved by platform staff.").wait_for()
    assert page.get_by_role("button", name="Approve and apply").count() == 0
    assert page.get_by_role("button", name="Reject").count() == 1
    page.set_viewport_size({"width": 1280, "height": 900})
    picture(page, "approval-by-staff", tmp_path)
    assert complaints == []
