"""The picture of a pool: a bar from its first address to its last, with what is given and reserved."""

from collections.abc import Container
from dataclasses import dataclass

from stackyard.cmdb.addresses import holder_name
from stackyard.cmdb.space import Part, Space

WIDTH = 1000
"""Of the picture's own coordinates. Parts that are closer than one of these are drawn as one."""


@dataclass(frozen=True)
class Stripe:
    """A part of the bar. `kind`: given or reserved; `x` and `width` in the picture's coordinates."""

    kind: str
    x: float
    width: float
    title: str


def bar_of(space: Space, seen: Container[int]) -> list[Stripe]:
    """What is not free, in order. `seen`: keys of the blocks whose holders the person may know."""
    if not space.parts:
        return []
    begin, scale = space.parts[0].first, WIDTH / space.total
    groups: list[list[Part]] = []
    for part in space.parts:
        if part.kind == "free":
            continue
        near = groups and (part.first - groups[-1][-1].last) * scale < 1 and groups[-1][-1].kind == part.kind
        if near and (part.last - groups[-1][0].first) * scale < 3:
            groups[-1].append(part)
        else:
            groups.append([part])
    return [
        Stripe(
            group[0].kind,
            round((group[0].first - begin) * scale, 2),
            round(max((group[-1].last - group[0].first + 1) * scale, 1.5), 2),
            _title(group, seen),
        )
        for group in groups
    ]


def _title(group: list[Part], seen: Container[int]) -> str:
    if len(group) > 1:
        return f"{len(group)} blocks of {sum(part.size for part in group):,} addresses"
    (part,) = group
    if part.block is None:
        return f"{', '.join(map(str, part.networks()))}: reserved"
    who = holder_name(part.block) if part.block.pk in seen else "given"
    return f"{part.block.block}: {who}"
