"""Pages of address pools: a picture of each, who holds what, and what only platform staff may do."""

import pytest
from django.test import Client
from django.urls import reverse
from tests.integration.portal.site import HTMX, Site

from stackyard.cmdb.models import AddressBlock, AddressPool
from stackyard.cmdb.space import space_of
from stackyard.environments.addresses import claim_block
from stackyard.portal.pool_bar import WIDTH, bar_of


def page(client: Client, name: str, **more: object) -> str:
    return client.get(reverse(f"portal:{name}", **more)).content.decode()  # type: ignore[arg-type]


def test_a_pool_is_drawn_to_scale(site: Site) -> None:
    pool = AddressPool.objects.get()
    pool.reserved = ["10.20.128.0/17"]
    pool.save()
    claim_block(pool, 0, purpose="the office", wanted="10.20.64.0/18")
    stripes = bar_of(space_of(pool), {site.block.pk})

    assert [(s.kind, s.x, s.width) for s in stripes] == [
        ("given", 0.0, 1.5),
        ("given", 250.0, 250.0),
        ("reserved", 500.0, 500.0),
    ]
    assert [s.title for s in stripes] == [
        "10.20.0.0/26: environment shop-dev",
        "10.20.64.0/18: given",
        "10.20.128.0/17: reserved",
    ]


def test_thousands_of_blocks_make_a_picture_of_a_bounded_size(site: Site) -> None:
    pool = AddressPool.objects.get()
    blocks = [AddressBlock(pool=pool, block=f"10.20.{n // 8}.{n % 8 * 32}/28", purpose="x") for n in range(8, 1600)]
    AddressBlock.objects.bulk_create(blocks)
    stripes = bar_of(space_of(pool), ())
    assert len(stripes) <= WIDTH / 2
    assert any("blocks of" in s.title for s in stripes)


def test_people_of_a_department_see_their_blocks_and_not_who_has_the_others(site: Site) -> None:
    claim_block(AddressPool.objects.get(), 20, purpose="secret plans")
    for name in ("viewer", "requester"):
        shown = page(site.client(name), "address-pool", args=["corp"])
        assert "shop-dev" in shown
        assert "10.20.16.0/20: given" in shown
        assert "secret plans" not in shown
        assert "secret plans" not in page(site.client(name), "address-csv")
    assert "secret plans" in page(site.client("platform"), "address-pool", args=["corp"])


@pytest.mark.parametrize(
    ("text", "found"), [("10.20.0.7", True), ("10.20.0.0/24", True), ("shop", True), ("10.20.9.9", False), ("\0", True)]
)
def test_blocks_are_found_by_address_and_by_name(site: Site, text: str, found: bool) -> None:
    address = reverse("portal:address-pool", args=["corp"])
    rows = site.client("viewer").get(address, {"q": text}, **HTMX).content.decode()  # type: ignore[arg-type]
    assert ("10.20.0.0/26" in rows) == found
    assert "<html" not in rows


def test_a_refused_pool_comes_back_with_its_reasons_at_the_fields(site: Site) -> None:
    sent = {"name": "More", "block": "10.20.1.1/16", "reserved": "10.30.0.0/24\nx", "vpc_prefix": "20"}
    answer = site.client("platform").post(reverse("portal:new-address-pool"), sent)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "has host bits set; the block that it lies in is 10.20.0.0/16" in text
    assert 'value="10.20.1.1/16"' in text
    assert text.count("is-invalid") >= 2

    sent = {"name": "more", "block": "10.20.64.0/18", "vpc_prefix": "20"}
    text = site.client("platform").post(reverse("portal:new-address-pool"), sent).content.decode()
    assert "overlaps with pool corp, which is 10.20.0.0/16" in text


def test_what_others_hold_is_noted_and_released(site: Site) -> None:
    client = site.client("platform")
    note = reverse("portal:note-address-block", args=["corp"])
    assert client.post(note, {"purpose": "the office", "block": "10.20.64.0/20"}).status_code == 302
    refused = client.post(note, {"purpose": "a lab", "block": "10.20.72.0/24"})
    assert "overlaps with 10.20.64.0/20 of &#x27;the office&#x27;" in refused.content.decode()
    full = client.post(note, {"purpose": "a lab", "length": "16"})
    assert "has no free /16" in full.content.decode()

    block = AddressBlock.objects.get(purpose="the office")
    assert client.post(reverse("portal:release-address-block", args=["corp", block.pk])).status_code == 302
    block.refresh_from_db()
    assert block.released_at is not None


def test_a_pool_goes_by_its_page_when_it_is_empty(site: Site) -> None:
    AddressPool.objects.create(name="unused", block="10.30.0.0/16")
    client = site.client("platform")
    assert "Delete the pool" in page(client, "address-pool", args=["unused"])
    assert "Delete the pool" not in page(client, "address-pool", args=["corp"])
    client.post(reverse("portal:delete-address-pool", args=["unused"]))
    assert not AddressPool.objects.filter(name="unused").exists()


def test_without_a_pool_the_page_says_what_pools_are_for(site: Site) -> None:
    AddressBlock.objects.all().delete()
    site.org.sandbox.pool = None
    site.org.sandbox.save()
    AddressPool.objects.all().delete()
    assert "Add the first one" in page(site.client("platform"), "addresses")
    assert "Platform staff can add one" in page(site.client("viewer"), "addresses")
