"""A block is given once, the lowest free one first, and a refusal says what is in the way."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from tests.factories import Organisation, make_organisation

from stackyard.cmdb import addresses
from stackyard.cmdb.models import AddressBlock, AddressPool, Environment
from stackyard.environments.addresses import (
    InUse,
    claim_block,
    find_block,
    free_space,
    note_block,
    release_blocks,
    release_noted,
)
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


@pytest.fixture
def pool(db: None) -> AddressPool:
    AddressPool.objects.create(name="corp", block="10.20.0.0/16", reserved=["10.20.0.0/24", "10.20.128.0/17"])
    return AddressPool.objects.get()


def environment(org: Organisation) -> Environment:
    return create(
        org.requester, CreateRequest(product="shop", pattern="ecs-service", name="dev"), via="api"
    ).environment


def taken(pool: AddressPool) -> list[str]:
    return [str(b.block) for b in AddressBlock.objects.filter(pool=pool, released_at=None).order_by("block")]


def test_the_lowest_free_block_is_given_and_gaps_are_filled(pool: AddressPool) -> None:
    given = [str(claim_block(pool, prefix, purpose="x").block) for prefix in (26, 20, 26, 20, 23)]

    # Behind the reserved first /24; a /20 begins at a multiple of its size, and the gap before it is used later.
    assert given == ["10.20.1.0/26", "10.20.16.0/20", "10.20.1.64/26", "10.20.32.0/20", "10.20.2.0/23"]


def test_a_wanted_block_leaves_the_search_right(pool: AddressPool) -> None:
    claim_block(pool, 0, purpose="x", wanted="10.20.1.64/26")
    assert [str(claim_block(pool, 26, purpose="x").block) for _ in range(2)] == ["10.20.1.0/26", "10.20.1.128/26"]


def test_what_was_released_is_given_again_lowest_first(org: Organisation, pool: AddressPool) -> None:
    env = environment(org)
    held = [claim_block(pool, 24, purpose="x", environment=env if n == 1 else None).block for n in range(3)]
    assert [b.block for b in release_blocks(env)] == [held[1]]

    assert release_blocks(env) == [], "given back once"
    assert claim_block(pool, 24, purpose="x").block == held[1]


def test_what_the_account_uses_is_skipped_and_refused(pool: AddressPool) -> None:
    used = [InUse(IPv4Network("10.20.1.0/25"), "the network vpc-9"), InUse(IPv4Network("10.0.0.0/8"), "a route")]

    assert str(claim_block(pool, 24, purpose="x", in_use=used).block) == "10.20.2.0/24", "a route to all tells nothing"
    with pytest.raises(Invalid, match=r"overlaps with 10\.20\.1\.0/25 of the network vpc-9 in the account"):
        claim_block(pool, 24, purpose="x", wanted="10.20.1.0/24", in_use=used)
    assert str(claim_block(pool, 24, purpose="x").block) == "10.20.1.0/24", "another account may use it"


def test_a_full_pool_says_so_with_numbers(pool: AddressPool) -> None:
    for _ in range(7):
        claim_block(pool, 20, purpose="x")
    with pytest.raises(Conflict) as error:
        claim_block(pool, 20, purpose="x")
    assert "no free /20" in error.value.message
    assert "of 65,536 addresses 28,672 are given and 33,024 reserved; the largest free block is a /21" in str(
        error.value
    )
    assert str(claim_block(pool, 21, purpose="x").block) == "10.20.8.0/21"


def test_the_search_for_a_full_pool_looks_everywhere_before_it_gives_up(pool: AddressPool) -> None:
    AddressPool.objects.filter(pk=pool.pk).update(full_below=2**32)
    assert str(claim_block(pool, 20, purpose="x").block) == "10.20.16.0/20"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("10.20.16.1/20", "has host bits set; the block that it lies in is 10.20.16.0/20"),
        ("10.21.0.0/20", "does not lie in pool corp"),
        ("10.20.0.0/16", "overlaps with 10.20.0.0/24, which is reserved"),
        ("10.20.4.0/22", "overlaps with 10.20.4.0/24 of 'the office'"),
        ("10.20.4.128/28", "overlaps with 10.20.4.0/24 of 'the office'"),
        ("10.20.5.0/29", "/16 to /28"),
        ("2001:db8::/56", "IPv6 is not given out"),
        ("10.20.16.0", "lacks its length"),
        ("10.20.16.0/255.255.240.0", "lacks its length"),
        ("10.20.16.0/33", "no IPv4 block"),
        ("everything", "no IPv4 block"),
        ("\ud800" * 5000, "no IPv4 block"),
    ],
)
def test_a_wanted_block_that_cannot_be_given_is_refused_at_its_field(
    pool: AddressPool, wanted: str, reason: str
) -> None:
    claim_block(pool, 0, purpose="the office", wanted="10.20.4.0/24")
    with pytest.raises(Invalid) as error:
        claim_block(pool, 0, purpose="x", wanted=wanted)
    (problem,) = error.value.problems
    assert problem.field == "block"
    assert reason in problem.message
    assert len(problem.message) < 300


def test_the_database_refuses_an_overlap_whatever_the_code_does(pool: AddressPool) -> None:
    AddressBlock.objects.create(pool=pool, block="10.20.16.0/20", purpose="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        AddressBlock.objects.create(pool=pool, block="10.20.17.0/24", purpose="x")


def test_a_writer_who_passed_by_the_lock_costs_another_try_only(
    pool: AddressPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, looks = addresses._take_lowest, []

    def second(*arguments: Any) -> tuple[bool, AddressBlock | None]:
        looks.append(arguments)
        if len(looks) == 1:
            AddressBlock.objects.create(pool=pool, block="10.20.1.0/24", purpose="the quicker one")
            return True, None
        return take(*arguments)

    monkeypatch.setattr(addresses, "_take_lowest", second)
    assert str(claim_block(pool, 24, purpose="x").block) == "10.20.2.0/24"
    assert len(looks) == 2


def test_platform_staff_note_what_others_hold(org: Organisation, pool: AddressPool) -> None:
    noted = note_block(org.platform, pool, purpose="the office in Nagoya", wanted="10.20.64.0/20")
    assert str(note_block(org.platform, pool, purpose="a lab", prefix=20).block) == "10.20.16.0/20"
    for who in (org.requester, org.viewer):
        with pytest.raises(Forbidden):
            note_block(who, pool, purpose="mine", prefix=20)
        with pytest.raises(Forbidden):
            release_noted(who, noted)

    release_noted(org.platform, noted)
    with pytest.raises(NotFound, match=r"Nobody holds 10\.20\.64\.0/20 in pool corp"):
        find_block(org.platform, pool, "10.20.64.0/20")
    with pytest.raises(Conflict):
        release_noted(org.platform, noted)


def test_a_block_of_an_environment_is_not_given_back_by_hand(org: Organisation, pool: AddressPool) -> None:
    block = claim_block(pool, 24, purpose="subnets", environment=environment(org))
    with pytest.raises(Conflict, match="belongs to shop-dev"):
        release_noted(org.platform, block)


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"purpose": " ", "prefix": 24}, "purpose"),
        ({"purpose": "x" * 121, "prefix": 24}, "purpose"),
        ({"purpose": "nul\0", "prefix": 24}, "purpose"),
        ({"purpose": "x"}, "block"),
        ({"purpose": "x", "prefix": 29}, "prefix"),
        ({"purpose": "x", "prefix": -1}, "prefix"),
    ],
)
def test_bad_notes_are_refused_with_their_field(
    org: Organisation, pool: AddressPool, how: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        note_block(org.platform, pool, **how)  # type: ignore[arg-type]
    assert {p.field for p in error.value.problems} == {field}


def test_space_is_given_in_parts_that_make_up_the_pool(pool: AddressPool) -> None:
    claim_block(pool, 20, purpose="x")
    space = free_space(pool)
    assert [(p.kind, p.size) for p in space.parts] == [
        ("reserved", 256),
        ("free", 3840),
        ("given", 4096),
        ("free", 24576),
        ("reserved", 32768),
    ]
    assert (space.total, space.given, space.reserved, space.free) == (65536, 4096, 33024, 28416)
    assert space.largest_prefix == 18


@pytest.mark.django_db(transaction=True)
def test_two_hundred_at_once_get_two_hundred_blocks_or_a_clear_no() -> None:
    """More are asked for than there are: 128 of the 200 are served, and nothing overlaps."""
    pool = AddressPool.objects.create(name="crowd", block="10.64.0.0/20", reserved=["10.64.8.0/21"])

    def ask(number: int) -> str:
        try:
            return str(claim_block(pool, 28, purpose=f"request {number}").block)
        except Conflict as error:
            return error.message
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=50) as crowd:
        answers = list(crowd.map(ask, range(200)))

    refused = [a for a in answers if "has no free /28" in a]
    served = sorted(IPv4Network(a) for a in answers if a not in refused)
    assert (len(served), len(refused)) == (128, 72)
    assert not any(a.overlaps(b) for a, b in pairwise(served))
    assert taken(pool) == [str(n) for n in served]
    assert served[0] == IPv4Network("10.64.0.0/28")
    assert served[-1] == IPv4Network("10.64.7.240/28")
