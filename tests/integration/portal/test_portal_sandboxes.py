"""Sandboxes on pages: added with every problem at its field, checked in plain words, bootstrapped, watched, retired."""

import re
from typing import Any

import pytest
from django.urls import reverse
from pydantic import SecretStr
from tests.integration.portal.addresses import sent
from tests.integration.portal.site import HTMX, Site, ready

from stackyard.aws.check import Finding
from stackyard.cmdb.models import AddressPool, Environment, Run, Sandbox
from stackyard.settings import get_settings


@pytest.fixture(autouse=True)
def far_from_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:9")
    monkeypatch.setattr("stackyard.environments.baselines._ask_account", lambda sandbox: ())


@pytest.fixture
def new(site: Site) -> Sandbox:
    """A sandbox that platform staff added just now."""
    AddressPool.objects.filter(name="corp").update(vpc_prefix=20)
    data = {**sent("new-sandbox", site), "pool": "corp", "emulated": "on"}
    response = site.client("platform").post(reverse("portal:new-sandbox"), data)
    assert response.status_code == 302, response.content.decode()
    return Sandbox.objects.get(name="third")


def page(site: Site, name: str = "third", who: str = "platform", **headers: Any) -> str:
    return site.client(who).get(reverse("portal:sandbox", args=[name]), **headers).content.decode()


def build(site: Site, **settings: str) -> Any:
    """Send the form of settings."""
    data = {"settings.logs.retention_days": "7", "settings.load_balancer.allowed_cidrs": "0.0.0.0/0", **settings}
    return site.client("platform").post(reverse("portal:bootstrap-sandbox", args=["third"]), data)


def refused_fields(text: str) -> set[str]:
    inputs = re.findall(r"<(?:input|select|textarea)\b[^>]*>", text)
    names = (re.search(r'name="([^"]+)"', tag) for tag in inputs if "is-invalid" in tag)
    return {found[1] for found in names if found}


def test_every_problem_comes_back_at_its_field_at_once_with_what_was_typed(site: Site) -> None:
    data = {
        **sent("new-sandbox", site),
        **{"name": "Bad_Name", "account_id": "12", "department": "", "region": "mars", "zone_name": "x"},
        **{"parent_role_arn": "arn:aws:iam::999999999999:role/dns", "lifetime_days": "91"},
    }
    response = site.client("platform").post(reverse("portal:new-sandbox"), data)
    assert response.status_code == 422
    text = response.content.decode()
    assert refused_fields(text) == {
        *("name", "account_id", "department", "region", "zone_name", "role_arn", "parent_zone_id"),
        "max_lifetime_days",
    }
    assert 'value="Bad_Name"' in text
    assert not Sandbox.objects.filter(account_id="12").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {kinds: [create}", "not YAML in line 1"),
        ("role: platform", "Write a list of rules"),
        ("- {kinds: [create]}\n- {role: boss}", "Rule 2, role: Input should be &#x27;requester&#x27; or"),
        ("- {color: red}", "Rule 1, color: Extra inputs are not permitted"),
    ],
)
def test_a_rule_for_approvals_that_cannot_be_is_told_at_its_field(site: Site, text: str, words: str) -> None:
    response = site.client("platform").post(
        reverse("portal:new-sandbox"), {**sent("new-sandbox", site), "approvals": text}
    )
    assert response.status_code == 422
    page = response.content.decode()
    assert (refused_fields(page), words in page) == ({"approvals"}, True)


