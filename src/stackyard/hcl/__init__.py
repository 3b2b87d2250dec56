"""Structural HCL: read, look into and edit Terraform files, byte for byte.

    file = hcl.File.parse(text, "locals.tf")
    file.get_value(("locals", "service", "cpu"))
    file = file.set_attribute_value(hcl.parse_path("locals.service.cpu"), 512)
    file.bytes()

This library uses nothing of the rest of Stackyard.
"""

from stackyard.hcl.edits import AppendBlock, Edit, RemoveAttribute, RemoveBlock, RenameKey, SetValue
from stackyard.hcl.errors import (
    EditRefused,
    HclError,
    HclSyntaxError,
    PathAmbiguous,
    PathError,
    PathNotFound,
    PathOpaque,
    ValueRefused,
)
from stackyard.hcl.file import File
from stackyard.hcl.formatting import format
from stackyard.hcl.paths import Path, format_path, parse_path
from stackyard.hcl.source import Pos, Range
from stackyard.hcl.tree import (
    Attribute,
    Block,
    Body,
    Expression,
    Heredoc,
    Literal,
    ObjectCons,
    ObjectItem,
    RawExpr,
    Template,
    TupleCons,
)
from stackyard.hcl.values import Raw, tokens_for_value
from stackyard.hcl.walk import Leaf, leaves

__all__ = [
    "AppendBlock",
    "Attribute",
    "Block",
    "Body",
    "Edit",
    "EditRefused",
    "Expression",
    "File",
    "HclError",
    "HclSyntaxError",
    "Heredoc",
    "Leaf",
    "Literal",
    "ObjectCons",
    "ObjectItem",
    "Path",
    "PathAmbiguous",
    "PathError",
    "PathNotFound",
    "PathOpaque",
    "Pos",
    "Range",
    "Raw",
    "RawExpr",
    "RemoveAttribute",
    "RemoveBlock",
    "RenameKey",
    "SetValue",
    "Template",
    "TupleCons",
    "ValueRefused",
    "format",
    "format_path",
    "leaves",
    "parse_path",
    "tokens_for_value",
]
