"""Changing an environment in the portal: the form begins with what the record holds, and sends what was changed."""

import html
import re
import subprocess
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from tests.integration.portal.forms import as_sent
from tests.integration.portal.site import HTMX, Site, ready

from stackyard.cmdb.models import Environment, PullRequest, Run, RunStatus
from stackyard.environments.change import ChangeRequest, change
from stackyard.settings import get_settings

PLAN = {
    "summary": "1 to create, 1 to replace",
    "destructive": True,
    "digest": "d" * 64,
    "changes": [
        {
            "address": "module.x.aws_ecs_service.this",
            "type": "aws_ecs_service",
            "action": "create",
            "destructive": False,
        },
        {
            "address": "module.y.aws_lb_target_group.<b>",
            "type": "aws_lb_target_group",
            "action": "replace",
            "attributes": ["port"],
            "destructive": True,
        },
    ],
}


@pytest.fixture
def site(recorded: Site) -> Site:
    """With the code of its environment in the record."""
    return recorded


def by_hand(site: Site, old: str, new: str) -> None:
    """Somebody edits the interface file in the record and commits."""
    root = get_settings().data / "record"
    file = root / site.environment.record_folder / "locals.tf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    who = ["-c", "user.name=Hand", "-c", "user.email=hand@example.com"]
    subprocess.run(["git", *who, "commit", "-qam", "By hand"], cwd=root, check=True)


def address(site: Site, name: str = "change-environment") -> str:
    return reverse(f"portal:{name}", args=[site.environment.uid])


def opened(site: Site, **query: Any) -> str:
    response = site.client("requester").get(address(site), query)
    assert response.status_code == 200
    return str(response.content.decode())


def send(site: Site, form: QueryDict) -> Any:
    return site.client("requester").post(address(site), dict(form.lists()))


def asked(response: Any) -> dict[str, Any]:
    """What the run that the response leads to was asked for."""
    assert response.status_code == 302, response.content.decode()
    return dict(Run.objects.get(pk=int(response["Location"].strip("/").split("/")[-1])).request)


def waiting(site: Site, plan: dict[str, Any] = PLAN) -> Run:
    run = change(site.org.requester, site.environment, ChangeRequest(set={"scaling.max": 3}), via="portal")
    Run.objects.filter(pk=run.pk).update(status=RunStatus.WAITING, plan=plan)
    return Run.objects.get(pk=run.pk)


def ended(site: Site, status: str, **fields: Any) -> Run:
    run = waiting(site, {})
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=timezone.now(), **fields)
    Environment.objects.update(status="ready")
    return Run.objects.get(pk=run.pk)


def run_page(site: Site, run: Run, who: str = "requester") -> str:
    return str(site.client(who).get(f"/runs/{run.pk}/").content.decode())


def test_a_plan_that_waits_in_a_pull_request_leads_there(site: Site) -> None:
    run = waiting(site)
    assert "Pull request" not in run_page(site, run)
    PullRequest.objects.create(
        run=run, branch="change/x", number=7, url="https://github.example.com/acme/record/pull/7"
    )
    page = run_page(site, run)
    assert '<a href="https://github.example.com/acme/record/pull/7">Pull request #7</a>' in page
    assert "Approving here merges it" in page


def test_what_was_merged_and_rejected_can_be_taken_back_on_its_page(site: Site) -> None:
    run = ended(site, "cancelled")
    assert "Back to the last good code" not in run_page(site, run)
    PullRequest.objects.create(run=run, branch="change/x", number=7, merged=True)
    page = run_page(site, run)
    assert "Back to the last good code" in page
    assert "is in the record" in page


NASTY = (
    ("command = []", 'command = ["a b", " edge ", "", "two\\nlines"]'),
    ("environment = {}", 'environment = { PEM = "-----\\n  x\\n", EMPTY = "", " odd " = "1", TRUE = "true", N = 1 }'),
    ('path = "/"', 'path = "/a\\\\b"'),
    ("outbound_ports = [443]", 'outbound_ports = [443, "80"]'),
    ('matcher = "200-399"', 'matcher = "200,\\n300"'),
    ("cpu_target_percent = 60", "cpu_target_percent = 60.5"),
)
"""Values that a careless form would bend on their way through the browser."""


def test_a_form_sent_as_it_was_opened_asks_for_nothing(site: Site) -> None:
    for old, new in NASTY:
        by_hand(site, old, new)
    wish = asked(send(site, as_sent(opened(site), do="plan")))
    assert (wish["set"], wish["unset"], wish["plan_only"]) == ({}, [], True)


