"""`/api/address-pools`, `/api/address-blocks`."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field, StrictInt, StrictStr

from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.paging import PageNumber, PageSize, page_of
from stackyard.api.shapes import Name, Page, RowId
from stackyard.cmdb import rights
from stackyard.cmdb.models import AddressBlock, AddressPool
from stackyard.environments.addresses import (
    find_pool,
    free_space,
    held_blocks,
    note_block,
    parse_block,
    pools,
    release_noted,
)
from stackyard.environments.pools import PoolRequest, create_pool, delete_pool, edit_pool
from stackyard.runs.addresses import as_csv

router = Router(tags=["addresses"])


class PoolIn(Schema):
    """An address pool as it shall be."""

    model_config = ConfigDict(extra="forbid")

    name: StrictStr = Field(description="A DNS label of at most 40 characters.")
    block: StrictStr = Field(description="IPv4, without host bits: 10.20.0.0/16.")
    reserved: list[StrictStr] = Field(default_factory=list, description="Ranges of it that are never given.")
    vpc_prefix: StrictInt = Field(default=20, description="Length of the block of a sandbox's VPC, 16 to 24.")


class PoolOut(Schema):
    """An address pool, with sums in addresses."""

    name: str
    block: str
    reserved: list[str]
    vpc_prefix: int
    sandboxes: list[str] = Field(description="Those that take their blocks from it and that you may see.")
    total: int
    given: int
    reserved_addresses: int
    free: int
    largest_free: str = Field(description="Length of the largest free block, such as /18; empty when it is full.")


class NoteIn(Schema):
    """A block for somebody outside of Stackyard: this one, or the lowest free one of a length."""

    model_config = ConfigDict(extra="forbid")

    purpose: StrictStr = Field(description="Who holds it, or what for.")
    block: StrictStr = ""
    prefix: StrictInt | None = None


class BlockOut(Schema):
    """A block that somebody holds."""

    id: int
    pool: str
    block: str
    first: str
    last: str
    addresses: int
    purpose: str
    environment: str = Field(description="Empty: it is held outside of Stackyard.")
    sandbox: str
    department: str
    account_id: str
    since: datetime


@router.get("/address-pools", response=answers(200, Page[PoolOut]), summary="List address pools")
def list_pools(request: HttpRequest, page: PageNumber = 1, size: PageSize = 50) -> Page[PoolOut]:
    """By name: those that your department's sandboxes use; all for platform staff."""
    return page_of(pools(person(request)), page, size, lambda row: _pool(request, row))


@router.post("/address-pools", response=answers(201, PoolOut), summary="Add an address pool")
def add_pool(request: HttpRequest, wish: PoolIn) -> Status[PoolOut]:
    """For platform staff. 422 lists every problem; pools may not overlap."""
    return Status(201, _pool(request, create_pool(person(request), PoolRequest(**wish.dict()))))


@router.get("/address-pools/{pool}", response=answers(200, PoolOut), summary="Show an address pool")
def show_pool(request: HttpRequest, pool: str) -> PoolOut:
    """How much of it is given and free."""
    return _pool(request, find_pool(person(request), pool))


@router.put("/address-pools/{pool}", response=answers(200, PoolOut), summary="Change an address pool")
def change_pool(request: HttpRequest, pool: str, wish: PoolIn) -> PoolOut:
    """For platform staff. What is held must stay inside of it, and outside of what is reserved."""
    user = person(request)
    return _pool(request, edit_pool(user, find_pool(user, pool), PoolRequest(**wish.dict())))


@router.delete("/address-pools/{pool}", response=answers(200, PoolOut), summary="Delete an address pool")
def remove_pool(request: HttpRequest, pool: str) -> PoolOut:
    """For platform staff. 409 while a block of it is held or a sandbox uses it."""
    user = person(request)
    found = find_pool(user, pool)
    was = _pool(request, found)
    delete_pool(user, found)
    return was


@router.post("/address-pools/{pool}/blocks", response=answers(201, BlockOut), summary="Note a block as held by others")
def claim(request: HttpRequest, pool: str, wish: NoteIn) -> Status[BlockOut]:
    """For platform staff: what is held outside of Stackyard is not given to anybody. 409 when the pool is full."""
    user = person(request)
    block = note_block(user, find_pool(user, pool), purpose=wish.purpose, prefix=wish.prefix, wanted=wish.block)
    return Status(201, _block(block))


@router.get("/address-blocks", response=answers(200, Page[BlockOut]), summary="List address blocks")
def list_blocks(
    request: HttpRequest, pool: Name = "", block: str = "", page: PageNumber = 1, size: PageSize = 50
) -> Page[BlockOut]:
    """Blocks that are held, in the order of addresses: your department's; all for platform staff. `block`: those that
    have addresses in common with it."""
    return page_of(_found(request, pool, block), page, size, _block)


@router.get("/address-blocks.csv", response=answers(200, Any), summary="Download address blocks as CSV")
def blocks_as_csv(request: HttpRequest, pool: Name = "", block: str = "") -> HttpResponse:
    """The same blocks, all on one page, with a line of names."""
    response = HttpResponse(as_csv(_found(request, pool, block)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="cidr.csv"'
    return response


@router.delete("/address-blocks/{block_id}", response=answers(200, BlockOut), summary="Release an address block")
def release(request: HttpRequest, block_id: RowId) -> BlockOut:
    """For platform staff, and only what is held outside of Stackyard; an environment's block goes with it."""
    user = person(request)
    found = rights.find(user, held_blocks(user), pk=block_id)
    release_noted(user, found)
    return _block(found)


def _found(request: HttpRequest, pool: str, block: str) -> "QuerySet[AddressBlock]":
    user = person(request)
    rows = held_blocks(user)
    if pool:
        rows = rows.filter(pool=find_pool(user, pool))
    if block:
        rows = rows.filter(block__overlap=parse_block(block, "block"))
    return rows


def _pool(request: HttpRequest, row: AddressPool) -> PoolOut:
    space = free_space(row)
    return PoolOut(
        name=row.name,
        block=str(row.block),
        reserved=row.reserved,
        vpc_prefix=row.vpc_prefix,
        sandboxes=[s.name for s in rights.visible(person(request), row.sandboxes.order_by("name"))],
        total=space.total,
        given=space.given,
        reserved_addresses=space.reserved,
        free=space.free,
        largest_free=f"/{space.largest_prefix}" if space.largest_prefix is not None else "",
    )


def _block(row: AddressBlock) -> BlockOut:
    env = row.environment
    return BlockOut(
        id=row.pk,
        pool=row.pool.name,
        block=str(row.block),
        first=str(row.block[0]),
        last=str(row.block[-1]),
        addresses=row.block.num_addresses,
        purpose=row.purpose,
        environment=env.slug if env else "",
        sandbox=env.sandbox.name if env else "",
        department=env.department.name if env else "",
        account_id=env.sandbox.account_id if env else "",
        since=row.created_at,
    )
