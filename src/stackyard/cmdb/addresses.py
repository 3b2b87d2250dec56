"""Giving out address blocks: the lowest free one of a pool, or the very one that is wanted, and never one twice.

First-free search under concurrency livelocks on the constraint, so an advisory lock per pool goes first and is held
until the transaction ends; the exclusion constraint of `AddressBlock` stays as the backstop. Whoever claims in several
pools does so in the order of their ids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

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
    pool.refresh_from_db()
    used = tuple(in_use)
    for _ in range(TRIES):
        if wanted is not None:
            check_wanted(pool, wanted, used)
        block = wanted or _lowest(pool, prefix, used)
        try:
            with transaction.atomic():
                return AddressBlock.objects.create(pool=pool, block=block, environment=environment, purpose=purpose)
        except IntegrityError as error:
            if "no_overlap_in_a_pool" not in str(error):
                raise
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
    met = next((use for use in _relevant(pool, in_use) if wanted.overlaps(use.block)), None)
    if met is not None:
        raise Invalid.field("block", f"{wanted} overlaps with {met.block} of {met.what} in the account.")


def holder_name(block: AddressBlock) -> str:
    """Who has a block, for a sentence."""
    return f"environment {block.environment.slug}" if block.environment else f"'{block.purpose}'"


def _holder(pool: AddressPool, wanted: IPv4Network) -> AddressBlock | None:
    held = AddressBlock.objects.filter(pool=pool, released_at=None, block__overlap=wanted)
    return held.select_related("environment").first()


def _relevant(pool: AddressPool, in_use: Iterable[InUse]) -> list[InUse]:
    """Without what covers the whole pool, as a route to the company's network does: it tells nothing about a part."""
    return [use for use in in_use if use.block.overlaps(pool.block) and not pool.block.subnet_of(use.block)]


def _lowest(pool: AddressPool, prefix: int, in_use: Sequence[InUse]) -> IPv4Network:
    if not WIDEST <= prefix <= NARROWEST:
        raise Invalid.field("prefix", f"A block is /{WIDEST} to /{NARROWEST}, as AWS takes them.")
    met = [str(use.block) for use in _relevant(pool, in_use)]
    found = _search(pool, prefix, met, pool.full_below)
    if found is None and pool.full_below:
        found = _search(pool, prefix, met, 0)
    if found is None:
        space = space_of(pool)
        largest = f"the largest free block is a /{space.largest_prefix}" if space.largest_prefix else "nothing is free"
        real = f", and the account itself uses {', '.join(met)}" if met else ""
        raise Conflict(
            f"Pool {pool.name} ({pool.block}) has no free /{prefix}: of {space.total:,} addresses {space.given:,} are "
            f"given and {space.reserved:,} reserved; {largest}{real}.",
            hint="Ask platform staff for a larger pool, or delete environments that are not needed.",
        )
    return found


def _search(pool: AddressPool, prefix: int, met: Sequence[str], floor: int) -> IPv4Network | None:
    """The lowest gap that holds an aligned block. Below `floor` nothing is free, so that a pool with ten thousand
    blocks is not read from its beginning each time."""
    size = 2 ** (32 - prefix)
    first, last = max(int(pool.block[0]), floor), int(pool.block[-1])
    with connection.cursor() as cursor:
        cursor.execute(
            _GAPS,
            {
                "pool": pool.pk,
                "before": str(IPv4Address(first - 1)),
                "fixed": list(pool.reserved),
                "met": list(met),
                "first": first,
                "last": last,
                "size": size,
            },
        )
        gap, block = cursor.fetchone()
    if block is None:
        return None
    if not met:
        # What the account uses is no business of the pool, so only a look without it may move the mark.
        mark = block + size if gap == block else gap
        AddressPool.objects.filter(pk=pool.pk).update(full_below=mark)
        pool.full_below = mark
    return IPv4Network((block, prefix))


# Blocks, reserved parts and what is in use, in order; between the highest end so far and the next beginning is a gap.
_GAPS = """
WITH taken AS (
    SELECT block - '0.0.0.0'::inet AS low, broadcast(block) - '0.0.0.0'::inet AS high
    FROM cmdb_addressblock
    WHERE pool_id = %(pool)s AND released_at IS NULL AND block > %(before)s::cidr
    UNION ALL
    SELECT network(part) - '0.0.0.0'::inet, broadcast(part) - '0.0.0.0'::inet
    FROM unnest(%(fixed)s::cidr[] || %(met)s::cidr[]) AS part
    UNION ALL
    SELECT %(last)s::bigint + 1, %(last)s::bigint + 1
), gaps AS (
    SELECT greatest(
        coalesce(max(high) OVER (ORDER BY low ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) + 1,
        %(first)s::bigint
    ) AS low, low - 1 AS high
    FROM taken
), fitting AS (
    SELECT (low + %(size)s::bigint - 1) / %(size)s::bigint * %(size)s::bigint AS low, high FROM gaps
)
SELECT
    (SELECT min(low) FROM gaps WHERE low <= high),
    (SELECT min(low) FROM fitting WHERE low + %(size)s::bigint - 1 <= high)
"""