def test_only_what_was_changed_is_sent(site: Site) -> None:
    by_hand(site, "environment = {}", 'environment = { KEPT = "1", GOES = "2" }')
    form = as_sent(opened(site), do="apply")
    form["settings.container.cpu"] = "512"
    form["settings.alarms"] = "what nobody asked for"
    form.setlist("settings.container.environment:name", ["KEPT", "GREETING"])
    form.setlist("settings.container.environment:value", ["1", "hello"])
    wish = asked(send(site, form))
    assert wish["set"] == {"container.cpu": 512, "container.environment.GREETING": "hello"}
    assert wish["unset"] == ["container.environment.GOES"]
    assert (wish["plan_only"], wish["confirm"]) == (False, False)


def test_an_edit_by_hand_is_shown_and_an_expression_cannot_be_overwritten(site: Site) -> None:
    by_hand(site, "retention_days = 14", "retention_days = 30 # the auditors want a month")
    by_hand(site, "grace_seconds = 60", "grace_seconds = 6 * 10")
    page = opened(site)
    assert "The record holds something that was not applied yet" in page
    assert "the auditors want a month" in page
    assert as_sent(page)["settings.logs.retention_days"] == "30"
    assert 'value="6 * 10"' in page
    assert "settings.health_check.grace_seconds" not in as_sent(page), "what is fixed is not sent"
    form = as_sent(page, do="plan")
    form["settings.health_check.grace_seconds"] = "5"
    assert asked(send(site, form))["set"] == {}


def test_an_edit_by_hand_while_the_form_is_open_survives(site: Site) -> None:
    form = as_sent(opened(site), do="apply")
    by_hand(site, "max = 2", "max = 4")
    form["settings.container.cpu"] = "512"
    assert asked(send(site, form))["set"] == {"container.cpu": 512}


def test_what_is_refused_is_told_at_its_field_and_kept(site: Site) -> None:
    form = as_sent(opened(site), do="apply")
    form["settings.container.port"] = "99999"
    form.setlist("settings.container.environment:name", ["A", "B"])
    form.setlist("settings.container.environment:value", ["1", "x" * 5000])
    response = send(site, form)
    page = response.content.decode()
    assert response.status_code == 422
    assert "2 fields need" in page
    assert re.findall(r'class="field-error"[^>]*>([^<]+)<', page) == [
        "Must be at most 65535.",
        "B: Must be at most 4096 characters long.",
    ]
    assert 'value="99999"' in page
    assert not Run.objects.filter(kind="change").exists()


def test_a_change_of_nothing_is_refused_in_words(site: Site) -> None:
    Environment.objects.update(ready_at=None, resources=[{"address": "a.b", "type": "a"}])
    response = send(site, as_sent(opened(site), do="apply"))
    assert response.status_code == 422
    assert "This changes nothing" in response.content.decode()


def test_the_difference_is_shown_while_the_form_is_filled_in(site: Site) -> None:
    form = as_sent(opened(site))
    form["settings.scaling.max"] = "4"
    form["settings.scaling.min"] = "many"
    response = site.client("requester").post(address(site, "change-environment-live"), dict(form.lists()), **HTMX)
    part = response.content.decode()
    lines = re.findall(r'class="diff-(added|removed)">.*?<td class="diff-text">(.*?)</td>', part)
    assert ("added", "    max = <mark>4</mark>") in lines
    assert ("removed", "    max = <mark>2</mark>") in lines
    assert re.findall(r'hx-swap-oob="innerHTML">([^<]+)</div>', part) == ["Must be a number."]
    assert not Run.objects.filter(kind="change").exists()


def test_the_form_is_filled_with_an_earlier_wish_again(site: Site) -> None:
    wish = ChangeRequest(set={"container.cpu": 512, "container.environment.A": "1"}, plan_only=True)
    run = change(site.org.requester, site.environment, wish, via="portal")
    ready(run)
    form = as_sent(opened(site, run=run.pk))
    assert form["settings.container.cpu"] == "512"
    assert form.getlist("settings.container.environment:name") == ["A"]
    assert "cpu = <mark>512</mark>" in opened(site, run=run.pk)


def test_while_a_run_goes_on_the_form_leads_there(site: Site) -> None:
    run = waiting(site)
    response = site.client("requester").get(address(site))
    assert response["Location"] == f"/runs/{run.pk}/"


def test_the_plan_is_told_by_component_and_what_is_lost_is_marked(site: Site) -> None:
    page = run_page(site, waiting(site))
    parts = re.findall(r'class="plan-part( plan-loses)?".*?plan-title">([^<]+)<.*?to (\w+)</span>', page, re.DOTALL)
    assert parts == [(" plan-loses", "Load balancer", "replace"), ("", "Service", "add")]
    assert "module.y.aws_lb_target_group.&lt;b&gt;" in page
    assert page.count("what is in it is lost</span>") == 1


