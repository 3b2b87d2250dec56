"""As platform staff I look after the addresses that networks are cut from, in a browser."""

from pathlib import Path
from typing import Any

import pytest

from stackyard.cmdb.models import AddressPool
from stackyard.environments.addresses import claim_block
from stackyard.environments.create import create
from stackyard.environments.fqdns import add_fqdn
from stackyard.environments.requests import CreateRequest
from tests.acceptance.test_in_the_browser import picture, sign_in
from tests.factories import Organisation, make_organisation

pytestmark = [pytest.mark.journey, pytest.mark.browser]


@pytest.fixture
def org(transactional_db: None) -> Organisation:
    return make_organisation()


def test_a_pool_from_its_first_day_to_a_full_page(org: Organisation, portal: str, browser: Any, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))

    sign_in(page, portal, "pat")
    page.get_by_role("link", name="Addresses").click()
    picture(page, "addresses-none", tmp_path)
    page.get_by_role("link", name="New pool").first.click()
    page.fill("[name=name]", "corp")
    page.fill("[name=block]", "10.20.0.0/16")
    page.fill("[name=reserved]", "10.20.0.0/24\n10.20.224.0/19")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Pool corp (10.20.0.0/16) is saved.").wait_for()

    page.get_by_role("link", name="Note a block").click()
    page.fill("[name=purpose]", "the office in Nagoya")
    page.fill("[name=block]", "10.20.64.0/20")
    picture(page, "addresses-note", tmp_path)
    page.get_by_role("button", name="Note it").click()
    page.get_by_text("10.20.64.0/20 is held: the office in Nagoya.").wait_for()

    _fill(org)
    page.reload()
    assert page.locator(".pool-bar .pool-given").count() > 5
    assert page.locator(".pool-bar .pool-reserved").count() == 2
    given = page.locator(".pool-bar .pool-given").first.evaluate("e => getComputedStyle(e).fill")
    free = page.locator(".pool-bar .pool-free").evaluate("e => getComputedStyle(e).fill")
    assert given != free != "rgb(0, 0, 0)", "the style sheet colours the picture"
    picture(page, "addresses-pool", tmp_path)
    page.emulate_media(color_scheme="dark")
    page.reload()
    picture(page, "addresses-pool-dark", tmp_path)
    page.set_viewport_size({"width": 390, "height": 844})
    picture(page, "addresses-pool-phone", tmp_path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
    page.fill("[name=q]", "10.20.70.1")
    page.locator("#rows tbody tr").nth(1).wait_for(state="detached")
    assert "Nagoya" in page.inner_text("#rows")
    page.get_by_role("link", name="Addresses").last.click()
    picture(page, "addresses-list-phone", tmp_path)
    assert complaints == []


def _fill(org: Organisation) -> None:
    """Networks of sandboxes, and an environment with subnets and names of its own."""
    pool = AddressPool.objects.get()
    for number in range(6):
        claim_block(pool, 20 if number % 2 else 22, purpose=f"network {number}")
    org.sandbox.pool = pool
    org.sandbox.save()
    env = create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="portal").environment
    claim_block(pool, 26, purpose="own subnets", environment=env)


def test_host_names_on_the_page_of_an_environment(org: Organisation, portal: str, browser: Any, tmp_path: Path) -> None:
    env = create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="portal").environment
    env.runs.update(status="succeeded")
    env.status, env.resources = "ready", [{"address": "a.b", "type": "a", "name": "b", "id": "", "depends_on": []}]
    env.save()
    add_fqdn(org.requester, env, f"api.shop.{org.sandbox.zone_name}", via="portal")
    env.runs.update(status="succeeded")

    page = browser.new_page(viewport={"width": 1280, "height": 900})
    sign_in(page, portal, "rika")
    page.goto(f"{portal}/environments/{env.uid}/")
    page.get_by_text("with a certificate of its own").wait_for()
    picture(page, "host-names", tmp_path)
    page.fill("#further-fqdn", "shop.example.org")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_text("does not lie in").wait_for()
    picture(page, "host-names-refused", tmp_path)
    page.fill("#further-fqdn", f"shop.{org.sandbox.zone_name}")
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url("**/runs/*/")
