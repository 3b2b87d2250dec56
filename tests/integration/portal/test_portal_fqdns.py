"""The environment's page lists its host names; adding or removing one leads to the run that does it."""

from django.urls import reverse
from tests.integration.portal.site import Site

from stackyard.environments.fqdns import add_fqdn
from stackyard.runs.filling import further_fqdns

ZONE = "d1111.dev.example.com"


def page(site: Site, name: str) -> str:
    return site.client(name).get(reverse("portal:environment", args=[site.environment.uid])).content.decode()


def test_a_name_is_added_on_the_page_and_the_run_is_shown(site: Site) -> None:
    add = reverse("portal:add-fqdn", args=[site.environment.uid])
    answer = site.client("requester").post(add, {"fqdn": f"api.shop.{ZONE}"})
    run = site.environment.runs.order_by("-id")[0]

    assert answer.headers["Location"] == reverse("portal:run", args=[run.pk])
    assert further_fqdns(site.environment) == [f"api.shop.{ZONE}"]
    shown = page(site, "requester")
    assert f"api.shop.{ZONE}" in shown
    assert "with a certificate of its own" in shown


def test_a_refusal_is_told_on_the_page(site: Site) -> None:
    add = reverse("portal:add-fqdn", args=[site.environment.uid])
    shown = site.client("requester").post(add, {"fqdn": "shop.example.org"}, follow=True).content.decode()
    assert f"shop.example.org does not lie in {ZONE}" in shown


def test_who_may_only_look_gets_no_form(site: Site) -> None:
    add_fqdn(site.org.requester, site.environment, f"shop.{ZONE}", via="api")
    shown = page(site, "viewer")
    assert f"shop.{ZONE}" in shown
    assert "fqdns/add" not in shown
    assert "fqdns/remove" not in shown


def test_a_name_is_taken_away_by_its_button(site: Site) -> None:
    add_fqdn(site.org.requester, site.environment, f"shop.{ZONE}", via="api")
    site.environment.runs.filter(kind="change").update(status="succeeded")
    remove = reverse("portal:remove-fqdn", args=[site.environment.uid])
    site.client("requester").post(remove, {"fqdn": f"shop.{ZONE}"})
    assert site.environment.runs.order_by("-id")[0].request["drop_fqdns"] == [f"shop.{ZONE}"]
    gone = site.client("requester").post(remove, {"fqdn": "other.example.com"}, follow=True).content.decode()
    assert "no further name of shop-dev" in gone
