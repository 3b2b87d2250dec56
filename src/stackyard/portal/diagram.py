"""The resources of an environment as a drawing: one box per component, in columns that follow the dependencies.

What needs something stands to the left of what it needs, so that the line reads from the host name to the database. The
layout is the layered one (longest path, lanes for edges that pass other columns, order by the mean of the neighbours).
Everything is sorted, so the same resources give the same drawing in every process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import networkx as nx

from stackyard.patterns.components import component_of

ROW, HEAD, PAD = 20, 32, 10
WIDTH, GAP_X, GAP_Y = 224, 48, 22
LANE = 14
ROOM = 30
"""Characters of a row that fit into a box."""


@dataclass(frozen=True)
class Line:
    """One resource as a row of its box: baseline of the text, what fits, and all of it."""

    y: int
    text: str
    full: str


@dataclass(frozen=True)
class Box:
    """One component."""

    title: str
    x: int
    y: int
    height: int
    lines: tuple[Line, ...]
    width: int = WIDTH

    @property
    def text_x(self) -> int:
        """Where texts begin."""
        return self.x + 12

    @property
    def count_x(self) -> int:
        """Where the number of resources ends."""
        return self.x + self.width - 12

    @property
    def title_y(self) -> int:
        """Baseline of the title."""
        return self.y + 21

    @property
    def head(self) -> str:
        """The title's background: the top of the box with its round corners."""
        right = self.width - 12
        return f"M{self.x} {self.y + HEAD}v-{HEAD - 6}q0-6 6-6h{right}q6 0 6 6v{HEAD - 6}z"


@dataclass(frozen=True)
class Edge:
    """From a component to one that it needs, as an SVG path."""

    path: str
    title: str


