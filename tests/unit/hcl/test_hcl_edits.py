"""Edits change what they must, and nothing else."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackyard import hcl

FILE = """\
# Licence: none.

locals {
  # Name of the service.
  name = "api" # beside
  cpu  = 256

  service = {
    a     = 1  # one
    image = 22 # two
    env   = {}
    tags  = { "x" = 1, "y" = "z" }
    list = [
      1, # first
      2
    ]
    made = merge(var.a, { x = 1 })
    text = <<-EOT
      hello
    EOT
  }
}

module "api" {
  source = "../api"

  ingress {
    port = 80
  }
  ingress { port = 81 }
}
"""
TAGS = """    tags  = { "x" = 1, "y" = "z" }"""
INGRESS = "  ingress { port = 81 }"


def at(path: str) -> hcl.Path:
    return hcl.parse_path(path)


def changed(old: str, new: str) -> tuple[list[str], list[str]]:
    """Lines that went and lines that came."""
    gone, come = old.splitlines(), new.splitlines()
    while gone and come and gone[0] == come[0]:
        gone, come = gone[1:], come[1:]
    while gone and come and gone[-1] == come[-1]:
        gone, come = gone[:-1], come[:-1]
    return gone, come


@pytest.mark.parametrize(
    ("path", "value", "gone", "come"),
    [
        ("locals.cpu", 1024, ["  cpu  = 256"], ["  cpu  = 1024"]),
        ("locals.name", "${x}", ['  name = "api" # beside'], ['  name = "$${x}" # beside']),
        (
            "locals.service.a",
            1000,
            ["    a     = 1  # one", "    image = 22 # two"],
            ["    a     = 1000 # one", "    image = 22   # two"],
        ),
        ("locals.service.tags.y", [1], [TAGS], ["""    tags  = { "x" = 1, "y" = [1] }"""]),
        ("locals.service.tags.n", 2, [TAGS], ["""    tags  = { "x" = 1, "y" = "z", "n" = 2 }"""]),
        (
            "locals.service.env.FOO",
            "x",
            ["    env   = {}", """    tags  = { "x" = 1, "y" = "z" }"""],
            ["    env = {", '      FOO = "x"', "    }", """    tags = { "x" = 1, "y" = "z" }"""],
        ),
        ("locals.service.list[2]", 3, ["      2"], ["      2,", "      3"]),
        ("locals.service.list[0]", 7, ["      1, # first"], ["      7, # first"]),
        ("locals.service.text", "a ${b}\n", ["      hello"], ["      a $${b}"]),
        ("locals.service.text", "a", ["    text = <<-EOT", "      hello", "    EOT"], ['    text = "a"']),
        ("locals.service.new", True, [], ["    new  = true"]),
        ("locals.x.y.z", 1, [], ["  x = {", "    y = {", "      z = 1", "    }", "  }"]),
        ("module.api.cpu", 1, [], ["  cpu    = 1"]),
        ("module.api.ingress[0].port", 443, ["    port = 80"], ["    port = 443"]),
        ("module.api.ingress[1].port", 443, [INGRESS], ["  ingress { port = 443 }"]),
        ("module.api.ingress[1].to", 1, [INGRESS], ["  ingress {", "    port = 81", "    to   = 1", "  }"]),
    ],
)  # fmt: skip
def test_set(path: str, value: Any, gone: list[str], come: list[str]) -> None:
    new = hcl.File.parse(FILE).set_attribute_value(at(path), value)
    assert changed(FILE, new.text()) == (gone, come)
    assert new.get_value(at(path)) == value


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("locals.name", ["  # Name of the service.", '  name = "api" # beside', "  cpu  = 256"]),
        ("locals.service.list[0]", ["      1, # first"]),
        ("locals.service.made", ["    made = merge(var.a, { x = 1 })"]),
    ],
)
def test_remove(path: str, gone: list[str]) -> None:
    new = hcl.File.parse(FILE).remove_attribute(at(path))
    assert changed(FILE, new.text())[0] == gone
    with pytest.raises(hcl.PathNotFound):
        new.get(at("locals.name" if path == "locals.name" else "locals.service.nothing"))


def test_rename_keeps_quotes_and_alignment() -> None:
    file = (
        hcl.File.parse(FILE).rename_key(at("locals.service.image"), "i").rename_key(at("locals.service.tags.x"), "long")
    )
    assert "    a    = 1  # one\n    i    = 22 # two\n    env  = {}\n" in file.text()
    assert '{ "long" = 1, "y" = "z" }' in file.text()
    with pytest.raises(hcl.EditRefused):
        file.rename_key(at("locals.cpu"), "name")
    with pytest.raises(hcl.EditRefused):
        file.rename_key(at("locals.cpu"), "no name")


def test_blocks_come_and_go() -> None:
    file = hcl.File.parse(FILE).append_new_block("output", ["id"])
    file = file.set_attribute_raw(("output", "id", "value"), "module.api.id").append_new_block(
        "p", [], ("output", "id")
    )
    assert file.text() == FILE + '\noutput "id" {\n  value = module.api.id\n\n  p {\n  }\n}\n'
    assert file.remove_block(("output", "id")).text() == FILE
    assert "80" not in file.remove_block(("module", "api", "ingress", 0)).text()


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("locals.service.made.x", hcl.PathOpaque),
        ("locals.cpu.x", hcl.PathNotFound),
        ("locals.service.list[5]", hcl.PathNotFound),
        ("locals.service[0]", hcl.PathNotFound),
        ("module.other.x", hcl.PathNotFound),
        ("nothing.x", hcl.PathNotFound),
        ("module.api", hcl.PathNotFound),
        ("module.api.ingress.port", hcl.PathAmbiguous),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_its_reason(path: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"<text>:\d+:\d+|is a block"):
        hcl.File.parse(FILE).set_attribute_value(at(path), 1)


def test_what_is_in_the_way_is_named() -> None:
    with pytest.raises(hcl.PathOpaque, match=r"`locals.service.made` is `merge\(var.a, { x = 1 }\)` \(<text>:17:12\)"):
        hcl.File.parse(FILE).set_attribute_value(at("locals.service.made.x"), 1)


def test_both_places_of_an_ambiguous_path_are_named() -> None:
    file = hcl.File.parse("locals {\n  a = { x = 1, x = 2 }\n}\nlocals {\n  b = 1\n}\n", "l.tf")
    with pytest.raises(hcl.PathAmbiguous, match=r"l.tf:2:9 and l.tf:2:16"):
        file.set_attribute_value(at("locals.a.x"), 3)
    assert file.set_attribute_value(at("locals.b"), 2).get_value(at("locals.b")) == 2
    assert file.set_attribute_value(at("locals.new"), 2).text().endswith("  b   = 1\n  new = 2\n}\n")


def test_comments_are_not_lost_unless_forced() -> None:
    file = hcl.File.parse(FILE)
    with pytest.raises(hcl.EditRefused, match="comments"):
        file.set_attribute_value(at("locals.service.list"), [5])
    with pytest.raises(hcl.EditRefused, match="comments"):
        file.set_attribute_value(at("locals.service"), {"env": {}})
    assert file.set_attribute_value(at("locals.service"), {"env": {}}, force=True).get_value(at("locals.service")) == {
        "env": {}
    }


def test_a_map_over_a_map_touches_only_what_differs() -> None:
    file = hcl.File.parse(FILE)
    tags = file.set_attribute_value(at("locals.service.tags"), {"y": "z", "w": 3})
    assert '    tags  = { "y" = "z", "w" = 3 }\n' in tags.text()


@pytest.mark.parametrize("text", ["1\n  b = 2", "1 # c", "", "a b", "[", "${x}", "1, 2", "}"])
def test_a_raw_expression_must_be_exactly_one(text: str) -> None:
    with pytest.raises(hcl.HclSyntaxError):
        hcl.File.parse(FILE).set_attribute_raw(at("locals.cpu"), text)


def test_many_edits_are_as_if_made_one_by_one() -> None:
    edits: list[hcl.Edit] = [
        hcl.SetValue(at("locals.service.env.A"), 1),
        hcl.SetValue(at("locals.service.env.B"), 2),
        hcl.RenameKey(at("locals.cpu"), "size"),
        hcl.SetValue(at("locals.size"), 4),
        hcl.RemoveAttribute(at("locals.service.a")),
        hcl.AppendBlock("output", ("o",)),
        hcl.SetValue(at("output.o.value"), hcl.Raw("local.size")),
        hcl.SetValue(at("locals.service.list[2]"), 3),
        hcl.SetValue(at("locals.service.list[3]"), 4),
        hcl.SetValue(at("locals.k1"), 3),
        hcl.SetValue(at("locals.k2"), 3),
        hcl.SetValue(at("locals.k1"), 5),
        hcl.SetValue(at("locals.name"), {"a": 1}),
        hcl.SetValue(at("locals.name"), {"b": 1}),
        hcl.SetValue(at("locals.name.b"), 2),
        hcl.SetValue(at("locals.name"), "api"),
        hcl.RemoveBlock(at("module.api")),
    ]
    alone = hcl.File.parse(FILE)
    for edit in edits:
        alone = alone.edit([edit])
    assert hcl.File.parse(FILE).edit(edits).text() == alone.text()


def test_a_refused_edit_leaves_the_file_as_it_is() -> None:
    file = hcl.File.parse(FILE)
    with pytest.raises(hcl.PathNotFound):
        file.edit([hcl.SetValue(at("locals.cpu"), 1), hcl.SetValue(at("no.such"), 1)])
    assert file.text() == FILE


def test_the_styles_of_a_file_are_kept() -> None:
    text = '\ufefflocals {\r\n\ta = 1\r\n\to = {\r\n\t\t"k" : 1,\r\n\t\t"l" : 2,\r\n\t}\r\n}'
    new = (
        hcl.File.parse(text.encode())
        .set_attribute_value(at("locals.o.m"), {"x": 1})
        .set_attribute_value(at("locals.b"), 1)
    )
    assert new.text() == text.replace('"l" : 2,\r\n', '"l" : 2,\r\n\t\t"m" : {\r\n\t\t  x = 1\r\n\t\t},\r\n').replace(
        "\t}\r\n}", "\t}\r\n\tb = 1\r\n}"
    )


def test_a_group_that_was_not_aligned_is_left_alone() -> None:
    text = "a = 1\nbbb = 2\ncc   = 3\n"
    assert hcl.File.parse(text).set_attribute_value(("a",), 5).text() == text.replace("1", "5")


NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=6)
TREES = st.dictionaries(NAMES, st.recursive(st.integers(0, 99) | NAMES, lambda v: st.dictionaries(NAMES, v, max_size=3) | st.lists(v, max_size=3), max_leaves=8), min_size=1, max_size=4)  # fmt: skip  # noqa: E501


def paths(value: Any, base: hcl.Path) -> list[hcl.Path]:
    found: list[hcl.Path] = [base]
    if isinstance(value, dict):
        found += [path for key, item in value.items() for path in paths(item, (*base, key))]
    if isinstance(value, list):
        found += [path for index, item in enumerate(value) for path in paths(item, (*base, index))]
    return found


def put(tree: Any, path: hcl.Path, value: Any) -> Any:
    """The same edit on Python values."""
    if not path:
        return value
    head, *rest = path
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[head] = put(copy[head], tuple(rest), value)  # type: ignore[index]
    return copy


@given(TREES, st.data())
def test_edits_mean_what_they_say_and_keep_the_layout(tree: dict[str, Any], data: st.DataObject) -> None:
    file = hcl.File.parse("".join(f"{key} = {hcl.tokens_for_value(value)}\n" for key, value in tree.items()))
    file = hcl.File.parse(hcl.format(file.text()))
    every = [path for key, value in tree.items() for path in paths(value, (key,))]
    path = data.draw(st.sampled_from(every))
    value = data.draw(st.one_of(st.integers(), NAMES, TREES, st.lists(NAMES, max_size=2)))
    assert file.set_attribute_value(path, file.get_value(path)) is file
    new = file.set_attribute_value(path, value)
    expected = put(tree, path, value)
    assert {name.name: name.expr.value for name in new.body.attributes} == expected
    assert hcl.format(new.text()) == new.text()
    assert new.set_attribute_value(path, file.get_value(path)).body.attribute(str(path[0])) is not None
    removed = new.remove_attribute(path)
    assert hcl.format(removed.text()) == removed.text()
