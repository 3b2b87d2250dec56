"""Walking over all constant values of a file."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from stackyard.hcl.file import File
from stackyard.hcl.navigate import walk_attributes
from stackyard.hcl.paths import Path
from stackyard.hcl.tree import Body, Expression, ObjectCons, TupleCons


class Leaf(NamedTuple):
    """One constant: its path, its expression, and the comment above or beside it."""

    path: Path
    node: Expression
    comment: str

    @property
    def value(self) -> Any:
        """As `Expression.value`."""
        return self.node.value


def leaves(tree: File | Body | Expression) -> Iterator[Leaf]:
    """The constants of a file, a body or an expression, in the order of the text, each with its path from there.

    An object with items is walked into. A list is one leaf if all of it is constant, else it is walked into.
    Expressions, and items with keys that only Terraform knows, are left out.
    """
    if isinstance(tree, Expression):
        yield from _below((), tree, tree.comment)
        return
    for path, attribute in walk_attributes(tree.body if isinstance(tree, File) else tree):
        yield from _below(path, attribute.expr, attribute.comment)


def _below(path: Path, expr: Expression, comment: str) -> Iterator[Leaf]:
    if isinstance(expr, ObjectCons) and expr.items:
        for item in expr.items:
            if item.key is not None:
                yield from _below((*path, item.key), item.expr, item.comment)
    elif expr.is_constant:
        yield Leaf(path, expr, comment)
    elif isinstance(expr, TupleCons):
        for index, element in enumerate(expr.items):
            yield from _below((*path, index), element, element.comment)