@dataclass(frozen=True)
class Diagram:
    """All of it, in user units of the SVG."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]

    @property
    def wide(self) -> bool:
        """Too wide to be shrunk to a page and still be read; it scrolls sideways then."""
        return self.width > 5 * WIDTH + 5 * GAP_X


@dataclass
class _Node:
    """A box, or a lane where an edge passes a column (`rows` empty and `lane` true)."""

    column: int
    height: int
    lane: bool = False
    y: float = 0
    near: list[str] = field(default_factory=list)


def draw(resources: Sequence[Mapping[str, Any]], components: Mapping[str, Sequence[str]]) -> Diagram | None:
    """The drawing of an environment's resources (`Environment.resources`), grouped by the manifest's components.

    None when there is nothing to draw.
    """
    if not resources:
        return None
    members: dict[str, list[Mapping[str, Any]]] = {}
    for resource in sorted(resources, key=lambda r: str(r.get("address", ""))):
        members.setdefault(component_of(resource, components), []).append(resource)
    graph = _between_components(resources, components, members)
    nodes, chains = _layers(graph, members)
    columns = _order(nodes)
    height = _place(nodes, columns)
    boxes = tuple(_box(name, nodes[name], members[name]) for name in sorted(members))
    edges = tuple(Edge(_path([nodes[n] for n in chain]), f"{chain[0]} needs {chain[-1]}") for chain in sorted(chains))
    return Diagram(len(columns) * (WIDTH + GAP_X) - GAP_X + 2, height + 2, boxes, edges)


def _between_components(
    resources: Sequence[Mapping[str, Any]], components: Mapping[str, Sequence[str]], members: Mapping[str, Any]
) -> "nx.DiGraph[str]":
    """Edges from a component to those it needs directly; what follows from another edge is left out."""
    home = {str(r.get("address", "")).split("[")[0]: component_of(r, components) for r in resources}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(members))
    for resource in sorted(resources, key=lambda r: str(r.get("address", ""))):
        here = component_of(resource, components)
        for needed in sorted(resource.get("depends_on") or ()):
            there = home.get(str(needed).split("[")[0])
            if there is not None and there != here:
                graph.add_edge(here, there)
    # Two components may need one another through different resources; one direction then has to give way.
    while not nx.is_directed_acyclic_graph(graph):
        cycle = min(nx.simple_cycles(graph), key=sorted)
        graph.remove_edge(*min(zip(cycle, [*cycle[1:], cycle[0]], strict=True), key=lambda e: (e[1], e[0])))
    reduced = nx.transitive_reduction(graph)
    reduced.add_nodes_from(graph.nodes)
    return reduced


def _layers(graph: "nx.DiGraph[str]", members: Mapping[str, Any]) -> tuple[dict[str, _Node], list[tuple[str, ...]]]:
    """Columns by longest path from what nothing needs; edges over several columns get a lane in each between."""
    column: dict[str, int] = {}
    for name in nx.lexicographical_topological_sort(graph):
        column[name] = max((column[p] + 1 for p in graph.predecessors(name)), default=0)
    nodes = {name: _Node(column[name], HEAD + PAD + ROW * len(members[name])) for name in sorted(members)}
    chains: list[tuple[str, ...]] = []
    for start, end in sorted(graph.edges):
        chain = [start]
        for passed in range(column[start] + 1, column[end]):
            lane = f"{start}\0{end}\0{passed}"
            nodes[lane] = _Node(passed, LANE, lane=True)
            chain.append(lane)
        chain.append(end)
        for a, b in pairwise(chain):
            nodes[a].near.append(b)
            nodes[b].near.append(a)
        chains.append(tuple(chain))
    return nodes, chains


def _order(nodes: Mapping[str, _Node]) -> list[list[str]]:
    """Names per column, top to bottom: swept a few times towards the mean position of the neighbours."""
    columns: list[list[str]] = [[] for _ in range(1 + max(n.column for n in nodes.values()))]
    for name in sorted(nodes, key=lambda n: (-len(nodes[n].near), n)):
        columns[nodes[name].column].append(name)
    position = {name: i for column in columns for i, name in enumerate(column)}
    for sweep in range(6):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda n: (_mean([position[m] for m in nodes[n].near], position[n]), n))
            position.update({name: i for i, name in enumerate(column)})
    return columns


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _place(nodes: Mapping[str, _Node], columns: Sequence[Sequence[str]]) -> int:
    """Give every node its y; each column is centred against the tallest. Returns the height of all."""
    heights = [sum(nodes[n].height + GAP_Y for n in column) - GAP_Y for column in columns]
    tallest = max(heights)
    for column, height in zip(columns, heights, strict=True):
        y = (tallest - height) / 2
        for name in column:
            nodes[name].y = round(y)
            y += nodes[name].height + GAP_Y
    return tallest


def _left(column: int) -> int:
    return 1 + column * (WIDTH + GAP_X)


def _box(name: str, node: _Node, members: Sequence[Mapping[str, Any]]) -> Box:
    top = 1 + int(node.y)
    lines = tuple(
        Line(top + HEAD + PAD + i * ROW + 4, _short(resource), _full(resource)) for i, resource in enumerate(members)
    )
    return Box(name, _left(node.column), top, node.height, lines)


def _short(resource: Mapping[str, Any]) -> str:
    kind = str(resource.get("type", "")).removeprefix("aws_")
    name = str(resource.get("name", ""))
    text = kind if name in ("this", "main", "") else f"{kind}.{name}"
    return text if len(text) <= ROOM else text[: ROOM - 1] + "…"


def _full(resource: Mapping[str, Any]) -> str:
    return "\n".join(filter(None, (str(resource.get("address", "")), str(resource.get("id", "")))))


def _path(chain: Sequence[_Node]) -> str:
    """A curve from the right side of the first box through the lanes to the left side of the last."""
    x, y = _left(chain[0].column) + WIDTH, _middle(chain[0])
    parts = [f"M{x} {y}"]
    for node in chain[1:]:
        to_x, to_y = _left(node.column), _middle(node)
        bend = (x + to_x) // 2
        parts.append(f"C{bend} {y} {bend} {to_y} {to_x} {to_y}")
        x, y = to_x, to_y
        if node.lane:
            x += WIDTH
            parts.append(f"H{x}")
    return " ".join(parts)


def _middle(node: _Node) -> int:
    return 1 + int(node.y) + (node.height // 2 if node.lane else HEAD // 2)
