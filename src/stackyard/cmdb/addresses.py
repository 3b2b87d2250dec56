"""Giving out address blocks: the lowest free one of a pool, or the very one that is wanted, and never one twice.

First-free search under concurrency livelocks on the constraint, so an advisory lock per pool goes first and is held
until the transaction ends; the exclusion constraint of `AddressBlock` stays as the backstop. Whoever claims in several
pools does so in the order of their ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Least
from django.utils import timezone

from stackyard.cmdb.models import AddressBlock, AddressPool, Environment
from stackyard.cmdb.space import space_of
from stackyard.errors import Conflict, Invalid, shown

# Somebody who wrote past the lock can be in the way a few times, not for ever.
TRIES = 5

# A subnet of AWS has at least a /28, and a VPC at most a /16.
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
WIDEST, NARROWEST = 16, 28


@dataclass(frozen=True)
class InUse:
    """Addresses that the CMDB did not give, but that something really has. `what`: such as `the network vpc-1`."""

    block: IPv4Network
    what: str


def parse_block(text: object, field: str) -> IPv4Network:
    """An IPv4 block such as 10.20.0.0/20. Invalid, at `field`, for IPv6, host bits and everything else."""
    words = str(text).strip()
    try:
        network = IPv4Network(words, strict=False)
    except ValueError:
        if ":" in words:
            raise Invalid.field(
                field, "IPv6 is not given out here: write an IPv4 block such as 10.20.0.0/20."
            ) from None
        raise Invalid.field(field, f"'{shown(words)}' is no IPv4 block such as 10.20.0.0/20.") from None
    address, slash, length = words.partition("/")
    if not slash or not length.isdigit():
        raise Invalid.field(field, f"'{shown(words)}' lacks its length: write a block such as 10.20.0.0/20.")
    if address != str(network.network_address):
        raise Invalid.field(field, f"{words} has host bits set; the block that it lies in is {network}.")
    return network


def claim(
    pool: AddressPool,
    prefix: int,
    *,
    purpose: str,
    environment: Environment | None = None,
    wanted: IPv4Network | None = None,
    in_use: Iterable[InUse] = (),
) -> AddressBlock:
    """Give the lowest free block of length `prefix`, or `wanted`. Call inside a transaction: the pool is locked until
    its end. Addresses `in_use` are skipped, and refused when wanted.

    Raises Conflict when there is no free block of that length, Invalid with the reason when `wanted` cannot be given.
    """
    lock_pool(pool)
    used = tuple(in_use)
    if wanted is not None:
        return _take_wanted(pool, wanted, purpose, environment, used)
    if not WIDEST <= prefix <= NARROWEST:
        raise Invalid.field("prefix", f"A block is /{WIDEST} to /{NARROWEST}, as AWS takes them.")
    if used:
        pool.refresh_from_db()
    met = [str(use.block) for use in relevant(pool, used)]
    for _ in range(TRIES):
        found, block = _take_lowest(pool, prefix, purpose, environment, met)
        if block is not None:
            return block
        if not found:
            raise _full(pool, prefix, met)
    raise Conflict(f"Others take blocks of pool {pool.name} at the same time.", hint="Try again in a moment.")


def release(environment: Environment) -> list[AddressBlock]:
    """Give back every block of an environment, in the caller's transaction; returns what was given back."""
    held = AddressBlock.objects.filter(environment=environment, released_at=None).order_by("pool_id", "block")
    return give_back(list(held.select_related("pool")))


def give_back(blocks: Sequence[AddressBlock]) -> list[AddressBlock]:
    """Give back these blocks, sorted by pool, in the caller's transaction; those that were held are returned."""
    released = []
    for block in blocks:
        lock_pool(block.pool)
        block.released_at = timezone.now()
        if AddressBlock.objects.filter(pk=block.pk, released_at=None).update(released_at=block.released_at):
            AddressPool.objects.filter(pk=block.pool_id).update(full_below=Least("full_below", int(block.block[0])))
            released.append(block)
    return released


def lock_pool(pool: AddressPool) -> None:
    """Take the pool's advisory lock until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"pool:{pool.pk}"])


def check_wanted(pool: AddressPool, wanted: IPv4Network, in_use: Iterable[InUse] = ()) -> None:
    """Refuse, at the field `block`, a block that the pool cannot give: with who or what is in its way."""
    if not wanted.subnet_of(pool.block):
        raise Invalid.field("block", f"{wanted} does not lie in pool {pool.name}, which is {pool.block}.")
    if not WIDEST <= wanted.prefixlen <= NARROWEST:
        raise Invalid.field("block", f"A block is /{WIDEST} to /{NARROWEST}, as AWS takes them.")
    reserved = next((part for part in map(IPv4Network, pool.reserved) if wanted.overlaps(part)), None)
    if reserved is not None:
        raise Invalid.field("block", f"{wanted} overlaps with {reserved}, which is reserved in pool {pool.name}.")
    holder = _holder(pool, wanted)
    if holder is not None:
        raise Invalid.field("block", f"{wanted} overlaps with {holder.block} of {holder_name(holder)}.")
    met = next((use for use in relevant(pool, in_use) if wanted.overlaps(use.block)), None)
    if met is not None:
        raise Invalid.field("block", f"{wanted} overlaps with {met.block} of {met.what} in the account.")


def holder_name(block: AddressBlock) -> str:
    """Who has a block, for a sentence."""
    return f"environment {block.environment.slug}" if block.environment else f"'{block.purpose}'"


def _holder(pool: AddressPool, wanted: IPv4Network) -> AddressBlock | None:
    held = AddressBlock.objects.filter(pool=pool, released_at=None, block__overlap=wanted)
    return held.select_related("environment").first()


def relevant(pool: AddressPool, in_use: Iterable[InUse]) -> list[InUse]:
    """Without what covers the whole pool, as a route to the company's network does: it tells nothing about a part."""
    return [use for use in in_use if use.block.overlaps(pool.block) and not pool.block.subnet_of(use.block)]


