"""A wish for an environment is checked whole, and accepted in one transaction or not at all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.factories import Organisation, make_organisation, make_sandbox

from stackyard.cmdb.models import Allocation, Environment, Run, Stage
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid

NASTY = [
    '"; rm -rf /',
    "${path.module}",
    '"}\n resource "aws_iam_user" "x" {}',
    "x" * 10_000_000,
    "nul\0byte",
    "\u202ereversed",
    "\ud800",
]


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def wish(**changes: Any) -> CreateRequest:
    return CreateRequest(**{"product": "shop", "pattern": "ecs-service", "name": "dev", **changes})


def fields(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return {p.field for p in error.value.problems}


def test_a_good_wish_becomes_environment_run_stages_allocations_and_job(org: Organisation) -> None:
    run = create(org.requester, wish(settings={"container.cpu": 512, "container.port": 8080}), via="api")

    env = run.environment
    assert (env.slug, env.fqdn, env.status) == ("shop-dev", "shop-dev.d1111.dev.example.com", "creating")
    assert env.settings == {"container.cpu": 512}, "only what differs from the pattern is kept"
    assert [s.name for s in run.stages.all()][:3] == ["render", "init", "record"]
    assert set(env.allocations.values_list("kind", "value")) == {
        ("fqdn", env.fqdn),
        ("rule_priority", "101"),
    }
    assert ProcrastinateJob.objects.filter(args={"run_id": run.pk}).count() == 1


def test_what_is_not_reached_from_outside_claims_no_host_name(org: Organisation) -> None:
    env = create(org.requester, wish(pattern="ecs-worker"), via="api").environment
    assert (env.fqdn, env.address) == ("", "")
    assert not env.allocations.exists()


def test_every_problem_is_told_at_once_and_nothing_is_written(org: Organisation) -> None:
    with pytest.raises(Invalid) as error:
        create(
            org.requester,
            wish(name="Dev!", settings={"container.cpu": "lots", "container.portt": 1, "scaling.max": 99}),
            via="api",
        )
    assert fields(error) == {"name", "settings.container.cpu", "settings.container.portt", "settings.scaling.max"}
    assert not Environment.objects.exists()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"product": "nothing"}, "product"),
        ({"product": "fleet"}, "product"),
        ({"pattern": "nothing"}, "pattern"),
        ({"pattern": "../../etc"}, "pattern"),
        ({"name": ""}, "name"),
        ({"name": "a" * 28}, "name"),
        ({"sandbox": "nothing"}, "sandbox"),
        ({"sandbox": "mobility-dev"}, "sandbox"),
        ({"settings": {"container.cpu": True}}, "settings.container.cpu"),
        ({"settings": {"container.cpu": float("nan")}}, "settings.container.cpu"),
        ({"settings": {"container.environment": {"A": {"deep": 1}}}}, "settings.container.environment"),
        ({"settings": {"name": "stolen"}}, "settings.name"),
        ({"settings": {"sandbox.vpc_id": "vpc-9"}}, "settings.sandbox.vpc_id"),
    ],
)
def test_bad_input_is_refused_with_its_field(org: Organisation, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        create(org.requester, wish(**change), via="api")
    assert fields(error) == {field}
    assert not Environment.objects.exists()


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("field", ["product", "pattern", "name", "sandbox"])
def test_nasty_names_are_refused(org: Organisation, field: str, text: str) -> None:
    with pytest.raises(Invalid) as error:
        create(org.requester, wish(**{field: text}), via="api")
    assert fields(error) == {field}
    assert len(str(error.value)) < 1000, "what was sent is not sent back at length"


@pytest.mark.parametrize("text", NASTY[3:], ids=range(4))
def test_nasty_setting_values_are_refused(org: Organisation, text: str) -> None:
    with pytest.raises(Invalid):
        create(org.requester, wish(settings={"container.environment": {"A": text}}), via="api")
    with pytest.raises(Invalid):
        create(org.requester, wish(settings={text: 1}), via="api")


def test_a_viewer_may_look_but_not_ask(org: Organisation) -> None:
    with pytest.raises(Forbidden):
        create(org.viewer, wish(), via="api")


def test_a_name_is_taken_while_its_environment_lives(org: Organisation) -> None:
    create(org.requester, wish(), via="api")
    with pytest.raises(Invalid) as error:
        create(org.requester, wish(), via="api")
    assert fields(error) == {"name"}


def test_a_full_or_incomplete_sandbox_says_why(org: Organisation) -> None:
    org.sandbox.facts = {**org.sandbox.facts, "cluster_arn": ""}
    org.sandbox.save()
    with pytest.raises(Invalid, match="lacks cluster"):
        create(org.requester, wish(), via="api")
    org.sandbox.facts["cluster_arn"] = "arn"
    org.sandbox.max_environments = 1
    org.sandbox.save()
    create(org.requester, wish(), via="api")
    with pytest.raises(Invalid, match="is full"):
        create(org.requester, wish(name="two"), via="api")


def test_the_sandbox_with_the_most_room_is_chosen(org: Organisation) -> None:
    make_sandbox(org.commerce, "commerce-two", "999988887777")
    names = [create(org.requester, wish(name=n), via="api").sandbox.name for n in ("one", "two", "three", "four")]
    assert sorted(names) == ["commerce-dev", "commerce-dev", "commerce-two", "commerce-two"]


def test_the_same_idempotency_key_gives_the_same_run(org: Organisation) -> None:
    first = create(org.requester, wish(), via="api", idempotency_key="k")
    assert create(org.requester, wish(), via="api", idempotency_key="k").pk == first.pk
    with pytest.raises(Conflict):
        create(org.requester, wish(name="other"), via="api", idempotency_key="k")
    assert Environment.objects.count() == 1


def _in_parallel(requests: list[CreateRequest], user: Any, keys: list[str]) -> list[Any]:
    barrier = threading.Barrier(len(requests))

    def ask(number: int) -> Any:
        barrier.wait()
        try:
            return create(user, requests[number], via="api", idempotency_key=keys[number])
        except (Invalid, Conflict) as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(ask, range(len(requests))))


@pytest.mark.django_db(transaction=True)
def test_twelve_at_once_get_twelve_priorities() -> None:
    org = make_organisation()
    results = _in_parallel([wish(name=f"e{n}") for n in range(12)], org.requester, [""] * 12)
    assert all(isinstance(r, Run) for r in results), results
    given = Allocation.objects.filter(kind="rule_priority").values_list("value", flat=True)
    assert sorted(map(int, given)) == list(range(101, 113))
    assert Stage.objects.count() == 12 * 8


@pytest.mark.django_db(transaction=True)
def test_one_name_asked_for_twelve_times_at_once_is_given_once() -> None:
    org = make_organisation()
    results = _in_parallel([wish()] * 12, org.requester, [""] * 12)
    assert sum(isinstance(r, Run) for r in results) == 1
    assert Environment.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_key_sent_eight_times_at_once_makes_one_run() -> None:
    org = make_organisation()
    results = _in_parallel([wish()] * 8, org.requester, ["key"] * 8)
    assert {r.pk for r in results} == {Run.objects.get().pk}
