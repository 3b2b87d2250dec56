"""Further FQDNs are checked and claimed when asked for, and released when the run that drops them has succeeded."""

import uuid

import pytest
from tests.factories import Organisation, make_organisation, make_sandbox

from stackyard.cmdb.models import Allocation, Environment, Run, RunStatus
from stackyard.environments.create import create
from stackyard.environments.fqdns import add_fqdn, further_names, remove_fqdn
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound
from stackyard.runs.filling import allocations_of, filling_of, further_fqdns
from stackyard.runs.lease import Lease, finish
from stackyard.runs.wish import Wish
from stackyard.settings import get_settings

ZONE = "d1111.dev.example.com"


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def standing(org: Organisation, name: str = "dev", pattern: str = "ecs-service") -> Environment:
    run = create(org.requester, CreateRequest("shop", pattern, name), via="api")
    end(run)
    Environment.objects.filter(pk=run.environment_id).update(resources=[{"address": "a.b"}])
    return Environment.objects.get(pk=run.environment_id)


def end(run: Run, status: RunStatus = RunStatus.SUCCEEDED) -> None:
    """As its worker does."""
    token = uuid.uuid4()
    Run.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, token=token)
    finish(Lease(run.pk, token, 60), status)


def held(environment: Environment) -> list[str]:
    return further_fqdns(environment)


def test_a_name_is_claimed_at_once_and_filled_into_the_code(org: Organisation) -> None:
    env = standing(org)
    run = add_fqdn(org.requester, env, f"  Shop.{ZONE}. ", via="api")

    assert (run.kind, run.status) == ("change", "queued")
    assert held(env) == [f"shop.{ZONE}"]
    fqdns = [row["value"] for row in allocations_of(env) if row["kind"] == "fqdn"]
    assert fqdns == [f"shop-dev.{ZONE}", f"shop.{ZONE}"]
    assert filling_of(env, get_settings()).environment["further_fqdns"] == [f"shop.{ZONE}"]
    end(run)
    add_fqdn(org.requester, env, f"api.shop.{ZONE}", via="api")
    assert [(n.fqdn, n.own_certificate) for n in further_names(env)] == [
        (f"api.shop.{ZONE}", True),
        (f"shop.{ZONE}", False),
    ]


def test_a_name_that_goes_is_free_only_when_its_run_has_succeeded(org: Organisation) -> None:
    env, other = standing(org), standing(org, "test")
    name = f"shop.{ZONE}"
    end(add_fqdn(org.requester, env, name, via="api"))

    failed = remove_fqdn(org.requester, env, name, via="api")
    assert Wish.from_dict(failed.request).drop_fqdns == (name,)
    left = [row["value"] for row in allocations_of(env, without=(name,)) if row["kind"] == "fqdn"]
    assert left == [f"shop-dev.{ZONE}"], "the passport says what will stand"
    with pytest.raises(Invalid, match="belongs to environment shop-dev"):
        add_fqdn(org.requester, other, name, via="api")
    end(failed, RunStatus.ATTENTION)
    assert held(env) == [name]

    Environment.objects.filter(pk=env.pk).update(status="ready")
    end(remove_fqdn(org.requester, env, name, via="api"))
    assert held(env) == []
    end(add_fqdn(org.requester, other, name, via="api"))
    assert held(other) == [name]


@pytest.mark.parametrize(
    ("fqdn", "reason"),
    [
        ("shop.example.com", f"does not lie in {ZONE}"),
        (f"shop.not{ZONE}", f"does not lie in {ZONE}"),
        (ZONE, "does not lie in"),
        (f"shop-dev.{ZONE}", "has this name already"),
        (f"shop-test.{ZONE}", "belongs to environment shop-test"),
        (f"x.team.{ZONE}", f"lies in team.{ZONE}, which is the zone of another sandbox"),
        (f"shop-dev-origin.{ZONE}", "are kept for CloudFront"),
        (f"{'a' * 42}.b.{ZONE}", "takes 64 characters"),
        (f"*.{ZONE}", "lower-case letters"),
        (f"_x.{ZONE}", "lower-case letters"),
        (f"a..{ZONE}", "lower-case letters"),
        (f"{'a' * 64}.{ZONE}", "at most 63"),
        ("", "Write a host name"),
        ("\ud800", "lower-case letters"),
        ("${path.module}", "lower-case letters"),
    ],
)
def test_what_the_sandbox_cannot_serve_is_refused_with_the_reason(org: Organisation, fqdn: str, reason: str) -> None:
    env = standing(org)
    standing(org, "test")
    other = make_sandbox(org.mobility, "team", "777788889999")
    other.zone_name = f"team.{ZONE}"
    other.save()
    with pytest.raises(Invalid) as error:
        add_fqdn(org.requester, env, fqdn, via="api")
    (problem,) = error.value.problems
    assert problem.field == "fqdn"
    assert reason in problem.message
    assert held(env) == []
    assert not env.runs.filter(kind="change").exists()


def test_a_rule_has_room_for_three(org: Organisation) -> None:
    env = standing(org)
    for label in "abc":
        end(add_fqdn(org.requester, env, f"{label}.{ZONE}", via="api"))
    with pytest.raises(Conflict, match="a listener rule takes no more"):
        add_fqdn(org.requester, env, f"d.{ZONE}", via="api")


def test_while_a_run_goes_on_nothing_is_claimed(org: Organisation) -> None:
    env = standing(org)
    add_fqdn(org.requester, env, f"a.{ZONE}", via="api")
    with pytest.raises(Conflict, match="Another run"):
        add_fqdn(org.requester, env, f"b.{ZONE}", via="api")
    assert held(env) == [f"a.{ZONE}"]


def test_a_pattern_without_a_host_takes_none(org: Organisation) -> None:
    with pytest.raises(Conflict, match="takes no further names"):
        add_fqdn(org.requester, standing(org, pattern="ecs-worker"), f"a.{ZONE}", via="api")


def test_only_who_may_change_it_may_name_it(org: Organisation) -> None:
    env = standing(org)
    with pytest.raises(Forbidden):
        add_fqdn(org.viewer, env, f"a.{ZONE}", via="api")
    with pytest.raises(Forbidden):
        remove_fqdn(org.viewer, env, f"a.{ZONE}", via="api")


def test_the_first_name_and_a_foreign_one_cannot_be_taken_away(org: Organisation) -> None:
    env, other = standing(org), standing(org, "test")
    end(add_fqdn(org.requester, other, f"a.{ZONE}", via="api"))
    with pytest.raises(NotFound, match="what it was built with"):
        remove_fqdn(org.requester, env, env.fqdn, via="api")
    with pytest.raises(NotFound, match="no further name of shop-dev"):
        remove_fqdn(org.requester, env, f"a.{ZONE}", via="api")


def test_the_rule_of_the_sandbox_names_new_environments(org: Organisation) -> None:
    org.sandbox.fqdn_rule = "<environment>-<product>.<zone>"
    org.sandbox.save()
    env = standing(org)
    assert env.fqdn == f"dev-shop.{ZONE}"
    assert Allocation.objects.filter(kind="fqdn", value=env.fqdn).exists()
    org.sandbox.fqdn_rule = f"{'x' * 50}-<department>-<product>-<environment>.<zone>"
    org.sandbox.save()
    with pytest.raises(Invalid, match="at most 63"):
        create(org.requester, CreateRequest("shop", "ecs-service", "other"), via="api")
