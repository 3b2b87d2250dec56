"""The request form, as a person fills it in."""

import re
from typing import Any

import pytest
from django.urls import reverse
from tests.integration.portal.site import HTMX, Site

from stackyard.cmdb.models import Environment, Sandbox

NEW = "/environments/new/"
GOOD = {"product": "shop", "pattern": "ecs-service", "name": "two"}


def send(site: Site, **fields: Any) -> Any:
    return site.client("requester").post(NEW, {**GOOD, "settings-of": "ecs-service", **fields})


def live(site: Site, **fields: str) -> str:
    response = site.client("requester").get(reverse("portal:new-environment-live"), {**GOOD, **fields}, **HTMX)
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_form_left_as_it_is_makes_the_environment_and_goes_to_its_page(site: Site) -> None:
    response = send(site)
    made = Environment.objects.get(slug="shop-two")
    assert response["Location"] == f"/environments/{made.uid}/"
    assert made.owner == site.org.requester
    assert made.runs.get().via == "portal"


def test_settings_come_back_typed_and_only_what_differs_is_kept(site: Site) -> None:
    send(
        site,
        **{
            "settings.container.cpu": "512",
            "settings.container.port": "8080",
            "settings.container.command": "sh\r\n-c\r\n",
            "settings.container.environment:name": ["STAGE", ""],
            "settings.container.environment:value": ["dev", ""],
            "settings.network.outbound_ports": "443\r\n5432",
            "settings.container.shell_access": "on",
        },
    )
    assert Environment.objects.get(slug="shop-two").settings == {
        "container.cpu": 512,
        "container.command": ["sh", "-c"],
        "container.environment": {"STAGE": "dev"},
        "network.outbound_ports": [443, 5432],
        "container.shell_access": True,
    }


def test_every_refused_field_says_why_and_values_are_kept(site: Site) -> None:
    response = send(
        site,
        name="Two!",
        **{
            "settings.container.port": "99999",
            "settings.container.cpu": "100",
            "settings.health_check.path": "no<slash",
            "settings.scaling.cpu_target_percent": "lots",
            "settings.container.environment:name": ["KEEP"],
            "settings.container.environment:value": ["me"],
        },
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "5 fields need a look" in page
    for text in (
        "Use lower-case letters",
        "Must be at most 65535",
        "Choose one of 256",
        "Must match",
        "Must be a number",
    ):
        assert text in page, text
    for kept in ('value="Two!"', 'value="99999"', 'value="no&lt;slash"', 'value="lots"', 'value="KEEP"', 'value="me"'):
        assert kept in page, kept
    assert not Environment.objects.filter(slug__startswith="shop-t").exists()


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"product": ""}, "Choose a product."),
        ({"pattern": ""}, "Choose a pattern."),
        ({"product": "fleet"}, "There is no product"),
        ({"pattern": "../etc"}, "There is no pattern"),
        ({"name": "dev"}, "is there already"),
        ({"name": "a" * 28}, "takes at most 32"),
        ({"sandbox": "mobility-dev"}, "has no sandbox"),
    ],
)
def test_a_refused_wish_is_told_at_its_field(site: Site, fields: dict[str, str], rule: str) -> None:
    response = send(site, **fields)
    assert response.status_code == 422
    assert rule.replace("'", "&#x27;") in response.content.decode()


def test_a_sandbox_without_room_is_refused_at_its_field(site: Site) -> None:
    Sandbox.objects.filter(name="commerce-dev").update(max_environments=1)
    response = send(site)
    assert response.status_code == 422
    assert "is full" in response.content.decode()


def test_settings_of_another_pattern_are_not_taken_over(site: Site) -> None:
    response = send(site, pattern="ecs-worker", **{"settings.container.cpu": "512"})
    assert response.status_code == 302
    assert Environment.objects.get(slug="shop-two").settings == {}


def test_only_the_person_s_own_products_are_offered(site: Site) -> None:
    page = site.client("stranger").get(NEW).content.decode()
    assert "Fleet manager" in page
    assert "Web shop" not in page


def test_a_form_can_be_opened_filled_in(site: Site) -> None:
    page = site.client("requester").get(NEW, GOOD).content.decode()
    assert 'value="two"' in page
    assert f"https://shop-two.{site.org.sandbox.zone_name}" in page
    assert 'name="settings.container.cpu"' in page
    assert "Advanced settings" in page


