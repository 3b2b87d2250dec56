"""Files that a person changed by hand are told from those that a pattern gave, and none is lost unasked."""

import hashlib

import pytest

from stackyard.patterns.handwork import merge_files, required_providers
from stackyard.patterns.merging import BOTH_ADDED, BOTH_CHANGED, GONE, REMOVED_HERE

OLD, NEW, MINE = b"# old\n", b"# new\n", b"# mine\n"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def merged(old: bytes | None, new: bytes | None, mine: bytes | None, **take: str) -> tuple[bytes | None, str]:
    """What becomes of one file, and why it is a conflict."""
    found = merge_files(
        {"a.tf": digest(old)} if old is not None else {},
        {"a.tf": new} if new is not None else {},
        {"a.tf": mine} if mine is not None else {},
        {"a.tf": take["side"]} if take else {},
    )
    return found.files.get("a.tf"), found.conflicts[0].reason if found.conflicts else ""


@pytest.mark.parametrize(
    ("old", "new", "mine", "stands", "reason"),
    [
        (OLD, NEW, OLD, NEW, ""),  # nobody touched it
        (OLD, None, OLD, None, ""),
        (None, NEW, None, NEW, ""),
        (OLD, OLD, MINE, MINE, ""),  # only the person did
        (OLD, OLD, None, None, ""),
        (None, None, MINE, MINE, ""),
        (OLD, NEW, NEW, NEW, ""),  # both did the same
        (OLD, None, None, None, ""),
        (OLD, NEW, MINE, NEW, BOTH_CHANGED),
        (None, NEW, MINE, NEW, BOTH_ADDED),
        (OLD, None, MINE, None, GONE),
        (OLD, NEW, None, NEW, REMOVED_HERE),
    ],
)
def test_what_becomes_of_a_file(
    old: bytes | None, new: bytes | None, mine: bytes | None, stands: bytes | None, reason: str
) -> None:
    assert merged(old, new, mine) == (stands, reason)
    if reason:
        assert merged(old, new, mine, side="new") == (new, "")
        assert merged(old, new, mine, side="mine") == (mine, "")
        assert merged(old, new, mine, side="both") == (stands, reason)


def test_only_what_is_asked_of_providers_counts() -> None:
    asks = b'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws", version = "~> 5" }\n  }\n}\n'
    same = {"versions.tf": asks.replace(b"  ", b"\t"), "main.tf": b"locals {}\n", "broken.tf": b"{"}
    assert required_providers({"terraform.tf": asks}) == required_providers(same) != frozenset()
    assert required_providers({"terraform.tf": asks.replace(b"5", b"6")}) != required_providers(same)
    assert required_providers({"modules/m/versions.tf": asks.replace(b"5", b"6"), **same}) != required_providers(same)
