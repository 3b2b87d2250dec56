"""Sandboxes over the API: refusals by field, parts that change, baselines that no list of environments shows."""

import pytest
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, caller, fields

from stackyard.cmdb.models import AddressPool, Sandbox
from stackyard.settings import get_settings

THIRD = {
    **{"name": "third", "department": "commerce", "account_id": "777788889999", "region": "eu-west-1"},
    **{"role_arn": "arn:aws:iam::777788889999:role/stackyard", "zone_name": "third.example.com", "emulated": True},
}
OWN = {
    "vpc_id": "vpc-0123456789abcdef0",
    **{f"{kind}_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] for kind in
       ("public", "private", "database")},
    "cluster_arn": "arn:aws:ecs:eu-west-1:777788889999:cluster/apps",
    "alb_arn": "arn:aws:elasticloadbalancing:eu-west-1:777788889999:loadbalancer/app/apps/1",
    "https_listener_arn": "arn:aws:elasticloadbalancing:eu-west-1:777788889999:listener/app/apps/1/2",
    "zone_id": "Z0123456789ABCDEFGHIJ",
    "certificate_arn": "arn:aws:acm:eu-west-1:777788889999:certificate/1",
}  # fmt: skip


@pytest.fixture(autouse=True)
def far_from_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:9")
    monkeypatch.setattr("stackyard.environments.baselines._ask_account", lambda sandbox: ())


@pytest.fixture
def pat(org: Organisation) -> Caller:
    AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    return caller(org.platform)


def test_every_problem_is_told_by_field(pat: Caller) -> None:
    wrong = {**THIRD, "name": "Third", "account_id": "1", "zone_name": "commerce.d1111.dev.example.com", "pool": "x"}
    assert {"name", "account_id", "zone_name", "role_arn", "pool"} <= set(fields(pat.ask("POST", "/sandboxes", wrong)))
    assert fields(pat.ask("POST", "/sandboxes", {**THIRD, "colour": "red"})) == ["colour"]
    assert "facts.vpc_id" in fields(pat.ask("POST", "/sandboxes", {**THIRD, "facts": {"vpc_id": "x"}}))
    assert not Sandbox.objects.filter(name__iexact="third").exists()


def test_what_is_given_changes_and_all_else_stays(pat: Caller) -> None:
    made = pat.ask("POST", "/sandboxes", {**THIRD, "pool": "corp", "external_id": "abc", "max_environments": 7}).json()
    assert (made["status"], made["pool"], made["baseline"], made["own_baseline"]) == ("new", "corp", None, False)
    changed = pat.ask("PATCH", "/sandboxes/third", {"lifetime_days": 5, "pool": ""}).json()
    assert (changed["lifetime_days"], changed["pool"], changed["max_environments"]) == (5, "", 7)
    assert Sandbox.objects.get(name="third").external_id == "abc"
    assert fields(pat.ask("PATCH", "/sandboxes/third", {"lifetime_days": 5000})) != []


def test_an_account_with_components_of_its_own_and_back(pat: Caller) -> None:
    assert pat.ask("POST", "/sandboxes", {**THIRD, "facts": OWN}).json()["own_baseline"]
    kept = pat.ask("PATCH", "/sandboxes/third", {"max_environments": 3}).json()
    assert kept["own_baseline"]
    assert kept["facts"] == OWN
    back = pat.ask("PATCH", "/sandboxes/third", {"own_baseline": False}).json()
    assert (back["own_baseline"], back["facts"]) == (False, {})


def test_a_baseline_is_built_as_an_environment_that_no_list_shows(pat: Caller) -> None:
    pat.ask("POST", "/sandboxes", {**THIRD, "pool": "corp"})
    known = pat.ask("GET", "/sandboxes/third/baseline").json()
    assert "logs.retention_days" in [p["path"] for p in known["parameters"]]
    assert known["environment"] is None
    assert fields(pat.ask("POST", "/sandboxes/third/bootstrap", {"settings": {"logs.x": 1}, "vpc_cidr": "x"})) == [
        "settings.logs.x",
        "vpc_cidr",
    ]
    accepted = pat.ask("POST", "/sandboxes/third/bootstrap", {"settings": {"logs.retention_days": 7}})
    assert accepted.status_code == 202
    assert accepted.json()["environment"]["slug"] == "baseline-third"
    assert pat.ask("GET", "/environments/baseline-third").json()["product"] == ""
    assert pat.ask("GET", "/environments").json()["count"] == 0
    assert pat.ask("GET", "/environments?baselines=true").json()["count"] == 1
    assert pat.ask("GET", "/sandboxes/third").json()["baseline"]["status"] == "creating"
    assert pat.ask("POST", "/sandboxes/third/bootstrap", {}).status_code == 409
