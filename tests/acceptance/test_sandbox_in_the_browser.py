"""As platform staff I add an account in a browser, check it, and send it off to be built; nobody waits for it."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stackyard.aws.emulator.process import Emulator
from stackyard.cmdb.models import AddressPool, Run, Sandbox
from tests.acceptance.test_in_the_browser import picture, sign_in
from tests.factories import make_organisation

pytestmark = pytest.mark.browser
_accounts = count(830000000000)


def test_added_checked_and_sent_to_be_built(
    transactional_db: None, emulator: Emulator, portal: str, browser: Any, tmp_path: Path
) -> None:
    make_organisation()
    AddressPool.objects.create(name="corp", block="10.32.0.0/14")
    account = str(next(_accounts))
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))

    sign_in(page, portal, "pat")
    page.get_by_role("link", name="Sandboxes").first.click()
    page.get_by_role("link", name="New sandbox").first.click()
    page.fill("[name=name]", "third")
    page.select_option("[name=department]", "commerce")
    page.fill("[name=account_id]", account)
    page.fill("[name=region]", "eu-central-1")
    page.fill("[name=zone_name]", "third.dev.example.com")
    page.check("[name=emulated]")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Nothing was saved").wait_for()
    assert page.locator(".is-invalid").count() == 1
    assert page.input_value("[name=pool]") == "corp", "the only one is chosen"
    complaints.clear()  # the browser notes the refusal

    assert page.locator("[name='facts.vpc_id']").is_hidden()
    page.get_by_text("The account has its own").click()
    assert page.locator("[name='facts.vpc_id']").is_visible()
    page.get_by_text("The account has its own").click()
    page.fill("[name=role_arn]", f"arn:aws:iam::{account}:role/stackyard")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("What is next").wait_for()

    page.get_by_role("button", name="Check now").click()
    page.locator(".finding", has_text=f"opens account {account}").wait_for()
    page.locator(".finding-fine", has_text="Address block").wait_for()
    page.get_by_role("button", name="Check now").click()  # once more: the button came back
    page.locator("#findings .finding").first.wait_for()
    picture(page, "sandbox", tmp_path)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    picture(page, "sandbox-phone-dark", tmp_path)
    page.set_viewport_size({"width": 1280, "height": 900})

    page.get_by_role("link", name="Create the role").click()
    page.get_by_text("Permission policy stackyard-network").wait_for()
    assert "sts:ExternalId" in (page.locator("[data-copy]").first.get_attribute("data-copy") or "")
    page.go_back()

    page.get_by_role("link", name="Bootstrap").click()
    page.select_option("[name='settings.logs.retention_days']", "7")
    page.get_by_role("button", name="Bootstrap").click()
    page.get_by_text("Create baseline-third").first.wait_for()
    page.get_by_role("link", name="To the sandbox").click()
    page.get_by_text("10.32.0.0/20").wait_for()
    assert complaints == []
    run = Run.objects.get()
    assert run.environment.settings == {"logs.retention_days": 7}
    assert Sandbox.objects.get(name="third").status == "new"