def _full(pool: AddressPool, prefix: int, met: Sequence[str]) -> Conflict:
    pool.refresh_from_db()
    space = space_of(pool)
    largest = f"the largest free block is a /{space.largest_prefix}" if space.largest_prefix else "nothing is free"
    real = f", and the account itself uses {', '.join(met)}" if met else ""
    return Conflict(
        f"Pool {pool.name} ({pool.block}) has no free /{prefix}: of {space.total:,} addresses {space.given:,} are "
        f"given and {space.reserved:,} reserved; {largest}{real}.",
        hint="Ask platform staff for a larger pool, or delete environments that are not needed.",
    )


def _take_wanted(
    pool: AddressPool, wanted: IPv4Network, purpose: str, environment: Environment | None, used: Sequence[InUse]
) -> AddressBlock:
    pool.refresh_from_db()
    check_wanted(pool, wanted, used)
    try:
        with transaction.atomic():
            return AddressBlock.objects.create(pool=pool, block=wanted, environment=environment, purpose=purpose)
    except IntegrityError:
        raise Invalid.field("block", f"{wanted}, or a part of it, was taken a moment ago.") from None


def _take_lowest(
    pool: AddressPool, prefix: int, purpose: str, environment: Environment | None, met: Sequence[str]
) -> tuple[bool, AddressBlock | None]:
    """Whether there is a free block, and the block when nobody who passed by the lock was quicker."""
    now = timezone.now()
    values: dict[str, Any] = {
        "pool": pool.pk,
        "met": list(met),
        "prefix": prefix,
        "environment": environment.pk if environment else None,
        "purpose": purpose,
        "now": now,
    }
    with connection.cursor() as cursor:
        # The mark is only where to begin: should it be wrong, the second look begins at the pool's first address.
        for use_mark in (True, False):
            cursor.execute(_TAKE, {**values, "use_mark": use_mark})
            low, key = cursor.fetchone()
            if low is not None:
                break
    if key is None:
        return low is not None, None
    block = AddressBlock.from_db(
        connection.alias,
        ["id", "pool_id", "block", "environment_id", "purpose", "created_at", "released_at"],
        [key, pool.pk, IPv4Network((low, prefix)), values["environment"], purpose, now, None],
    )
    block.pool, block.environment = pool, environment
    return True, block


# All in one statement, because it is done with the pool locked: the taken parts in order (blocks, reserved ranges, what
# is in use), the gaps between them, the lowest gap that holds an aligned block; the block is written and the mark moved
# to the lowest gap that is left. What the account uses is no business of the pool, so then the mark stays.
_TAKE = """
WITH pool AS (
    SELECT
        reserved,
        greatest(block - '0.0.0.0'::inet, CASE WHEN %(use_mark)s THEN full_below ELSE 0 END) AS first,
        broadcast(block) - '0.0.0.0'::inet AS last,
        (2 ^ (32 - %(prefix)s))::bigint AS size
    FROM cmdb_addresspool WHERE id = %(pool)s
), taken AS (
    SELECT block - '0.0.0.0'::inet AS low, broadcast(block) - '0.0.0.0'::inet AS high
    FROM cmdb_addressblock
    WHERE pool_id = %(pool)s AND released_at IS NULL
        AND block > cidr('0.0.0.0'::inet + (SELECT first - 1 FROM pool))
    UNION ALL
    SELECT network(part) - '0.0.0.0'::inet, broadcast(part) - '0.0.0.0'::inet
    FROM unnest(
        ARRAY(SELECT jsonb_array_elements_text(reserved) FROM pool)::cidr[] || %(met)s::cidr[]
    ) AS part
    UNION ALL
    SELECT last + 1, last + 1 FROM pool
), gaps AS (
    SELECT greatest(
        coalesce(max(high) OVER (ORDER BY low ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) + 1,
        (SELECT first FROM pool)
    ) AS low, low - 1 AS high
    FROM taken
), aligned AS (
    SELECT (low + size - 1) / size * size AS low, high, size FROM gaps CROSS JOIN pool
), found AS (
    SELECT min(low) AS low, (SELECT min(low) FROM gaps WHERE low <= high) AS gap
    FROM aligned WHERE low + size - 1 <= high
), written AS (
    INSERT INTO cmdb_addressblock (pool_id, block, environment_id, purpose, created_at)
    SELECT %(pool)s, cidr(set_masklen('0.0.0.0'::inet + low, %(prefix)s)), %(environment)s, %(purpose)s, %(now)s
    FROM found WHERE low IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING id
), marked AS (
    UPDATE cmdb_addresspool
    SET full_below = CASE WHEN found.gap = found.low THEN found.low + (SELECT size FROM pool) ELSE found.gap END
    FROM found, written
    WHERE cmdb_addresspool.id = %(pool)s AND found.low IS NOT NULL AND cardinality(%(met)s::cidr[]) = 0
)
SELECT found.low, written.id FROM found LEFT JOIN written ON true
"""
