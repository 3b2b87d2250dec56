"""Our tree beside tree-sitter's: the same arguments at the same bytes."""

from pathlib import Path
from typing import Any

import pytest

from stackyard import hcl

tree_sitter = pytest.importorskip("tree_sitter", reason="needs the package tree-sitter")
tree_sitter_hcl = pytest.importorskip("tree_sitter_hcl", reason="needs the package tree-sitter-hcl")

pytestmark = pytest.mark.oracle
PROJECT = Path(__file__).parents[3]


def theirs(content: bytes) -> set[tuple[int, int]]:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))
    found = set()
    waiting: list[Any] = [parser.parse(content).root_node]
    while waiting:
        node = waiting.pop()
        if node.type == "attribute":
            found.add((node.start_byte, node.end_byte))
        if node.type in {"config_file", "body", "block"}:
            waiting.extend(node.children)
    return found


@pytest.mark.parametrize(
    "path", sorted(p for d in ("patterns", "modules", "baseline") for p in (PROJECT / d).rglob("*.tf")), ids=str
)
def test_arguments_have_the_same_bytes(path: Path) -> None:
    content = path.read_bytes()
    ours = {(a.range.start.byte, a.range.end.byte) for _, a in hcl.File.parse(content).attributes()}
    assert ours == theirs(content)
