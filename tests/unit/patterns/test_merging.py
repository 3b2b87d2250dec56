"""A newer version of a pattern takes nothing away that somebody set, and hides nothing that has to be decided."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard import hcl
from stackyard.patterns.merging import BOTH_ADDED, BOTH_CHANGED, GONE, OTHER_KIND, REMOVED_HERE, Merged, merge
from stackyard.patterns.parameters import FIXED, Parameter

OLD = """\
locals {
  name = "filled"

  container = {
    # How much.
    cpu = 256

    memory      = 512
    environment = { MODE = "prod", LEVEL = "info" }
  }

  alarms = {
    enabled = true
    email   = ""
  }
}
"""
NEW = """\
# Version 2.
locals {
  name = "filled"

  # Comes before the container.
  tracing = false

  container = {
    # How much of the processor.
    cpu         = 512
    memory      = 512
    environment = { MODE = "prod", LEVEL = "warn" }
  }
}
"""


def merged(mine: str, old: str = OLD, new: str = NEW, **more: Any) -> Merged:
    return merge(old.encode(), new.encode(), mine.encode(), "locals.tf", **more)


def value(found: Merged, path: str) -> Any:
    return hcl.File.parse(found.text).get_value(("locals", *hcl.parse_path(path)))


def test_what_nobody_set_follows_the_new_version_to_the_byte() -> None:
    found = merged(OLD)
    assert (found.text.decode(), found.kept, found.conflicts) == (NEW, (), ())


def test_what_was_set_stands_in_the_new_text_among_its_comments() -> None:
    found = merged(OLD.replace("memory      = 512", "memory = 1024").replace("{ MODE", '{ KEY = "x", MODE'))
    assert not found.conflicts
    assert {k.path: k.mine for k in found.kept} == {"container.memory": "1024", "container.environment.KEY": '"x"'}
    assert value(found, "container.environment") == {"KEY": "x", "MODE": "prod", "LEVEL": "warn"}
    assert value(found, "container.cpu") == 512
    assert "# How much of the processor." in found.text.decode()
    assert hcl.format(found.text.decode()) == found.text.decode()


def test_expressions_and_locals_of_ones_own_go_on_as_they_are_written() -> None:
    mine = OLD.replace("memory      = 512", "memory = 2 * local.half").replace(
        "locals {", "locals {\n  half = 256\n", 1
    )
    found = merged(mine)
    assert not found.conflicts
    text = found.text.decode()
    assert "= 2 * local.half" in text
    assert value(found, "half") == 256


def test_the_same_change_on_both_sides_is_none() -> None:
    found = merged(OLD.replace("cpu = 256", "cpu = 512"))
    assert (found.text.decode(), found.kept, found.conflicts) == (NEW, (), ())


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        (("cpu = 256", "cpu = 1024"), "container.cpu", BOTH_CHANGED),
        (("cpu = 256", 'cpu = "many"'), "container.cpu", BOTH_CHANGED),
        ((', LEVEL = "info"', ""), "container.environment.LEVEL", REMOVED_HERE),
        (('email   = ""', 'email = "a@b"'), "alarms.email", GONE),
        (("enabled = true", "enabled = true\n    more = 1"), "alarms.more", GONE),
        (('  name = "filled"', '  name = "filled"\n  tracing = 1'), "tracing", BOTH_ADDED),
    ],
)
def test_what_cannot_be_decided_is_a_conflict_and_the_new_version_stands(
    change: tuple[str, str], path: str, reason: str
) -> None:
    assert change[0] in OLD
    mine = OLD.replace(*change)
    found = merged(mine)
    assert [(c.path, c.reason) for c in found.conflicts] == [(path, reason)]
    assert found.text.decode() == NEW
    taken = merged(mine, take={path: "new"})
    assert (taken.text, taken.conflicts) == (found.text, ())
    if reason == GONE:
        assert found.conflicts[0].choices == ("new",)
        assert merged(mine, take={path: "mine"}).conflicts == found.conflicts, "nothing would read it"
    else:
        taken = merged(mine, take={path: "mine"})
        assert not taken.conflicts
        assert taken.text != found.text


def test_another_kind_of_thing_is_a_conflict() -> None:
    new = NEW.replace("memory      = 512", "memory = { soft = 1, hard = 2 }")
    (conflict,) = merged(OLD.replace("memory      = 512", "memory = 1024"), new=new).conflicts
    assert (conflict.path, conflict.reason) == ("container.memory", OTHER_KIND)
    assert (conflict.old, conflict.new, conflict.mine) == ("512", "{ soft = 1, hard = 2 }", "1024")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"max": 900}, "Must be at most 900."),
        ({"enum": (512,)}, "Choose one of 512."),
        ({"locked": True}, FIXED),
        ({"kind": "string"}, "Must be text."),
    ],
)
def test_a_value_that_the_new_version_refuses_can_only_be_given_up(rule: Mapping[str, Any], reason: str) -> None:
    mine = OLD.replace("memory      = 512", "memory = 1024")
    parameter = Parameter(**{"path": "container.memory", "kind": "number", "default": 512, **rule})
    found = merged(mine, parameters=[parameter], take={"container.memory": "mine"})
    (conflict,) = found.conflicts
    assert (conflict.path, conflict.mine, conflict.new, conflict.choices) == (
        "container.memory",
        "1024",
        "512",
        ("new",),
    )
    assert conflict.reason == reason
    assert found.text.decode() == NEW
    assert not found.kept
    assert not merged(mine, parameters=[parameter], take={"container.memory": "new"}).conflicts
    assert not merged(OLD, parameters=[parameter]).conflicts, "what nobody set is the new version's own business"


def test_a_map_with_one_wrong_entry_is_one_conflict() -> None:
    parameter = Parameter(path="container.environment", kind="map", default={})
    mine = OLD.replace('{ MODE = "prod"', '{ A = [[1]], B = "2", MODE = "prod"')
    found = merged(mine, parameters=[parameter])
    (conflict,) = found.conflicts
    assert conflict.path == "container.environment"
    assert "[[1]]" in conflict.mine
    assert value(found, "container.environment") == {"MODE": "prod", "LEVEL": "warn"}


def test_what_is_filled_is_left_to_whoever_fills_it() -> None:
    found = merged(OLD.replace('"filled"', '"shop-dev"'), filled={"name"})
    assert (found.kept, found.conflicts) == ((), ())
    assert value(found, "name") == "filled"


def test_a_file_of_values_is_merged_without_a_room() -> None:
    found = merge(b"a = 1\nb = 2\n", b"a = 1\nb = 3\nc = 4\n", b"a = 9\nb = 2\n", "x.tfvars", room="")
    assert (found.text, found.conflicts) == (b"a = 9\nb = 3\nc = 4\n", ())


def test_blocks_beside_the_locals_go_on_or_are_decided() -> None:
    block = 'data "aws_region" "here" {\n}\n'
    found = merged(OLD + block)
    assert found.text.decode() == f"{NEW}\n{block}"
    assert [k.path for k in found.kept] == ["data.aws_region.here"]
    mine = OLD + block.replace("{\n", '{\n  name = "x"\n')
    (conflict,) = merged(mine, new=NEW + block).conflicts
    assert (conflict.path, conflict.reason) == ("data.aws_region.here", BOTH_ADDED)
    taken = merged(mine, new=NEW + block, take={"data.aws_region.here": "mine"})
    assert 'name = "x"' in taken.text.decode()
    assert not taken.conflicts


SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), st.sampled_from(["", "a", "${b}", "é\n"]), st.just([1, "x"]))
TREES = st.recursive(
    SCALARS, lambda below: st.dictionaries(st.sampled_from(["a", "b", "c-d", "e.f"]), below), max_leaves=8
)
LOCALS = st.dictionaries(st.sampled_from(["k", "l", "m", "n"]), TREES, max_size=4)


def text_of(tree: Mapping[str, Any]) -> str:
    return hcl.format("locals {\n" + "".join(f"{k} = {hcl.tokens_for_value(v)}\n" for k, v in tree.items()) + "}\n")


def values_of(text: bytes) -> dict[str, Any]:
    (block,) = hcl.File.parse(text).body.blocks
    return {a.name: a.expr.value for a in block.body.attributes}


def flat(tree: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every leaf, and every map with nothing in it, by path."""
    if not isinstance(tree, dict) or not tree:
        return {path: (type(tree), tree)}
    return {p: v for key, below in tree.items() for p, v in flat(below, (*path, key)).items()}


