"""Pools are IPv4, apart from each other, and cannot be changed under what is held."""

from typing import Any

import pytest
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import AddressBlock, AddressPool
from stackyard.environments.addresses import claim_block, find_pool, held_blocks, note_block, pools, release_noted
from stackyard.environments.create import create
from stackyard.environments.pools import PoolRequest, create_pool, delete_pool, edit_pool
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def wish(**changes: Any) -> PoolRequest:
    return PoolRequest(**{"name": "corp", "block": "10.20.0.0/16", **changes})


def problems(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(p.field, p.message) for p in error.value.problems]


def test_platform_staff_make_a_pool(org: Organisation) -> None:
    pool = create_pool(org.platform, wish(reserved=["10.20.255.0/24", "10.20.0.0/24"], vpc_prefix=22))
    pool.refresh_from_db()
    assert str(pool.block) == "10.20.0.0/16"
    assert pool.reserved == ["10.20.0.0/24", "10.20.255.0/24"]
    assert pool.history.count() == 1


def test_others_may_not(org: Organisation) -> None:
    pool = create_pool(org.platform, wish())
    for who in (org.requester, org.viewer, org.stranger):
        with pytest.raises(Forbidden):
            create_pool(who, wish(name="mine", block="10.21.0.0/16"))
        with pytest.raises(Forbidden):
            edit_pool(who, pool, wish())
        with pytest.raises(Forbidden):
            delete_pool(who, pool)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"name": "Corp"}, "name", "lower-case"),
        ({"name": ""}, "name", "lower-case"),
        ({"name": "there"}, "name", "already"),
        ({"block": "10.20.0.1/16"}, "block", "host bits"),
        ({"block": "fd00::/48"}, "block", "IPv6"),
        ({"block": "10.0.0.0/7"}, "block", "larger than a /8"),
        ({"block": "127.0.0.0/16"}, "block", "no network may have"),
        ({"block": "10.20.0.0/24"}, "block", "too small"),
        ({"block": "10.30.0.0/17"}, "block", "overlaps with pool there, which is 10.30.0.0/16"),
        ({"block": "10.0.0.0/8"}, "block", "overlaps with pool there"),
        ({"vpc_prefix": 15}, "vpc_prefix", "/16 to /24"),
        ({"vpc_prefix": 25}, "vpc_prefix", "/16 to /24"),
        ({"reserved": ["10.21.0.0/24"]}, "reserved", "does not lie in"),
        ({"reserved": ["10.20.0.0/24", "10.20.0.0/20"]}, "reserved", "overlap"),
        ({"reserved": ["10.20.0.9/24"]}, "reserved", "host bits"),
        ({"reserved": ["10.20.0.0/28"] * 101}, "reserved", "At most 100"),
    ],
)
def test_what_no_pool_can_be_is_refused_at_its_field(
    org: Organisation, change: dict[str, Any], field: str, reason: str
) -> None:
    create_pool(org.platform, wish(name="there", block="10.30.0.0/16"))
    with pytest.raises(Invalid) as error:
        create_pool(org.platform, wish(**change))
    ((named, message),) = problems(error)
    assert named == field
    assert reason in message


def test_every_problem_is_told_at_once(org: Organisation) -> None:
    with pytest.raises(Invalid) as error:
        create_pool(org.platform, wish(name="", vpc_prefix=9, reserved=["x"]))
    assert {field for field, _ in problems(error)} == {"name", "vpc_prefix", "reserved"}


def test_a_pool_is_not_changed_under_what_is_held(org: Organisation) -> None:
    pool = create_pool(org.platform, wish())
    note_block(org.platform, pool, purpose="the office", wanted="10.20.128.0/20")

    with pytest.raises(Invalid) as error:
        edit_pool(org.platform, pool, wish(block="10.20.0.0/17"))
    assert problems(error) == [("block", "10.20.128.0/20 of 'the office' would lie outside of it.")]
    with pytest.raises(Invalid) as error:
        edit_pool(org.platform, pool, wish(reserved=["10.20.128.0/24"]))
    assert problems(error) == [("reserved", "10.20.128.0/24 overlaps with 10.20.128.0/20 of 'the office'.")]


def test_what_is_no_longer_reserved_is_given(org: Organisation) -> None:
    pool = create_pool(org.platform, wish(reserved=["10.20.0.0/20"]))
    assert str(claim_block(pool, 20, purpose="x").block) == "10.20.16.0/20"
    edit_pool(org.platform, pool, wish(name="larger", block="10.20.0.0/15"))
    assert str(claim_block(pool, 20, purpose="x").block) == "10.20.0.0/20"


def test_a_pool_goes_when_nothing_needs_it(org: Organisation) -> None:
    pool = create_pool(org.platform, wish())
    block = note_block(org.platform, pool, purpose="the office", prefix=20)
    with pytest.raises(Conflict, match="1 of its blocks are held"):
        delete_pool(org.platform, pool)
    release_noted(org.platform, block)
    org.sandbox.pool = pool
    org.sandbox.save()
    with pytest.raises(Conflict, match="commerce-dev"):
        delete_pool(org.platform, pool)
    org.sandbox.pool = None
    org.sandbox.save()
    delete_pool(org.platform, pool)
    assert not AddressPool.objects.exists()
    assert not AddressBlock.objects.exists()


def test_people_see_the_pools_of_their_sandboxes_and_the_blocks_of_their_environments(org: Organisation) -> None:
    pool = create_pool(org.platform, wish())
    create_pool(org.platform, wish(name="elsewhere", block="10.30.0.0/16"))
    org.sandbox.pool = pool
    org.sandbox.save()
    env = create(org.requester, CreateRequest(product="shop", pattern="ecs-service", name="dev"), via="api").environment
    claim_block(pool, 26, purpose="subnets", environment=env)
    claim_block(pool, 26, purpose="the office")

    assert [p.name for p in pools(org.platform)] == ["corp", "elsewhere"]
    assert [p.name for p in pools(org.viewer)] == ["corp"]
    assert not pools(org.stranger)
    assert [b.purpose for b in held_blocks(org.platform)] == ["subnets", "the office"]
    assert [b.purpose for b in held_blocks(org.viewer)] == ["subnets"]
    assert not held_blocks(org.stranger)
    with pytest.raises(NotFound):
        find_pool(org.stranger, "corp")