def test_approval_wants_the_name_and_the_plan_that_was_seen(site: Site) -> None:
    run = waiting(site)
    page = run_page(site, run)
    assert f'name="digest" value="{"d" * 64}"' in page
    client, approve = site.client("requester"), reverse("portal:approve-run", args=[run.pk])
    wrong = client.post(approve, {"confirm": "shop", "digest": "d" * 64})
    assert wrong.status_code == 422
    assert "Type shop-dev to say" in wrong.content.decode()
    assert client.post(approve, {"confirm": "shop-dev", "digest": "e" * 64}).status_code == 409
    assert client.post(approve, {"confirm": "shop-dev", "digest": "d" * 64}).status_code == 302
    run.refresh_from_db()
    assert (run.status, run.approved_by) == ("queued", site.org.requester)


def test_without_a_loss_nothing_has_to_be_typed(site: Site) -> None:
    run = waiting(site, {**PLAN, "destructive": False})
    assert 'id="confirm"' not in run_page(site, run)
    response = site.client("requester").post(reverse("portal:approve-run", args=[run.pk]), {"digest": "d" * 64})
    assert response.status_code == 302


def test_a_rejected_plan_ends_the_run(site: Site) -> None:
    run = waiting(site)
    site.client("requester").post(reverse("portal:reject-run", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_who_may_not_approve_sees_who_may(site: Site) -> None:
    page = run_page(site, waiting(site), "viewer")
    assert "It can be approved by <strong>rika</strong>, and by platform staff." in page
    assert "/approve/" not in page


def test_waiting_has_its_own_chip_everywhere(site: Site) -> None:
    run = waiting(site)
    client = site.client("viewer")
    for path in ("/environments/", f"/environments/{site.environment.uid}/", "/runs/", f"/runs/{run.pk}/"):
        chip = re.search(r'<span class="status status-amber"><svg.*?</svg>([^<]+)<', client.get(path).content.decode())
        assert chip, path
        assert chip[1] == "Waiting for approval"


def test_after_a_failure_it_is_tried_again_with_what_is_recorded(site: Site) -> None:
    by_hand(site, "max = 2", "max = 3")
    run = ended(site, "failed", commit="c" * 40, error="No.")
    page = run_page(site, run)
    assert "Back to the last good code" in page
    assert "Nothing was applied" in page
    assert asked(site.client("requester").post(reverse("portal:repeat-run", args=[run.pk])))["set"] == {}


def test_what_was_not_recorded_is_asked_for_once_more(site: Site) -> None:
    run = ended(site, "failed", error="No.")
    page = run_page(site, run)
    assert "Back to the last good code" not in page
    assert f"/change/?run={run.pk}" in page
    again = asked(site.client("requester").post(reverse("portal:repeat-run", args=[run.pk])))
    assert again["set"] == {"scaling.max": 3}


def test_back_to_the_last_good_code(site: Site) -> None:
    by_hand(site, "max = 2", "max = 3")
    good = site.environment.runs.get(kind="create").commit
    wish = asked(site.client("requester").post(address(site, "environment-back")))
    assert wish["commit"] == good


def test_what_was_only_planned_can_be_applied(site: Site) -> None:
    run = ended(site, "succeeded", request={"set": {"scaling.max": 5}, "unset": [], "plan_only": True})
    assert "Only planned" in run_page(site, run)
    environment = site.client("requester").get(f"/environments/{site.environment.uid}/").content.decode()
    assert f'href="/runs/{run.pk}/#decision"' in environment
    again = asked(site.client("requester").post(reverse("portal:repeat-run", args=[run.pk])))
    assert (again["set"], again["plan_only"]) == ({"scaling.max": 5}, False)


def test_only_the_latest_run_can_be_gone_on_from(site: Site) -> None:
    first = ended(site, "failed", error="No.")
    ended(site, "failed", error="No.")
    assert "How to go on" not in run_page(site, first)
    assert "How to go on" not in run_page(site, Run.objects.order_by("-pk")[0], "viewer")


def test_the_page_of_an_environment_notices_what_others_start(site: Site) -> None:
    client, path = site.client("viewer"), f"/environments/{site.environment.uid}/"
    page = client.get(path).content.decode()
    (watch,) = re.findall(r'id="watch" hx-get="([^"]+)" hx-trigger="every', page)
    assert client.get(html.unescape(watch), **HTMX).status_code == 204
    run = waiting(site)
    parts = client.get(html.unescape(watch), **HTMX).content.decode()
    assert f'data-live="{run.pk}"' in parts
    assert f"?seen={run.pk}" in parts
    assert len(re.findall(r'id="part-result"', parts)) == 1
    assert client.get(f"{path}?seen={run.pk}", **HTMX).status_code == 204
