"""The proof on the plan reads what real Terraform says of the real pattern, before anything is built."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.path_proof import Hop
from stackyard.executors.local import LocalExecutor
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import Filling, made_up_secrets, render_workspace, secret_variables
from stackyard.runs.plan_proof import prove_plan
from stackyard.settings import get_settings
from stackyard.terraform.workdir import Workdir
from stackyard.testing.place import Place

pytestmark = pytest.mark.journey

NAME = "shop-dev"
EVERYTHING = {
    **{"cdn.enabled": True, "firewall.enabled": True, "load_balancer.own": True, "cache.enabled": True},
    **{"bucket.enabled": True, "database.engine": "aurora-postgresql"},
}


@dataclass(frozen=True)
class Wanted:
    """What is planned: settings, the labels of the name before the zone, facts that are otherwise, blocks left out."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    labels: str = NAME
    without_certificate: bool = False
    tasks_in_database_subnets: bool = False


WANTED = {
    "default": Wanted(),
    "everything": Wanted(EVERYTHING),
    "deep": Wanted(labels="dev.shop"),
    "broken": Wanted(labels="dev.shop", without_certificate=True, tasks_in_database_subnets=True),
}


@pytest.fixture(scope="module")
def hops(stackyard_place: Place, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Hop]]:
    """What is proven of each plan, by the names of the hops. The plans are made side by side."""
    folder = tmp_path_factory.mktemp("plans")

    async def all_of_them() -> Sequence[Sequence[Mapping[str, Any]]]:
        return await asyncio.gather(*(plan(stackyard_place, w, folder / name) for name, w in WANTED.items()))

    plans = asyncio.run(all_of_them())
    facts = BaselineFacts.from_dict(stackyard_place.facts)
    covered = (f"*.{facts.zone_name}",)
    return {
        name: {hop.name: hop for hop in prove_plan(made, fqdn=fqdn(facts, wanted), facts=facts, covered=covered)}
        for (name, wanted), made in zip(WANTED.items(), plans, strict=True)
    }


def fqdn(facts: BaselineFacts, wanted: Wanted) -> str:
    return f"{wanted.labels}.{facts.zone_name}"


async def plan(place: Place, wanted: Wanted, folder: Path) -> Sequence[Mapping[str, Any]]:
    """`resource_changes` of `terraform show -json`, as Terraform has them."""
    settings, access = get_settings(), place.access
    facts = BaselineFacts.from_dict(place.facts)
    pattern = Catalogue.from_settings(settings).get("ecs-web-db")
    sandbox = {**place.facts, "region": access.region, "account_id": access.account_id}
    if wanted.tasks_in_database_subnets:
        sandbox["private_subnet_ids"] = sandbox["database_subnet_ids"]
    filling = Filling(
        environment={
            "name": NAME,
            "fqdn": fqdn(facts, wanted),
            "further_fqdns": [],
            "tags": {"stackyard:environment": "abcd2345"},
            "exists": False,
        },
        sandbox=sandbox,
        allocation={"listener_rule_priority": 7},
        region=access.region,
        role_arn=access.role_arn,
        external_id="",
        session_name="test",
        emulated=True,
        backend="local",
    )
    workdir = Workdir(folder)
    render_workspace(pattern, filling, wanted.settings, workdir.code)
    if wanted.without_certificate:
        (workdir.code / "certificate_override.tf").write_text('module "own_certificate" {\n  for_each = {}\n}\n')
    variables = {**access.environment("test"), **access.terraform_variables()}
    terraform = LocalExecutor.from_settings(settings, emulated=True).terraform(
        workdir, {**variables, **secret_variables(made_up_secrets(pattern.manifest))}
    )
    await terraform.init()
    return (await terraform.plan()).resources


ALL = {
    *("record", "certificate", "rule", "target_group", "service", "task_subnets", "task_network"),
    *("database_network", "subnet_group", "secret"),
}
EDGE = {"cloudfront", "edge_certificate", "cache_network"}


def known(found: Mapping[str, Hop]) -> set[str]:
    """The hops that surely fit. The others wait for what AWS will give: names, ids, addresses."""
    assert [hop for hop in found.values() if hop.ok is False] == []
    assert all(hop.planned and hop.found for hop in found.values())
    return {name for name, hop in found.items() if hop.ok}


def nearly_all_of_the_default_is_known_before_it_is_built(hops: dict[str, dict[str, Hop]]) -> None:
    found = hops["default"]
    assert set(found) == ALL
    assert known(found) == ALL - {"service"}, "the container is told the address of a database that is not there yet"
    assert found["certificate"].found == "The sandbox's certificate for *.test.example.com covers it."
    assert found["secret"].found == "1 planned, with a value."


def what_can_be_had_on_wish_has_its_hops(hops: dict[str, dict[str, Hop]]) -> None:
    found = hops["everything"]
    assert set(found) == ALL | EDGE
    assert known(found) == (ALL | EDGE) - {"service", "record"}, "what the record leads to is not known yet"
    assert (
        found["cloudfront"].found == f"It answers for {NAME}.test.example.com, and asks {NAME}-origin.test.example.com."
    )
    assert found["edge_certificate"].found.startswith("module.edge_certificate[0].aws_acm_certificate.this is planned")
    assert found["cache_network"].found == "Port 6379 is opened."


def a_deep_name_has_a_certificate_of_its_own(hops: dict[str, dict[str, Hop]]) -> None:
    found = hops["deep"]["certificate"]
    assert found.ok, found
    assert found.found.endswith("aws_acm_certificate.this is planned for it.")


def a_deep_name_without_certificate_and_tasks_without_a_way_out_are_named(
    hops: dict[str, dict[str, Hop]],
) -> None:
    found = hops["broken"]
    assert {name for name, hop in found.items() if hop.ok is False} == {"certificate", "task_subnets"}
    assert "not dev.shop.test.example.com, and none is planned for it" in found["certificate"].found
    assert "no way out" in found["task_subnets"].found
    assert found["certificate"].fix
    assert found["task_subnets"].fix


def test_the_hops_of_real_plans(hops: dict[str, dict[str, Hop]]) -> None:
    """One test, because each process that has one of them makes all plans."""
    nearly_all_of_the_default_is_known_before_it_is_built(hops)
    what_can_be_had_on_wish_has_its_hops(hops)
    a_deep_name_has_a_certificate_of_its_own(hops)
    a_deep_name_without_certificate_and_tasks_without_a_way_out_are_named(hops)
