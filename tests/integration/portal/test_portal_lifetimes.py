"""Expiry, drift and notices as people see them."""

import datetime as dt
import re
from typing import Any

import pytest
from django.utils import timezone
from tests.integration.portal.site import HTMX, Site

from stackyard.cmdb.models import Environment, Notice, Run

DIFFERS: dict[str, Any] = {
    "checked_at": "2026-01-01T00:00:00+00:00",
    "run": 1,
    "resources": [
        {
            "address": "module.logs.aws_cloudwatch_log_group.this",
            "action": "update",
            "attributes": [
                {"path": "retention_in_days", "before": 14, "after": 3, "sensitive": False},
                {"path": "tags.note", "before": None, "after": "<script>", "sensitive": False},
                {"path": "kms", "before": False, "after": True, "sensitive": False},
                {"path": "password", "before": None, "after": None, "sensitive": True},
            ],
        },
        {"address": "aws_sqs_queue.a", "action": "delete", "attributes": []},
    ],
}


def own(site: Site, *more: str) -> str:
    return "/".join(("/environments", site.environment.uid, *more, ""))


def page(site: Site, path: str = "", who: str = "requester") -> str:
    response = site.client(who).get(path or own(site))
    assert response.status_code == 200
    return str(response.content.decode())


def post(site: Site, what: str, who: str = "requester", **data: str) -> Any:
    return site.client(who).post(own(site, *what.split("/")), data)


def lives(**left: float) -> None:
    # A little more, as the page is looked at a moment later.
    at = timezone.now() + dt.timedelta(**left) + dt.timedelta(seconds=30)
    Environment.objects.update(expires_at=at)


@pytest.mark.parametrize(
    ("left", "colour", "text"),
    [
        ({"days": 30}, "secondary", "30 days left"),
        ({"days": 3}, "secondary", "3 days left"),
        ({"days": 2}, "yellow", "2 days left"),
        ({"hours": 5}, "yellow", "5 hours left"),
        ({"minutes": 5}, "yellow", "less than 1 hour left"),
        ({"hours": -5}, "red", "expired, will be destroyed at"),
    ],
)
def test_the_chip_says_how_long_it_lives(site: Site, left: dict[str, float], colour: str, text: str) -> None:
    lives(**left)
    places = [(page(site), text), (page(site, "/environments/"), text.partition(",")[0])]
    for shown, said in places[: 1 if left == {"days": 30} else 2]:  # a list tells only of the last week
        (chip,) = re.findall(r'<span class="badge bg-(\w+)-lt expiry"[^>]*>([^<]+)<', shown)
        assert chip[0] == colour
        assert said in chip[1]


def test_a_list_tells_only_of_the_last_week(site: Site) -> None:
    lives(days=30)
    assert "expiry" not in page(site, "/environments/")


def test_what_never_expires_or_is_gone_has_no_chip(site: Site) -> None:
    Environment.objects.update(expires_at=None)
    assert "never" in page(site)
    lives(days=-1)
    Environment.objects.update(status="destroyed")
    assert "expiry" not in page(site)


def test_the_list_can_show_what_expires_soon(site: Site) -> None:
    assert "Nothing fits" in page(site, "/environments/?expiring=yes")
    lives(days=2)
    assert site.environment.slug in page(site, "/environments/?expiring=yes")


def test_extended_by_days_to_a_day_or_for_ever(site: Site) -> None:
    lives(days=1)
    assert post(site, "extend", how="days", days="7").status_code == 302
    assert "expires on" in page(site)
    site.environment.refresh_from_db()
    assert site.environment.expires_at is not None
    assert (site.environment.expires_at - timezone.now()).days == 8
    day = (timezone.now() + dt.timedelta(days=60)).date().isoformat()
    post(site, "extend", how="until", until=day, days="7")
    site.environment.refresh_from_db()
    assert site.environment.expires_at.date().isoformat() == day
    assert post(site, "extend", how="never").status_code == 403
    assert "Keep it for ever" not in page(site)
    assert "Keep it for ever" in page(site, who="platform")
    post(site, "extend", "platform", how="never")
    site.environment.refresh_from_db()
    assert site.environment.expires_at is None


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"days": "500"}, "at most 90 days from now"),
        ({"days": "x"}, "whole number"),
        ({"days": "-1"}, "whole number"),
        ({}, "whole number"),
        ({"how": "until", "until": ""}, "neither"),
        ({"how": "until", "until": "2001-01-01"}, "is past"),
    ],
)
def test_what_is_refused_stands_at_its_field(site: Site, sent: dict[str, str], why: str) -> None:
    answer = post(site, "extend", **sent)
    assert answer.status_code == 422
    (said,) = re.findall(r'class="invalid-feedback">([^<]+)<', answer.content.decode())
    assert why in said
    if "days" in sent:
        assert f'value="{sent["days"]}"' in answer.content.decode()


