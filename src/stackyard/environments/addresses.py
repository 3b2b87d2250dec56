"""Address blocks for people and for other services: claimed, noted as held by others, given back, and seen.

What is given must be free twice: in the pool, which the database guards, and in the account itself, where somebody may
have made a network by hand. AWS is asked before (`blocks_in_use`), never inside of the transaction that claims.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from stackyard.aws.checks.addresses import addresses_in_use
from stackyard.aws.sessions import SandboxAccess
from stackyard.cmdb import addresses, rights
from stackyard.cmdb.addresses import InUse, parse_block
from stackyard.cmdb.models import AddressBlock, AddressPool, Environment
from stackyard.cmdb.space import Space, space_of
from stackyard.cmdb.validators import plain_text
from stackyard.errors import Conflict, Invalid, NotFound, shown
from stackyard.runs.addresses import call_for_list

__all__ = ["InUse", "blocks_in_use", "claim_block", "free_space", "parse_block", "release_blocks"]


def claim_block(
    pool: AddressPool,
    prefix: int,
    *,
    purpose: str,
    environment: Environment | None = None,
    wanted: IPv4Network | str | None = None,
    in_use: Iterable[InUse] = (),
) -> AddressBlock:
    """Give the lowest free block of length `prefix` (16 to 28) or, whatever `prefix`, the block `wanted`.

    `environment`: who gets it; None: `purpose` says who holds it. `in_use`: what the account has already, from
    `blocks_in_use`; skipped, and refused when wanted. One caller at a time per pool: the pool is locked until the
    surrounding transaction ends.

    Raises Conflict, with numbers, when the pool has no such block; Invalid at `block` when `wanted` cannot be given.
    """
    with transaction.atomic():
        network = parse_block(wanted, "block") if isinstance(wanted, str) else wanted
        block = addresses.claim(pool, prefix, purpose=purpose, environment=environment, wanted=network, in_use=in_use)
        call_for_list()
    return block


def release_blocks(environment: Environment) -> list[AddressBlock]:
    """Give back all blocks of an environment; only after the proof that nothing of it is left."""
    with transaction.atomic():
        released = addresses.release(environment)
        if released:
            call_for_list()
    return released


def free_space(pool: AddressPool) -> Space:
    """How the pool is divided now: sums in addresses, and its parts in order."""
    return space_of(pool)


def blocks_in_use(access: SandboxAccess, *, own_vpc: str = "") -> tuple[InUse, ...]:
    """What the account really has: its networks, with their secondary blocks, what is peered with them and where their
    routes lead to. Without the network `own_vpc`. Raises Unavailable or Forbidden when AWS does not tell."""
    return tuple(InUse(block, what) for block, what in addresses_in_use(access, own_vpc))


def pools(user: User) -> QuerySet[AddressPool]:
    """The pools that the person may see, by name: all for platform staff, else those of their sandboxes."""
    return rights.visible(user, AddressPool.objects.order_by("name"))


def held_blocks(user: User) -> QuerySet[AddressBlock]:
    """Blocks that are held, in the order of pools and addresses, as far as the person may see them."""
    rows = AddressBlock.objects.filter(released_at=None)
    rows = rows.select_related("pool", "environment__sandbox__department", "environment__product")
    return rights.visible(user, rows.order_by("pool__name", "block"))


def note_block(
    user: User, pool: AddressPool, *, purpose: str, prefix: int | None = None, wanted: str = ""
) -> AddressBlock:
    """Platform staff take a block for somebody outside of Stackyard: the one `wanted`, or the lowest free /`prefix`.

    Raises Invalid at `block`, `prefix` or `purpose`, Conflict when the pool is full.
    """
    rights.require_platform(user)
    purpose = purpose.strip()
    if not purpose or len(purpose) > 120:
        raise Invalid.field("purpose", "Say who holds it, in at most 120 characters.")
    try:
        plain_text(purpose)
    except ValidationError as error:
        raise Invalid.field("purpose", str(error.message)) from None
    if not wanted and prefix is None:
        raise Invalid.field("block", "Give a block, or a length for the lowest free one.")
    return claim_block(pool, prefix or 0, purpose=purpose, wanted=wanted or None)


def release_noted(user: User, block: AddressBlock) -> None:
    """Platform staff give back a block that somebody outside held. What an environment holds goes with it alone."""
    rights.require_platform(user)
    if block.environment is not None:
        raise Conflict(
            f"{block.block} belongs to {block.environment.slug}.", hint="It is released when that is destroyed."
        )
    with transaction.atomic():
        if not addresses.give_back([block]):
            raise Conflict(f"{block.block} was given back already.")
        call_for_list()


def find_pool(user: User, name: str) -> AddressPool:
    """By name; NotFound when there is none that this person may see."""
    return rights.find(user, AddressPool.objects.all(), name=name)


def find_block(user: User, pool: AddressPool, text: str) -> AddressBlock:
    """The held block of a pool that is written so; NotFound otherwise."""
    network = parse_block(text, "block")
    found = held_blocks(user).filter(pool=pool, block=network).first()
    if found is None:
        raise NotFound(f"Nobody holds {shown(network)} in pool {pool.name}.")
    return found
