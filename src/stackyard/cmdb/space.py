"""How a pool is divided: given, reserved, free. For its picture, its numbers and the refusal when it is full."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, summarize_address_range

from stackyard.cmdb.models import AddressBlock, AddressPool


@dataclass(frozen=True)
class Part:
    """Addresses in a row. `kind`: given, reserved or free; `block`: whose they are, when given."""

    kind: str
    first: int
    last: int
    block: AddressBlock | None = None

    @property
    def size(self) -> int:
        """How many addresses."""
        return self.last - self.first + 1

    def networks(self) -> Iterator[IPv4Network]:
        """The part as blocks, largest possible each."""
        return summarize_address_range(IPv4Address(self.first), IPv4Address(self.last))


@dataclass(frozen=True)
class Space:
    """A pool's parts in the order of addresses, with sums in addresses. `largest_prefix`: of the largest free block;
    None when nothing is free."""

    parts: tuple[Part, ...]

    def _sum(self, kind: str) -> int:
        return sum(part.size for part in self.parts if part.kind == kind)

    @property
    def total(self) -> int:
        """All addresses of the pool."""
        return sum(part.size for part in self.parts)

    @property
    def given(self) -> int:
        """Addresses that somebody holds."""
        return self._sum("given")

    @property
    def reserved(self) -> int:
        """Addresses that are never given."""
        return self._sum("reserved")

    @property
    def free(self) -> int:
        """Addresses that can be given."""
        return self._sum("free")

    @property
    def largest_prefix(self) -> int | None:
        """Length of the largest free block."""
        free = (network.prefixlen for part in self.parts if part.kind == "free" for network in part.networks())
        return min(free, default=None)


def space_of(pool: AddressPool, blocks: Iterable[AddressBlock] | None = None) -> Space:
    """The pool as it is now. `blocks`: the held ones, when they were read already, in the order of their addresses."""
    if blocks is None:
        blocks = AddressBlock.objects.filter(pool=pool, released_at=None).order_by("block")
    taken = [Part("given", int(b.block[0]), int(b.block[-1]), b) for b in blocks]
    taken += [Part("reserved", int(part[0]), int(part[-1])) for part in map(IPv4Network, pool.reserved)]
    parts: list[Part] = []
    place, end = int(pool.block[0]), int(pool.block[-1])
    for part in sorted(taken, key=lambda p: (p.first, p.kind)):
        first = max(part.first, place)
        if first > part.last:
            continue  # reserved within what was counted
        if first > place:
            parts.append(Part("free", place, first - 1))
        parts.append(Part(part.kind, first, part.last, part.block))
        place = part.last + 1
    if place <= end:
        parts.append(Part("free", place, end))
    return Space(tuple(parts))