def test_a_new_one_with_an_expiry(site: Site) -> None:
    wish = {"product": "shop", "pattern": "ecs-worker", "name": "two"}
    refused = site.client("requester").post("/environments/new/", {**wish, "expires": "200"})
    assert refused.status_code == 422
    assert "at most 90 days" in refused.content.decode()
    assert 'value="200"' in refused.content.decode()
    assert site.client("requester").post("/environments/new/", {**wish, "expires": "14"}).status_code == 302
    made = Environment.objects.get(name="two")
    assert made.expires_at is not None
    assert round((made.expires_at - timezone.now()) / dt.timedelta(days=1)) == 14


def test_drift_is_a_table_of_what_was_and_what_is(site: Site) -> None:
    assert "not looked yet" in page(site)
    Environment.objects.update(drift_checked_at=timezone.now())
    assert "AWS has what was applied" in page(site)
    Environment.objects.update(drift=DIFFERS)
    shown = page(site)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))
    assert "module.logs.aws_cloudwatch_log_group.this retention_in_days 14 3" in text
    assert "kms false true" in text
    assert "password hidden hidden" in text
    assert "aws_sqs_queue.a gone" in text
    assert "&lt;script&gt;" in shown
    assert "Repair" in shown
    assert "Repair" not in page(site, who="viewer")
    fragment = site.client("requester").get(own(site), **HTMX).content.decode()
    assert 'id="part-drift" class="order-first" hx-swap-oob="true"' in fragment


def test_looking_repairing_and_accepting(site: Site) -> None:
    post(site, "drift")
    look = Run.objects.get(kind="drift")
    assert (look.via, look.priority, look.request["accept"]) == ("portal", 0, "")
    assert "Repair" not in page(site), "not while a run goes on"
    Run.objects.update(status="succeeded")

    Environment.objects.update(drift=DIFFERS)
    (seen,) = re.findall(r'name="seen" value="(\w+)"', page(site))
    changed = {**DIFFERS, "resources": DIFFERS["resources"][:1]}
    Environment.objects.update(drift=changed)
    assert post(site, "drift/accept", seen=seen).status_code == 409
    Environment.objects.update(drift=DIFFERS)
    assert post(site, "drift/accept", seen=seen).status_code == 302
    assert Run.objects.latest("id").request["accept"] == seen
    Run.objects.update(status="succeeded")
    assert post(site, "drift/repair").status_code == 302
    assert Run.objects.latest("id").kind == "change"


def told(site: Site, kind: str, *, platform: bool = False) -> Notice:
    return Notice.objects.create(
        environment=site.environment, kind=kind, about=kind, message=f"About <b>{kind}</b>.", for_platform=platform
    )


def test_notices_reach_those_whom_they_concern(site: Site) -> None:
    told(site, "expiry")
    told(site, "destroy_failed", platform=True)

    def seen(who: str) -> list[str]:
        return re.findall(r"About &lt;b&gt;(\w+)&lt;", page(site, "/notices/", who))

    assert {who: seen(who) for who in ("viewer", "stranger", "requester", "platform")} == {
        "viewer": [],
        "stranger": [],
        "requester": ["expiry"],
        "platform": ["destroy_failed"],
    }
    assert 'aria-label="1 waiting"' in page(site)
    assert "waiting" not in page(site, "/environments/", "viewer")


def test_a_notice_is_put_aside_but_not_that_something_could_not_be_destroyed(site: Site) -> None:
    drift, failed = told(site, "drift"), told(site, "destroy_failed", platform=True)
    for who in ("viewer", "stranger"):
        assert site.client(who).post(f"/notices/{drift.pk}/dismiss/").status_code == 404
    assert site.client("requester").post(f"/notices/{failed.pk}/dismiss/").status_code == 404
    assert site.client("requester").post(f"/notices/{drift.pk}/dismiss/").status_code == 302
    assert "Nothing to tell" in page(site, "/notices/")
    assert site.client("platform").post(f"/notices/{failed.pk}/dismiss/").status_code == 409
    assert "Put aside" not in re.sub(r"<th>.*?</th>", "", page(site, "/notices/", "platform"))