def test_rules_for_approvals_and_the_executor_are_kept_and_shown_again(site: Site, new: Sandbox) -> None:
    url = reverse("portal:edit-sandbox", args=["third"])
    data = {**sent("new-sandbox", site), "pool": "corp", "emulated": "on", "executor": "codebuild"}
    rules = "- {kinds: [create], role: platform}\n- types: [aws_db_*]\n  actions: [replace]\n"
    assert site.client("platform").post(url, {**data, "approvals": rules}).status_code == 302
    new.refresh_from_db()
    assert new.executor == "codebuild"
    assert new.approvals == [
        {"kinds": ["create"], "role": "platform"},
        {"types": ["aws_db_*"], "actions": ["replace"]},
    ]
    text = site.client("platform").get(url).content.decode()
    assert "- {kinds: [create], role: platform}" in text
    assert "2 rules beside the usual one" in page(site)
    refused = site.client("platform").post(url, {**data, "executor": "jenkins"})
    assert refused_fields(refused.content.decode()) == {"executor"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("repository: {", "not YAML in line 1"),
        ("- repository", "Write names and values: a name, a colon, the value."),
        ("repository: nobody", "repository: Write a repository of GitHub as owner/name."),
        ("colour: red", "colour: The executor github-actions has the options repository, workflow, ref,"),
    ],
)
def test_options_of_an_executor_that_cannot_be_are_told_at_their_field(
    site: Site, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    monkeypatch.setattr(get_settings(), "github_repository", "acme/environments")
    data = {**sent("new-sandbox", site), "executor": "github-actions", "executor_options": text}
    page = site.client("platform").post(reverse("portal:new-sandbox"), data).content.decode()
    assert (refused_fields(page), words in page) == ({"executor_options"}, True)


def test_options_of_an_executor_are_kept_and_shown(site: Site, new: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    url = reverse("portal:edit-sandbox", args=["third"])
    data = {**sent("new-sandbox", site), "pool": "corp", "emulated": "on", "executor": "github-actions"}
    refused = site.client("platform").post(url, data).content.decode()
    assert refused_fields(refused) == {"executor", "executor_options"}
    assert "set STACKYARD_GITHUB_TOKEN" in refused
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    kept = site.client("platform").post(url, {**data, "executor_options": "repository: acme/environments\nref: live"})
    assert kept.status_code == 302
    new.refresh_from_db()
    assert new.executor_options == {"repository": "acme/environments", "ref": "live"}
    assert "ref: live\nrepository: acme/environments" in site.client("platform").get(url).content.decode()
    assert "repository: acme/environments" in page(site)


def test_where_its_issues_are_is_chosen_and_shown(site: Site, new: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "none: GitHub is not set up" in page(site)
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    monkeypatch.setattr(get_settings(), "github_repository", "acme/environments")
    assert "<code>acme/environments</code>" in page(site)
    url = reverse("portal:edit-sandbox", args=["third"])
    data = {**sent("new-sandbox", site), "pool": "corp", "emulated": "on"}
    refused = site.client("platform").post(url, {**data, "issues": "shop"}).content.decode()
    assert refused_fields(refused) == {"issues"}
    assert site.client("platform").post(url, {**data, "issues": "acme/third"}).status_code == 302
    assert "<code>acme/third</code>" in page(site)
    assert site.client("platform").post(url, {**data, "issues": "none"}).status_code == 302
    assert "<dt>Issues</dt><dd>none</dd>" in page(site)


def test_an_account_or_zone_that_is_taken_is_told(site: Site) -> None:
    data = {**sent("new-sandbox", site), "account_id": "111122223333", "zone_name": "x.d1111.dev.example.com"}
    data["role_arn"] = "arn:aws:iam::111122223333:role/stackyard"
    text = site.client("platform").post(reverse("portal:new-sandbox"), data).content.decode()
    assert refused_fields(text) == {"account_id", "zone_name"}
    assert "Account 111122223333 is sandbox commerce-dev." in text
    assert "It lies inside of d1111.dev.example.com" in text


def test_components_of_the_account_are_named_one_by_one(site: Site) -> None:
    data = {**sent("new-sandbox", site), "own_baseline": "on", "facts.vpc_id": "subnet-1"}
    text = site.client("platform").post(reverse("portal:new-sandbox"), data).content.decode()
    assert {name for name in refused_fields(text) if name.startswith("facts.")} == {
        f"facts.{name}"
        for name in (
            *("vpc_id", "public_subnet_ids", "private_subnet_ids", "database_subnet_ids", "cluster_arn", "alb_arn"),
            *("https_listener_arn", "zone_id", "certificate_arn"),
        )
    }


def test_a_new_sandbox_says_what_is_next_and_shows_what_its_role_needs(site: Site, new: Sandbox) -> None:
    text = page(site)
    assert "What is next" in text
    assert reverse("portal:bootstrap-sandbox", args=["third"]) in text
    policies = site.client("platform").get(reverse("portal:sandbox-policies", args=["third"])).content.decode()
    assert policies.count("data-copy=") == 4
    assert "sts:AssumeRole" in policies
    assert "Bootstrap" not in page(site, who="viewer")
    assert "Check now" not in page(site, who="viewer")


def test_what_stands_there_keeps_what_it_was_built_with(site: Site) -> None:
    url = reverse("portal:edit-sandbox", args=["commerce-dev"])
    text = site.client("platform").get(url).content.decode()
    for name in ("name", "account_id", "region", "zone_name", "department", "own_baseline"):
        assert re.search(rf'<(?:input|select)[^>]*name="{name}"[^>]*\bdisabled', text), name
    data = {**sent("edit-sandbox", site), "account_id": "999999999999", "max_environments": "7"}
    assert site.client("platform").post(url, data).status_code == 302
    row = Sandbox.objects.get(name="commerce-dev")
    assert (row.account_id, row.max_environments, row.facts) == ("111122223333", 7, site.org.sandbox.facts)


def test_a_check_tells_what_is_missing_and_what_to_do(
    site: Site, new: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    findings = [Finding("Role", True, "It opens.", ""), Finding("VPCs", False, "5 of 5 <are> used.", "Ask for more.")]
    monkeypatch.setattr("stackyard.environments.sandboxes.check_sandbox", lambda *_, **__: findings)
    url = reverse("portal:check-sandbox", args=["third"])
    part = site.client("platform").post(url, **HTMX).content.decode()
    assert part.count('<li class="finding ') == 2
    assert "5 of 5 &lt;are&gt; used." in part
    assert "Ask for more." in part
    assert "<html" not in part
    whole = site.client("platform").post(url).content.decode()
    assert "<html" in whole
    assert "Ask for more." in whole


def test_settings_of_the_components_are_refused_at_their_fields(site: Site, new: Sandbox) -> None:
    response = build(site, **{"settings.logs.retention_days": "15", "vpc_cidr": "10.20.0.1/8"})
    assert response.status_code == 422
    assert refused_fields(response.content.decode()) == {"settings.logs.retention_days", "vpc_cidr"}
    assert not Environment.objects.filter(product=None).exists()


def test_a_bootstrap_is_a_run_like_any_other_and_no_environment_of_the_list(site: Site, new: Sandbox) -> None:
    response = build(site, vpc_cidr="10.20.16.0/20")
    run = Run.objects.get(environment__product=None)
    assert response["Location"] == reverse("portal:run", args=[run.pk])
    assert run.environment.settings == {"logs.retention_days": 7}

    client = site.client("platform")
    shown = client.get(response["Location"]).content.decode()
    assert "Create baseline-third" in shown
    assert "To the sandbox" in shown
    assert "<dt>Product</dt>" not in shown
    assert "Create baseline-third" in client.get(reverse("portal:runs")).content.decode()
    assert "baseline-third" not in client.get(reverse("portal:environments"), {"q": "third"}).content.decode()
    assert "baseline-third" not in client.get("/api/environments").content.decode()
    assert "baseline-third" in client.get("/api/environments", {"baselines": "true"}).content.decode()
    of_baseline = client.get(reverse("portal:environment", args=[run.environment.uid]))
    assert of_baseline["Location"] == reverse("portal:sandbox", args=["third"])
    listed = client.get(reverse("portal:sandboxes"), {"q": "third"}).content.decode()
    assert "0 of 5" in listed, "a baseline takes no place of an environment"


def test_the_page_follows_the_run_and_comes_anew_when_it_has_ended(site: Site, new: Sandbox) -> None:
    build(site, vpc_cidr="10.20.16.0/20")
    run = Run.objects.get(environment__product=None)
    text = page(site)
    assert 'hx-trigger="every 3s"' in text
    assert "10.20.16.0/20" in text
    assert reverse("portal:destroy-baseline", args=["third"]) not in text
    client = site.client("platform")
    url = reverse("portal:sandbox", args=["third"])
    assert "HX-Refresh" not in client.get(url, **HTMX)

    ready(run)
    assert client.get(url, **HTMX)["HX-Refresh"] == "true"
    text = page(site)
    assert "every 3s" not in text
    assert reverse("portal:destroy-baseline", args=["third"]) in text


def test_the_name_is_typed_before_components_go_or_a_sandbox_is_retired(site: Site, new: Sandbox) -> None:
    client = site.client("platform")
    retire = reverse("portal:retire-sandbox", args=["third"])
    assert client.post(retire, {"confirm": "thrid"}).status_code == 422
    assert client.post(retire, {"confirm": "third"}).status_code == 302
    assert Sandbox.objects.get(name="third").status == "retired"
    assert "Reinstate" in page(site)
    client.post(reverse("portal:reinstate-sandbox", args=["third"]))
    assert Sandbox.objects.get(name="third").status == "new"

    build(site, vpc_cidr="10.20.16.0/20")
    ready(Run.objects.get(environment__product=None))
    destroy = reverse("portal:destroy-baseline", args=["third"])
    assert client.post(destroy, {"confirm": "baseline-third"}).status_code == 422
    assert client.post(destroy, {"confirm": "third"}).status_code == 302
    assert Run.objects.filter(environment__product=None, kind="destroy").exists()


def test_room_is_shown_as_bars(site: Site) -> None:
    text = page(site, "commerce-dev", "viewer")
    bars = re.findall(r'aria-label="([^"]+: \d+ of \d+)"', text)
    assert bars == ["Environments: 1 of 50", "Rules of the load balancer: 1 of 100", "Runs at the same time: 0 of 4"]


def test_a_refused_form_leads_to_its_fields_and_options_are_named_beside_their_field(site: Site) -> None:
    client = site.client("platform")
    page = client.post(reverse("portal:new-sandbox"), {"executor": "local", "approvals": "no list"}).content.decode()
    assert 'href="#id_approvals">Rules for approvals</a>' in page
    assert "codebuild takes packages, results, pipeline." in page
