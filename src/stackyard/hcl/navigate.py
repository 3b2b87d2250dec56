"""Finding the place that a path means."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from stackyard.hcl.comments import shortened
from stackyard.hcl.errors import PathAmbiguous, PathNotFound, PathOpaque
from stackyard.hcl.paths import Path, format_path
from stackyard.hcl.tree import Attribute, Block, Body, Container, Expression, Item, Node, ObjectCons, TupleCons


@dataclass(frozen=True, slots=True)
class Place:
    """Something that is there: an item and what holds it."""

    container: Container
    item: Item

    @property
    def expr(self) -> Expression | None:
        """The value of the item; None for a block."""
        if isinstance(self.item, Block):
            return None
        return self.item if isinstance(self.item, Expression) else self.item.expr


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the way ends before the path does: `rest` is not in `node`."""

    node: Node
    rest: Path


def find(body: Body, path: Path) -> Place:
    """The one place that `path` means. Raises PathNotFound, PathAmbiguous or PathOpaque."""
    places, stops = search(body, path)
    if not places:
        fail(path, deepest(stops))
    return only(path, places)


def search(body: Body, path: Path) -> tuple[list[Place], list[Stop]]:
    """Every place that `path` means, and every place where it ends early."""
    if not path or any(isinstance(step, bool) or not isinstance(step, str | int) for step in path):
        raise PathNotFound("A path is a tuple of names (text) and indices (numbers), and not empty.")
    found = list(_in_body(body, path))
    return [f for f in found if isinstance(f, Place)], [f for f in found if isinstance(f, Stop)]


def only(path: Path, places: list[Place]) -> Place:
    """The single one of `places`."""
    if len(places) > 1:
        where = " and ".join(place.item.where for place in places)
        raise PathAmbiguous(f"{format_path(path)} is ambiguous: it is at {where}.")
    return places[0]


def deepest(stops: list[Stop]) -> list[Stop]:
    """The stops that came furthest."""
    least = min(len(stop.rest) for stop in stops)
    return [stop for stop in stops if len(stop.rest) == least]


def fail(path: Path, stops: list[Stop]) -> NoReturn:
    """Say why `path` leads nowhere."""
    stop = stops[0]
    node, missing = stop.node, format_path(stop.rest[:1])
    address, parent = format_path(path), format_path(path[: len(path) - len(stop.rest)])
    if isinstance(node, Body | ObjectCons | TupleCons):
        inside = f"`{parent}` has no `{missing}`" if parent else f"the file has no `{missing}`"
        raise PathNotFound(f"{address} is not there: {inside} ({node.where}).")
    if isinstance(node, Expression) and node.is_constant:
        raise PathNotFound(f"{address} is not there: `{parent}` is `{shortened(node.text)}` ({node.where}).")
    raise PathOpaque(
        f"{address} lies under an expression that only Terraform knows: "
        f"`{parent}` is `{shortened(node.text)}` ({node.where})."
    )


def _in_body(body: Body, path: Path) -> Iterator[Place | Stop]:
    head, rest = path[0], path[1:]
    attribute = body.attribute(head) if isinstance(head, str) else None
    if attribute is not None:
        yield from _in_item(body, attribute, attribute.expr, rest)
    blocks = [block for block in body.blocks if block.type == head and block.labels == rest[: len(block.labels)]]
    if attribute is None and not blocks:
        yield Stop(body, path)
    for block in _chosen(blocks, rest):
        below = rest[len(block.labels) :]
        if below and isinstance(below[0], int):
            below = below[1:]
        yield from _in_body(block.body, below) if below else [Place(body, block)]
    if blocks and not _chosen(blocks, rest):
        yield Stop(body, path)


def _chosen(blocks: list[Block], rest: Path) -> list[Block]:
    """Of repeated blocks, the one that an index after the labels names; without an index, all of them."""
    chosen, seen = [], dict[tuple[str, ...], int]()
    for block in blocks:
        number = seen.get(block.labels, 0)
        seen[block.labels] = number + 1
        index = rest[len(block.labels)] if len(rest) > len(block.labels) else None
        if not isinstance(index, int) or index == number:
            chosen.append(block)
    return chosen


def _in_item(container: Container, item: Item, expr: Expression, rest: Path) -> Iterator[Place | Stop]:
    if not rest:
        yield Place(container, item)
        return
    head = rest[0]
    if isinstance(expr, ObjectCons):
        items = expr.find(head) if isinstance(head, str) else []
        for each in items:
            yield from _in_item(expr, each, each.expr, rest[1:])
        if items:
            return
    if isinstance(expr, TupleCons) and isinstance(head, int) and 0 <= head < len(expr.items):
        yield from _in_item(expr, expr.items[head], expr.items[head], rest[1:])
        return
    yield Stop(expr, rest)


def walk_attributes(body: Body) -> Iterator[tuple[Path, Attribute]]:
    """Every argument with its path, in the order of the text. Repeated blocks (but `locals`) have an index."""
    counts: dict[tuple[str, ...], int] = {}
    for block in body.blocks:
        counts[(block.type, *block.labels)] = counts.get((block.type, *block.labels), 0) + 1
    seen: dict[tuple[str, ...], int] = {}
    for item in body.items:
        if isinstance(item, Attribute):
            yield (item.name,), item
            continue
        key = (item.type, *item.labels)
        number = seen.get(key, 0)
        seen[key] = number + 1
        prefix: Path = key if counts[key] == 1 or key == ("locals",) else (*key, number)
        for path, attribute in walk_attributes(item.body):
            yield (*prefix, *path), attribute
