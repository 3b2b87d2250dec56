"""Paths: where a value stands, as a tuple of names, labels, keys and indices, or written like a Terraform address.

("locals", "service", "cpu")               locals.service.cpu
("locals", "tags", "a.b")                  locals.tags["a.b"]
("locals", "subnets", 0, "cidr")           locals.subnets[0].cidr
("resource", "aws_s3_bucket", "logs")      resource.aws_s3_bucket.logs
"""

import json
import re
from collections.abc import Iterable
from typing import TypeAlias

from stackyard.hcl.errors import PathError

Path: TypeAlias = tuple[str | int, ...]

_STEP = re.compile(r'(?:(?:^|(?<!^)\.)([^\s.\[\]"]++)|\[\s*(?:([0-9]{1,9})|("(?:[^"\\]|\\.)*+"))\s*\])', re.S)
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*+")


def parse_path(text: str) -> Path:
    """The path that an address means. Raises PathError if it is not an address."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            break
        name, index, quoted = match.groups()
        try:
            steps.append(name if name else int(index) if index else str(json.loads(quoted, strict=False)))
        except ValueError:
            break
        at = match.end()
    if not steps or at < len(text):
        raise PathError(f'`{text[:120]}` is not a path. Expected one like locals.tags["a.b"] or locals.list[0].cidr.')
    return tuple(steps)


def format_path(path: Iterable[str | int]) -> str:
    """The address of a path: the inverse of `parse_path`."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        elif _BARE.fullmatch(step):
            written += f".{step}" if written else step
        else:
            written += f"[{json.dumps(step, ensure_ascii=False)}]"
    return written
