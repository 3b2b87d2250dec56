"""Which component of a pattern a resource belongs to."""

from collections.abc import Mapping, Sequence
from typing import Any

OTHER = "Other"


def component_of(resource: Mapping[str, Any], components: Mapping[str, Sequence[str]]) -> str:
    """The first component with an entry that is the resource's type or the beginning of its address."""
    kind, address = str(resource.get("type", "")), str(resource.get("address", ""))
    for title, entries in components.items():
        if any(entry == kind or _begins(address, entry) for entry in entries):
            return title
    return OTHER


def _begins(address: str, entry: str) -> bool:
    """`module.cdn` begins `module.cdn.aws_x.y` and `module.cdn[0].aws_x.y`, but not `module.cdn_logs.aws_x.y`."""
    return address == entry or (address.startswith(entry) and address[len(entry)] in ".[")
