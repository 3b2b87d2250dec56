"""The list of environments, the page of one, and taking it away."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from tests.integration.portal.site import HTMX, Site, ready

from stackyard.cmdb.models import Environment, Run, RunStatus
from stackyard.environments.create import CreateRequest, create
from stackyard.runs.eta import usual_seconds

Make = Callable[..., Run]
LIST = "/environments/"


def page_of(site: Site, who: str = "requester", path: str = LIST, **query: str) -> str:
    response = site.client(who).get(path, query)
    assert response.status_code == 200
    return str(response.content.decode())


def listed(page: str) -> list[str]:
    return re.findall(r'class="row-title"[^>]*>([^<]+)<', page)


def test_the_list_shows_living_ones_newest_first(site: Site, make: Make) -> None:
    make("two")
    Environment.objects.filter(slug="shop-dev").update(status="destroyed")
    make("three")
    assert listed(page_of(site)) == ["shop-three", "shop-two"]
    assert listed(page_of(site, status="destroyed")) == ["shop-dev"]


def test_search_and_filters_together(site: Site, make: Make) -> None:
    make("two")
    make("dev", site.org.stranger)
    assert listed(page_of(site, "platform", q="fleet")) == ["fleet-dev"]
    assert listed(page_of(site, "platform", q="dev d1111")) == ["shop-two", "shop-dev"]
    assert listed(page_of(site, "platform", product="shop", status="ready")) == ["shop-dev"]
    assert listed(page_of(site, "platform", sandbox="mobility-dev")) == ["fleet-dev"]
    assert "Nothing fits" in page_of(site, q="nowhere-to-be-found")


@pytest.mark.parametrize(
    ("via", "kind", "words"),
    [
        ("schedule", "destroy", "the schedule, as it had expired"),
        ("schedule", "drift", "the schedule, to look for drift"),
        ("github", "change", "rika in an issue"),
        ("api", "change", "rika over the API"),
        ("portal", "drift", "rika"),
    ],
)
def test_a_run_tells_who_or_what_asked_for_it(site: Site, via: str, kind: str, words: str) -> None:
    Run.objects.filter(pk=site.run.pk).update(via=via, kind=kind)
    environment = page_of(site, path=reverse("portal:environment", args=[site.environment.uid]))
    assert f'<span class="row-sub">by {words}, <' in environment
    assert f">{words}</td>" in page_of(site, path="/runs/")
    run = page_of(site, path=reverse("portal:run", args=[site.run.pk]))
    assert f"asked for by {words}, <" in run
    assert f"by {words}</dd>" in run


def test_htmx_gets_the_rows_only(site: Site) -> None:
    client = site.client("requester")
    rows = client.get(LIST, {"q": "dev"}, **HTMX)
    whole = client.get(LIST, {"q": "dev"}, **HTMX, HTTP_HX_HISTORY_RESTORE_REQUEST="true")
    assert "<html" not in rows.content.decode()
    assert "<html" in whole.content.decode()
    assert "HX-Request" in rows["Vary"]


def test_paging_by_twenty_five(site: Site, make: Make) -> None:
    for i in range(26):
        make(f"n{i:02d}")
    first, second = page_of(site), page_of(site, page="2")
    assert len(listed(first)) == 25
    assert len(listed(second)) == 2
    assert not set(listed(first)) & set(listed(second))
    assert 'rel="next"' in first
    assert listed(page_of(site, page="-1")) == listed(page_of(site, page="x")) == listed(first)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/environments/", 8),
        ("/runs/", 7),
        ("/products/", 5),
        ("/sandboxes/", 5),
        ("/departments/", 5),
        ("/people/", 7),
    ],
)
def test_lists_cost_a_fixed_number_of_queries(site: Site, make: Make, path: str, most: int) -> None:
    """Session, person, roles and notices are four of them; patterns of environments are read once each."""
    for i in range(10):
        make(f"n{i}")
    client = site.client("platform")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    assert len(queries) <= most, [q["sql"][:120] for q in queries]
    assert not [q for q in queries if q["sql"].upper().startswith("SELECT COUNT")]


def test_the_page_costs_a_fixed_number_of_queries(site: Site) -> None:
    client = site.client("requester")
    with CaptureQueriesContext(connection) as queries:
        client.get(f"/environments/{site.environment.uid}/")
    assert len(queries) <= 9, [q["sql"][:120] for q in queries]


def test_the_page_shows_what_stands(site: Site) -> None:
    page = page_of(site, path=f"/environments/{site.environment.uid}/")
    assert f'href="https://{site.environment.fqdn}"' in page
    assert "111122223333" in page
    assert "&lt;i&gt;shop-dev&lt;/i&gt;" in page
    assert "ecs_service" in page
    assert "&lt;s&gt;none&lt;/s&gt;" in page
    assert "Add it." in page
    assert re.findall(r'class="hop (hop-\w+)"', page) == ["hop-ok", "hop-broken", "hop-unknown"]
    assert len(re.findall(r'class="step step-done"', page)) == 8


def test_what_changes_when_a_run_ends_comes_as_parts(site: Site) -> None:
    response = site.client("requester").get(f"/environments/{site.environment.uid}/", **HTMX)
    parts = response.content.decode()
    swapped = re.findall(r'id="(part-[a-z]+)" hx-swap-oob="true"', parts)
    assert len(swapped) == len(set(swapped)) == parts.count("hx-swap-oob")
    whole = page_of(site, path=f"/environments/{site.environment.uid}/")
    assert set(swapped) == set(re.findall(r'id="(part-[a-z]+)"', whole)), "each part has a place to go to"
    assert "data-lines" not in parts, "the log that a person reads stays in place"


def test_an_output_becomes_a_link_only_when_it_is_a_web_address(site: Site) -> None:
    site.environment.outputs = {"url": "javascript:alert(1)", "docs": "https://docs.example.com/x"}
    site.environment.save()
    page = page_of(site, path=f"/environments/{site.environment.uid}/")
    assert 'href="javascript' not in page
    assert 'href="https://docs.example.com/x"' in page


def test_usual_times_are_the_median_of_earlier_runs(site: Site, make: Make) -> None:
    for name, seconds in (("a", 4.0), ("b", 100.0)):
        ready(make(name), seconds=seconds)
    failed = ready(make("c"), seconds=1.0)
    Run.objects.filter(pk=failed.pk).update(status=RunStatus.FAILED)
    usual = usual_seconds("ecs-service", "create")
    assert usual["apply"] == 4.0, "of 2, 4 and 100; what failed says nothing"
    waiting = make("d")
    page = page_of(site, path=f"/environments/{waiting.environment.uid}/")
    assert "~ 4.0 s" in page


def test_delete_wants_the_name(site: Site) -> None:
    client = site.client("requester")
    url = reverse("portal:destroy-environment", args=[site.environment.uid])
    wrong = client.post(url, {"confirm": "shop"})
    assert wrong.status_code == 422
    assert "Type shop-dev to confirm" in wrong.content.decode()
    assert client.post(url, {"confirm": "shop-dev"}).status_code == 302
    site.environment.refresh_from_db()
    assert site.environment.status == "destroying"


def test_a_second_delete_is_refused_with_a_page(site: Site) -> None:
    client = site.client("requester")
    url = reverse("portal:destroy-environment", args=[site.environment.uid])
    client.post(url, {"confirm": "shop-dev"})
    again = client.post(url, {"confirm": "shop-dev"})
    assert again.status_code == 409
    assert "going on" in again.content.decode()


def test_cancel_while_it_waits_gives_everything_back(site: Site, make: Make) -> None:
    run = make("two")
    client = site.client("requester")
    page = client.get(f"/environments/{run.environment.uid}/").content.decode()
    assert reverse("portal:cancel-run", args=[run.pk]) in page
    client.post(reverse("portal:cancel-run", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert not run.environment.allocations.filter(released_at=None).exists()


def test_a_setting_that_was_refused_while_it_was_built_is_named(site: Site, make: Make) -> None:
    run = make("two")
    problem = {"field": "settings.container.cpu", "message": "Fargate does not offer <it>."}
    Run.objects.filter(pk=run.pk).update(status="failed", error="Two settings do not fit.", problems=[problem])
    page = page_of(site, "requester", f"/runs/{run.pk}/")
    assert "<code>settings.container.cpu</code> Fargate does not offer &lt;it&gt;." in page


def test_a_run_tells_where_its_jobs_were_done(site: Site, make: Make) -> None:
    run = make("two")
    builds = [
        {"key": "a", "executor": "codebuild", "step": "plan", "links": {"Build": "https://console.example.com/1"}},
        {"key": "b", "executor": "codebuild", "step": "apply", "links": {"Build": "javascript:alert(1)"}},
    ]
    Run.objects.filter(pk=run.pk).update(builds=builds)
    page = page_of(site, "requester", f"/runs/{run.pk}/")
    assert 'href="https://console.example.com/1"' in page
    assert 'href="javascript' not in page


def test_runs_tell_their_place_in_the_queue(site: Site, make: Make) -> None:
    make("two")
    make("three")
    make("dev", site.org.stranger)
    page = page_of(site, "platform", "/runs/", status="queued")
    assert re.findall(r"(\d)\. in line", page) == ["1", "2", "1"]


def test_a_failed_run_says_why_and_what_is_left(site: Site, make: Make) -> None:
    run = make("two")
    run.status, run.error, run.hint = "failed", "No <access>.", "Allow it."
    run.takeovers, run.worker, run.engine = 2, "host:1", "Terraform 1.11.4"
    run.leftovers = [{"service": "ecs", "kind": "service", "id": "<x>", "how_to_clear": "Delete it."}]
    run.save()
    page = page_of(site, path=f"/runs/{run.pk}/")
    for text in ("No &lt;access&gt;.", "Allow it.", "&lt;x&gt;", "Delete it.", "2 times", "host:1", "Terraform 1.11.4"):
        assert text in page
    assert "nothing is left in AWS" not in page


def test_the_log_as_text(site: Site) -> None:
    response = site.client("viewer").get(f"/runs/{site.run.pk}/log.txt")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in response["Content-Disposition"]
    assert "Render the code <b>begins</b>" in response.content.decode()


def test_an_environment_that_nothing_answers_for_shows_no_address(site: Site) -> None:
    run = create(site.org.requester, CreateRequest("shop", "ecs-worker", "queue"), via="portal")
    ready(run)
    fqdn = run.environment.fqdn
    Environment.objects.filter(pk=run.environment.pk).update(outputs={})
    for path in ("/environments/", f"/environments/{run.environment.uid}/"):
        page = page_of(site, path=path)
        assert "shop-queue" in page
        assert f'href="https://{fqdn}"' not in page


@pytest.mark.parametrize(("began", "told"), [(True, "nothing is left in AWS"), (False, "Nothing was built.")])
def test_a_cancelled_creation_says_what_became_of_it_and_how_to_ask_again(site: Site, began: bool, told: str) -> None:
    started = timezone.now() if began else None
    Run.objects.filter(pk=site.run.pk).update(status="cancelled", error="Cancelled on request.", started_at=started)
    Environment.objects.filter(pk=site.environment.pk).update(status="failed")
    page = site.client("requester").get(f"/runs/{site.run.pk}/").content.decode()
    assert told in page
    assert f"?product={site.environment.product.name}&amp;pattern={site.environment.pattern.name}" in page
    assert "Make it again" not in site.client("viewer").get(f"/runs/{site.run.pk}/").content.decode()


def test_stages_are_reached_by_keyboard_and_said_to_who_hears_the_page(site: Site) -> None:
    page = site.client("requester").get(f"/environments/{site.environment.uid}/").content.decode()
    assert page.count('<button class="step-title" type="button">') == site.run.stages.count() > 0
    assert 'role="status" data-said' in page
    assert 'role="log" aria-live="off"' in page, "Terraform's lines would drown what is said"


def test_what_stands_can_be_opened_while_it_is_changed_and_only_who_may_decide_is_asked_to(site: Site) -> None:
    ready(site.run)
    change = Run.objects.create(
        environment=site.environment, sandbox=site.run.sandbox, kind="change", status="waiting",
        requested_by=site.org.requester, via="portal", plan={"destructive": True},
    )  # fmt: skip
    Environment.objects.filter(pk=site.environment.pk).update(status="changing")
    path = f"/environments/{site.environment.uid}/"
    page = page_of(site, "requester", path)
    assert f'<a href="https://{site.environment.fqdn}' in page
    assert f'/runs/{change.pk}/#decision">Look at the plan and decide</a>' in page
    assert f'/runs/{change.pk}/#decision">Look at the plan</a>' in page_of(site, "viewer", path)