def test_the_address_is_shown_while_the_name_is_typed(site: Site) -> None:
    assert f"https://shop-two.{site.org.sandbox.zone_name}" in live(site)
    assert "is there already" in live(site, name="dev")
    assert "takes at most 32" in live(site, name="a" * 28)
    assert "Use lower-case letters" in live(site, name="Two!")
    assert "will begin with shop-" in live(site, name="")
    assert "Choose a product" in live(site, product="fleet"), "another department's product is no product"


def test_with_several_sandboxes_the_address_follows_the_choice(site: Site) -> None:
    site.org.other_sandbox.department = site.org.commerce
    site.org.other_sandbox.save()
    assert "in the zone of the sandbox that is chosen" in live(site)
    assert f"https://shop-two.{site.org.other_sandbox.zone_name}" in live(site, sandbox="mobility-dev")


def test_the_settings_of_the_pattern_just_chosen(site: Site) -> None:
    response = site.client("requester").get(
        reverse("portal:new-environment-settings"), {**GOOD, "pattern": "ecs-worker"}, **HTMX
    )
    part = response.content.decode()
    assert 'name="settings-of" value="ecs-worker"' in part
    assert "settings-shown" in response["HX-Trigger-After-Settle"], "then the preview comes anew"
    assert "<html" not in part


def preview(site: Site, **fields: Any) -> str:
    data = {**GOOD, "settings-of": fields.get("pattern", "ecs-service"), **fields}
    response = site.client("requester").post(reverse("portal:new-environment-preview"), data, **HTMX)
    assert response.status_code == 200
    return str(response.content.decode())


def diff_in(part: str) -> list[str]:
    """The lines of the first difference as text: sign, and what stands in the line."""
    rows = re.findall(
        r'<tr class="diff-(added|removed)">.*?<td class="diff-text">(.*?)</td>', part.split("<details")[0]
    )
    return [("+" if kind == "added" else "-") + re.sub(r"</?mark>", "", text).strip() for kind, text in rows]


def test_the_preview_is_the_difference_to_the_pattern(site: Site) -> None:
    part = preview(
        site,
        **{
            "settings.container.cpu": "512",
            "settings.container.port": "8080",
            "settings.container.environment:name": ["GREETING"],
            "settings.container.environment:value": ['<say "hi">'],
        },
    )
    assert diff_in(part) == [
        *("-cpu = 256", "+cpu = 512", "-environment = {}"),
        *("+environment = {", "+GREETING = &quot;&lt;say \\&quot;hi\\&quot;&gt;&quot;", "+}"),
    ]
    assert "shop-two" in part.split("<details")[1], "what Stackyard fills is shown apart"
    assert "Known once it is created" in part
    assert 'id="summary" hx-swap-oob="true"' in part
    assert not Environment.objects.filter(slug="shop-two").exists()


def test_what_is_refused_is_left_out_of_the_preview_and_told_at_its_field(site: Site) -> None:
    part = preview(site, **{"settings.container.port": "99999", "settings.scaling.max": "3"})
    assert diff_in(part) == ["-max = 2", "+max = 3"]
    (told,) = re.findall(r'<div id="setting-\d+-error" hx-swap-oob="innerHTML">([^<]+)</div>', part)
    assert told == "Must be at most 65535."


def test_the_preview_tells_which_components_are_built(site: Site) -> None:
    def built(**settings: str) -> set[str]:
        part = preview(site, pattern="ecs-web-db", **{"settings.alarms.enabled": "on"} | settings)
        return set(re.findall(r'part-built"><svg.*?</svg> ([A-Za-z ]+?)</li>', part))

    assert built() >= {"DNS", "Database", "Alarms"}
    assert built(**{"settings.cache.enabled": "on", "settings.cdn.enabled": "on"}) - built() == {"Cache", "CloudFront"}


def test_no_address_is_promised_where_nothing_would_answer(site: Site) -> None:
    posted = {**GOOD, "pattern": "ecs-worker", "settings-of": "ecs-worker"}
    response = site.client("requester").post(reverse("portal:new-environment-preview"), posted, **HTMX)
    shown = response.content.decode()
    assert "nothing of it is reached from outside" in shown
    assert "shop-two" in shown
    assert "https://shop-two." not in shown
