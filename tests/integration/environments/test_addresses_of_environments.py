"""A pattern that wants subnets of its own: each of its environments gets a block from the sandbox's pool."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest
from tests.factories import Organisation, make_organisation, make_sandbox

from stackyard.cmdb.addresses import InUse
from stackyard.cmdb.models import AddressPool, Environment
from stackyard.environments.addresses import claim_block
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Invalid, Unusable
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.manifest import read_manifest
from stackyard.patterns.workspace import render_workspace
from stackyard.runs.addresses import settle_blocks
from stackyard.runs.filling import allocations_of, filling_of
from stackyard.settings import get_settings

PATTERN = """\
name: own-subnets
version: 1.0.0
title: Own subnets
description: For tests.
needs: [network]
fills: {name: environment.name, tags: environment.tags, cidr: allocation.cidr}
cidr_prefix: 26
"""
LOCALS = 'locals {\n  name = ""\n  tags = {}\n  cidr = "10.0.0.0/26"\n}\n'


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    folder = tmp_path / "patterns" / "own-subnets"
    folder.mkdir(parents=True)
    (folder / "pattern.yaml").write_text(PATTERN)
    (folder / "locals.tf").write_text(LOCALS)
    return Catalogue(tmp_path / "patterns", tmp_path / "modules")


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


@pytest.fixture
def pool(org: Organisation) -> AddressPool:
    org.sandbox.pool = AddressPool.objects.create(name="corp", block="10.20.0.0/24", vpc_prefix=24)
    org.sandbox.save()
    return AddressPool.objects.get()


def build(org: Organisation, catalogue: Catalogue, name: str = "dev") -> Environment:
    asked = CreateRequest(product="shop", pattern="own-subnets", name=name)
    return create(org.requester, asked, via="api", catalogue=catalogue).environment


def blocks(environment: Environment) -> list[str]:
    return [str(b.block) for b in environment.address_blocks.filter(released_at=None)]


def test_it_is_claimed_with_the_environment_and_filled_into_its_code(
    org: Organisation, pool: AddressPool, catalogue: Catalogue, tmp_path: Path
) -> None:
    first, second = build(org, catalogue), build(org, catalogue, "test")
    assert (blocks(first), blocks(second)) == (["10.20.0.0/26"], ["10.20.0.64/26"])

    second.refresh_from_db()
    claim_block(pool, 28, purpose="more of it", environment=second)
    assert [row for row in allocations_of(second) if row["kind"] == "cidr"] == [
        {"kind": "cidr", "scope": "corp", "value": "10.20.0.64/26"},
        {"kind": "cidr", "scope": "corp", "value": "10.20.0.128/28"},
    ], "in the order of addresses, not of letters"
    filling = filling_of(second, get_settings())
    render_workspace(catalogue.get("own-subnets"), filling, {}, tmp_path / "code")
    assert 'cidr = "10.20.0.64/26"' in (tmp_path / "code" / "locals.tf").read_text()


def test_without_a_pool_it_is_refused(org: Organisation, catalogue: Catalogue) -> None:
    with pytest.raises(Invalid, match="commerce-dev: has no address pool, from which this pattern takes a /26"):
        build(org, catalogue)
    assert not Environment.objects.exists()


def test_a_sandbox_whose_pool_is_full_is_passed_over_and_refused_when_it_is_the_only_one(
    org: Organisation, pool: AddressPool, catalogue: Catalogue
) -> None:
    for _ in range(4):
        claim_block(pool, 26, purpose="others")
    with pytest.raises(Invalid, match="commerce-dev: is full: its address pool corp has no free /26"):
        build(org, catalogue)

    room = make_sandbox(org.commerce, "roomy", "777788889999")
    room.pool = AddressPool.objects.create(name="more", block="10.30.0.0/16")
    room.save()
    assert build(org, catalogue).sandbox == room


def test_a_block_that_the_account_uses_is_changed_before_anything_is_built(
    org: Organisation, pool: AddressPool, catalogue: Catalogue
) -> None:
    environment = build(org, catalogue)
    used = [InUse(IPv4Network("10.20.0.0/25"), "the network vpc-9")]

    assert settle_blocks(environment, used) == [
        "10.20.0.0/26 is used by the network vpc-9, so it becomes 10.20.0.128/26."
    ]
    assert blocks(environment) == ["10.20.0.128/26"]
    assert settle_blocks(environment, used) == []


@pytest.mark.parametrize(
    "wrong", [PATTERN.replace("cidr_prefix: 26\n", ""), PATTERN.replace(", cidr: allocation.cidr", "")]
)
def test_a_pattern_says_both_or_neither(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "pattern.yaml").write_text(wrong)
    with pytest.raises(Unusable, match=r"cidr_prefix and a fill from allocation\.cidr belong together"):
        read_manifest(tmp_path / "pattern.yaml")
