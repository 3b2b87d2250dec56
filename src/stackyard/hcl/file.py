"""A file: parse it, look into it, and make edited copies of it."""

from collections.abc import Iterable
from typing import Any

from stackyard.hcl import navigate
from stackyard.hcl.edits import AppendBlock, Edit, RemoveAttribute, RemoveBlock, RenameKey, SetValue, apply
from stackyard.hcl.errors import PathNotFound
from stackyard.hcl.navigate import find
from stackyard.hcl.parser import parse
from stackyard.hcl.paths import Path, format_path
from stackyard.hcl.source import Source
from stackyard.hcl.tree import Attribute, Block, Body, Expression, Item
from stackyard.hcl.values import Raw


class File:
    """One HCL file. It never changes: every edit returns a new file, and leaves all bytes it need not touch."""

    __slots__ = ("body", "source")

    def __init__(self, source: Source) -> None:
        self.source = source
        self.body: Body = parse(source)

    @classmethod
    def parse(cls, text: str | bytes, name: str = "<text>") -> "File":
        """Read HCL native syntax (bytes in UTF-8). `name` is for messages. Raises HclSyntaxError."""
        # Bytes that are not UTF-8 are legal in comments only; they survive as surrogates, which the parser refuses
        # everywhere else.
        return cls(Source(text if isinstance(text, str) else text.decode("utf-8", "surrogateescape"), name))

    @property
    def name(self) -> str:
        """The name for messages."""
        return self.source.name

    def text(self) -> str:
        """The text of the file."""
        return self.source.text

    def bytes(self) -> bytes:
        """The text of the file in UTF-8."""
        return self.source.text.encode("utf-8", "surrogateescape")

    # Looking

    def find(self, path: Path) -> Item:
        """The argument, item, element or block at a path. Raises PathNotFound, PathAmbiguous or PathOpaque."""
        return find(self.body, path).item

    def get(self, path: Path) -> Expression:
        """The expression at a path. Raises PathNotFound, PathAmbiguous or PathOpaque."""
        expr = find(self.body, path).expr
        if expr is None:
            raise PathNotFound(f"{format_path(path)} is a block, not a value.")
        return expr

    def get_value(self, path: Path) -> Any:
        """The Python value at a path. Raises as `get`, and PathOpaque if the expression is not constant."""
        return self.get(path).value

    def get_block(self, path: Path) -> Block:
        """The block at a path of type and labels (and an index, where it is repeated)."""
        item = self.find(path)
        if not isinstance(item, Block):
            raise PathNotFound(f"{format_path(path)} is a value, not a block.")
        return item

    def attributes(self) -> Iterable[tuple[Path, Attribute]]:
        """Every argument of every block, with its path, in the order of the text."""
        return navigate.walk_attributes(self.body)

    # Editing

    def edit(self, edits: Iterable[Edit]) -> "File":
        """All edits, one after the other, as if each were made alone; the text is parsed as few times as can be.

        Raises what the single methods below raise; then nothing is changed.
        """
        return apply(self, edits)

    def set_attribute_value(self, path: Path, value: Any, *, force: bool = False) -> "File":
        """Set a value. What is missing on the way (a key, a map) is made, in the style around it.

        An equal value changes nothing. A map set over a map touches only the keys that differ. Raises PathNotFound,
        PathAmbiguous, PathOpaque, ValueRefused, and EditRefused if comments would be lost, unless `force` is true.
        """
        return self.edit([SetValue(path, value, force)])

    def set_attribute_raw(self, path: Path, expr: str, *, force: bool = False) -> "File":
        """Set an expression, given as HCL text. Raises as `set_attribute_value`, and HclSyntaxError."""
        return self.edit([SetValue(path, Raw(expr), force)])

    def remove_attribute(self, path: Path) -> "File":
        """Take away an argument, an object's item or a tuple's element, with the comments that belong to it."""
        return self.edit([RemoveAttribute(path)])

    def append_new_block(self, block_type: str, labels: Iterable[str] = (), parent: Path = ()) -> "File":
        """Add an empty block at the end of the file, or of the block at `parent`."""
        return self.edit([AppendBlock(block_type, tuple(labels), parent)])

    def remove_block(self, path: Path) -> "File":
        """Take away the block at a path of type and labels, with the comments above it."""
        return self.edit([RemoveBlock(path)])

    def rename_key(self, path: Path, name: str) -> "File":
        """Give an argument or an object's item another name; raises EditRefused if that is taken."""
        return self.edit([RenameKey(path, name)])
