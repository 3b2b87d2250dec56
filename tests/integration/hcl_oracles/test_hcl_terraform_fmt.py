"""What `terraform fmt` leaves alone stays so after every kind of edit."""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stackyard import hcl

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(shutil.which("terraform") is None, reason="needs terraform on PATH"),
]
PROJECT = Path(__file__).parents[3]
NASTY = """\
a      = "é"  # a
ffffff = "日本" # b
x = {
  a   = 1     # one
  bcd = 22222 # two

  e = { # opening
    f = 1
    g = [
      1, # first
      22
    ]
  }
  t    = <<-EOT
    text
  EOT
  long = [for i in y : { k = i }]
  c : 1
  (d) = 2
  m   = merge({ z = 1 }, y) # end
}

y { a = 1 }
z {}
w "l" {
  # only a comment
}
v {
  a = 1
  b { c = 1 }
  dddd = 2
}
"""
VALUES: list[Any] = [
    "x",
    1,
    123456789,
    ["a"],
    {"a": 1, "bbb": [1]},
    {},
    "much longer than before ${x}",
    None,
    [{"a": 1}],
    [],
]
# Of the project's own files some edits are tried, of the nasty one all of them.
SHARE = 0.1


def unformatted(folder: Path) -> list[str]:
    """Names of the files that `terraform fmt` would change."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TF_")}
    argv = ["terraform", "fmt", "-check", "-no-color", "."]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.split()


def places(file: hcl.File) -> Iterator[tuple[hcl.Path, hcl.Expression]]:
    def below(path: hcl.Path, expr: hcl.Expression) -> Iterator[tuple[hcl.Path, hcl.Expression]]:
        yield path, expr
        if isinstance(expr, hcl.ObjectCons):
            for item in expr.items:
                if item.key is not None:
                    yield from below((*path, item.key), item.expr)
        if isinstance(expr, hcl.TupleCons):
            for index, element in enumerate(expr.items):
                yield from below((*path, index), element)

    for path, attribute in file.attributes():
        yield from below(path, attribute.expr)


def edits(file: hcl.File, chance: random.Random) -> Iterator[hcl.Edit]:
    for path, expr in places(file):
        yield hcl.SetValue(path, chance.choice(VALUES), force=True)
        yield hcl.RemoveAttribute(path)
        last = path[-1]
        if isinstance(last, str):
            yield hcl.RenameKey(path, "renamed" + "x" * chance.randrange(9))
            yield hcl.SetValue((*path[:-1], "added" + "x" * chance.randrange(9)), chance.choice(VALUES))
        if isinstance(expr, hcl.ObjectCons):
            yield hcl.SetValue((*path, "inside"), chance.choice(VALUES))
        if isinstance(expr, hcl.TupleCons):
            yield hcl.SetValue((*path, len(expr.items)), chance.choice(VALUES))
    for block in file.body.blocks:
        yield hcl.AppendBlock("new", ("a", "b"), (block.type, *block.labels))
        yield hcl.RemoveBlock((block.type, *block.labels))


def test_files_stay_formatted_after_every_edit(tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311
    texts = [NASTY, *(p.read_text() for d in ("patterns", "modules", "baseline") for p in (PROJECT / d).rglob("*.tf"))]
    made: dict[str, hcl.Edit] = {}
    for number, text in enumerate(texts):
        (tmp_path / f"{number}-0.tf").write_text(text)
        file = hcl.File.parse(text)
        for edit in edits(file, chance):
            if number and chance.random() > SHARE:
                continue
            try:
                new = file.edit([edit])
            except hcl.PathAmbiguous:
                continue
            name = f"{number}-{len(made) + 1}.tf"
            made[name] = edit
            (tmp_path / name).write_bytes(new.bytes())
    changed = unformatted(tmp_path)
    before = {name.split("-")[0] for name in changed if name.endswith("-0.tf")}
    assert "0" not in before
    assert len(made) > 300
    assert {name: made[name] for name in changed if name in made and name.split("-")[0] not in before} == {}


def test_what_the_formatter_writes_terraform_leaves_alone(tmp_path: Path) -> None:
    text = 'locals {\na=1\n  bbb = {\nc   = 1 # x\n dd = [\n1,\n]\n}\n   e = "${x}y"   \n}\n\n\nb "l"   {\n}\n'
    (tmp_path / "a.tf").write_text(hcl.format(text))
    (tmp_path / "b.tf").write_text(
        f"a = {hcl.tokens_for_value({'a': 1, 'long': [{'x': {}}, {'yy': [1], 'z': 2}], 'é': 3})}\n"
    )
    assert unformatted(tmp_path) == []