@given(LOCALS, LOCALS)
def test_always_without_a_change_of_ones_own_the_new_version_comes(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = merged(text_of(old), text_of(old), text_of(new))
    assert (found.text.decode(), found.kept, found.conflicts) == (text_of(new), (), ())


@given(LOCALS, LOCALS)
def test_always_without_a_new_version_all_stays_as_it_was_set(old: dict[str, Any], mine: dict[str, Any]) -> None:
    found = merged(text_of(mine), text_of(old), text_of(old))
    assert not found.conflicts
    assert flat(values_of(found.text)) == flat(values_of(text_of(mine).encode()))


@given(LOCALS, LOCALS, LOCALS)
def test_always_every_leaf_that_was_set_stands_or_is_a_conflict(
    old: dict[str, Any], new: dict[str, Any], mine: dict[str, Any]
) -> None:
    found = merged(text_of(mine), text_of(old), text_of(new))
    before, after = flat(old), flat(values_of(found.text))
    open_ones = [hcl.parse_path(c.path) for c in found.conflicts]
    for path, leaf in flat(mine).items():
        if before.get(path) != leaf and path:
            decided = any(path[: len(c)] == c or c[: len(path)] == path for c in open_ones)
            # A map that was emptied means that its entries went; the new version may have brought others.
            assert decided or after.get(path) == leaf or leaf[1] == {}, path
    for side in ("mine", "new"):
        again = merged(text_of(mine), text_of(old), text_of(new), take={c.path: side for c in found.conflicts})
        assert all(side not in c.choices for c in again.conflicts)
        if side == "new":
            assert again.text == found.text
