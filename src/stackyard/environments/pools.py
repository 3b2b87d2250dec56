"""Address pools: made, changed and taken away by platform staff."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from django.contrib.auth.models import User
from django.db import connection, transaction

from stackyard.cmdb import rights
from stackyard.cmdb.addresses import holder_name, lock_pool, parse_block
from stackyard.cmdb.models import AddressBlock, AddressPool
from stackyard.cmdb.validators import DNS_LABEL
from stackyard.errors import Conflict, Invalid, Problem
from stackyard.runs.addresses import call_for_list

# AWS takes a VPC of /16 to /28; the baseline's six subnets need /24 or larger.
VPC_PREFIXES = range(16, 25)

MAX_RESERVED = 100

UNROUTED = tuple(
    IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)
"""No host has such an address for others to reach (RFC 6890); AWS refuses them for a VPC."""


@dataclass(frozen=True)
class PoolRequest:
    """A pool as it shall be. Blocks as text; `vpc_prefix`: length of the block of a VPC."""

    name: str
    block: str
    reserved: Sequence[str] = ()
    vpc_prefix: int = 20


@dataclass(frozen=True)
class _Checked:
    block: IPv4Network
    reserved: list[IPv4Network]


def create_pool(user: User, request: PoolRequest) -> AddressPool:
    """Make a pool. Raises Invalid with every problem at `name`, `block`, `reserved` or `vpc_prefix`."""
    rights.require_platform(user)
    with transaction.atomic():
        _lock()
        problems, checked = _check(request, None)
        if problems or checked is None:
            raise Invalid(problems)
        return AddressPool.objects.create(
            name=request.name,
            block=checked.block,
            reserved=[str(part) for part in checked.reserved],
            vpc_prefix=request.vpc_prefix,
        )


def edit_pool(user: User, pool: AddressPool, request: PoolRequest) -> AddressPool:
    """Change a pool. What is held must stay inside of it, and outside of what is reserved. Raises as `create_pool`."""
    rights.require_platform(user)
    with transaction.atomic():
        _lock()
        lock_pool(pool)
        problems, checked = _check(request, pool)
        if checked is not None and not problems:
            problems = _against_held(pool, checked)
        if problems or checked is None:
            raise Invalid(problems)
        pool.name, pool.block, pool.vpc_prefix = request.name, checked.block, request.vpc_prefix
        pool.reserved = [str(part) for part in checked.reserved]
        pool.full_below = 0
        pool.save()
        call_for_list()
    return pool


def delete_pool(user: User, pool: AddressPool) -> None:
    """Take a pool away, with the memory of blocks that were given back. Conflict while anything is held or uses it."""
    rights.require_platform(user)
    with transaction.atomic():
        _lock()
        lock_pool(pool)
        held = pool.blocks.filter(released_at=None).count()
        if held:
            raise Conflict(f"Pool {pool.name} cannot go: {held} of its blocks are held.", hint="Release them first.")
        users = ", ".join(pool.sandboxes.values_list("name", flat=True))
        if users:
            raise Conflict(f"Pool {pool.name} cannot go: {users} takes its blocks from it.", hint="Give another pool.")
        pool.blocks.all().delete()
        pool.delete()


def _check(request: PoolRequest, known: AddressPool | None) -> tuple[list[Problem], _Checked | None]:
    """What the request breaks by itself and against other pools."""
    problems: list[Problem] = []
    others = AddressPool.objects.exclude(pk=known.pk) if known else AddressPool.objects.all()
    if not DNS_LABEL.match(request.name) or len(request.name) > 40:
        problems.append(Problem("name", "Use at most 40 lower-case letters, digits and hyphens, a letter first."))
    elif others.filter(name=request.name).exists():
        problems.append(Problem("name", f"There is a pool '{request.name}' already."))
    if request.vpc_prefix not in VPC_PREFIXES:
        problems.append(
            Problem(
                "vpc_prefix", f"A VPC's block is /{VPC_PREFIXES[0]} to /{VPC_PREFIXES[-1]}, not /{request.vpc_prefix}."
            )
        )
    try:
        block = parse_block(request.block, "block")
    except Invalid as error:
        return [*problems, *error.problems], None
    problems += _check_block(block, request.vpc_prefix, others.filter(block__overlap=block).first())
    reserved, wrong = _reserved(request.reserved, block)
    return problems + wrong, _Checked(block, reserved)


def _check_block(block: IPv4Network, vpc_prefix: int, other: AddressPool | None) -> list[Problem]:
    if block.prefixlen < 8:
        return [Problem("block", f"{block} is larger than a /8; a pool is a part of one's own addresses.")]
    if any(block.overlaps(part) for part in UNROUTED):
        return [Problem("block", f"{block} holds addresses that no network may have.")]
    if vpc_prefix in VPC_PREFIXES and block.prefixlen > vpc_prefix:
        return [Problem("block", f"{block} is too small: it does not hold one VPC of /{vpc_prefix}.")]
    if other is not None:
        return [Problem("block", f"{block} overlaps with pool {other.name}, which is {other.block}.")]
    return []


def _reserved(texts: Sequence[str], block: IPv4Network) -> tuple[list[IPv4Network], list[Problem]]:
    """The reserved ranges in order, and what is wrong with them."""
    if len(texts) > MAX_RESERVED:
        return [], [Problem("reserved", f"At most {MAX_RESERVED} ranges.")]
    found: list[IPv4Network] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            part = parse_block(text, "reserved")
        except Invalid as error:
            problems += error.problems
            continue
        if not part.subnet_of(block):
            problems.append(Problem("reserved", f"{part} does not lie in {block}."))
        elif met := next((other for other in found if part.overlaps(other)), None):
            problems.append(Problem("reserved", f"{part} and {met} overlap."))
        else:
            found.append(part)
    return sorted(found), problems


def _against_held(pool: AddressPool, checked: _Checked) -> list[Problem]:
    problems = []
    for held in AddressBlock.objects.filter(pool=pool, released_at=None).select_related("environment"):
        if not held.block.subnet_of(checked.block):
            problems.append(Problem("block", f"{held.block} of {holder_name(held)} would lie outside of it."))
        elif part := next((part for part in checked.reserved if held.block.overlaps(part)), None):
            problems.append(Problem("reserved", f"{part} overlaps with {held.block} of {holder_name(held)}."))
    return problems[:10]


def _lock() -> None:
    """Pools may not overlap; whoever makes or changes one goes alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('address-pools', 0))")
