"""Our parser and values beside HashiCorp's own library, driven by a small Go program."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reference

from stackyard import hcl

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not reference.available(), reason=reference.MISSING),
]
PROJECT = Path(__file__).parents[3]
NASTY = """\
a = <<-E
  x ${y} %{ if z }w%{ endif }
  E
b "l" m { c = 1 }
d { e = [1, -2.5e3, "s$${x}", true ? 1 : f(x...), x.*.y[0], x[*].z] }
g = { h : 1, "i" = null, (j) = [for k, v in m : v if !n], "o${p}" = {for q in r : q => q...} }
# c
s = "a\\n\\u00e9 ${~ t ~} %%{" // d
/* e */ u = x.0.y % 2 >= 3 && !z || (1 + 2) /* f */
"""
PIECES = [
    *'{}[]()",=:.!-+~\\?|<>;@$%\n\r\t é\u2028\x00\ufeff',
    *("${", "%{", "#", "//", "/*", "*/", "<<E\n", "<<-E\nE\n", "...", "=>", "==", " for ", " in ", " if ", "\r\n"),
    *("1", "1.5e3", "x", "[*]", "null", "%{ if x }", "%{ endif }", "$$", "E\n", "&&"),
]


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = reference.build(tmp_path_factory.mktemp("reference"))
    assert built is not None
    return built


def own_files() -> list[Path]:
    """The Terraform code of this project."""
    return sorted(p for d in ("patterns", "modules", "baseline") for p in (PROJECT / d).rglob("*.tf"))


def spans(file: hcl.File) -> list[tuple[Any, ...]]:
    """What the reference program reports, from our tree."""
    found: list[tuple[Any, ...]] = []

    def add(
        path: str, node: hcl.Expression | hcl.Attribute | hcl.Block | hcl.ObjectItem, value: Any, kind: str
    ) -> None:
        start, end = node.range.start, node.range.end
        found.append((path, start.byte, end.byte, value.start.byte, value.end.byte, start.line, start.column, kind))

    def kind(expr: hcl.Expression) -> str:
        return {hcl.ObjectCons: "object", hcl.TupleCons: "tuple"}.get(type(expr), "other")

    def below(path: str, expr: hcl.Expression) -> Iterator[None]:
        if isinstance(expr, hcl.TupleCons):
            for index, element in enumerate(expr.items):
                add(f"{path}[{index}]", element, element.range, kind(element))
                yield from below(f"{path}[{index}]", element)
        if isinstance(expr, hcl.ObjectCons):
            for index, item in enumerate(expr.items):
                add(f"{path}{{{index}}}", item, item.expr.range, kind(item.expr))
                yield from below(f"{path}{{{index}}}", item.expr)

    def walk(path: str, body: hcl.Body) -> None:
        for attribute in body.attributes:
            add(path + attribute.name, attribute, attribute.expr.range, kind(attribute.expr))
            list(below(path + attribute.name, attribute.expr))
        for index, block in enumerate(body.blocks):
            name = "|".join([f"{path}{block.type}#{index}", *block.labels])
            opening = file.source.pos(block.body.start - 1)
            add(name, block, hcl.Range(opening, block.range.end), "block")
            walk(f"{name}/", block.body)

    walk("", file.body)
    return sorted(found, key=lambda span: (span[1], span[0]))


def test_every_item_of_our_own_files_is_where_the_reference_says(program: Path) -> None:
    files = own_files()
    assert files
    for path, answer in zip(files, reference.ask(program, "tree", map(str, files)), strict=True):
        keys = ("Path", "Start", "End", "ExprStart", "ExprEnd", "Line", "Column", "Kind")
        assert answer["Ok"], path
        assert spans(hcl.File.parse(path.read_bytes())) == [
            tuple(item[k] for k in keys) for item in answer["Items"] or []
        ]


def mutated(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice([1, 1, 2, 3])):
        at = chance.randrange(len(text) + 1)
        other = chance.randrange(len(text) + 1)
        text = chance.choice(
            [
                text[:at] + text[at + chance.randrange(1, 8) :],
                text[:at] + chance.choice(PIECES) + text[at:],
                text[:at] + chance.choice(PIECES) + text[at + 1 :],
                text[:at] + text[other : other + chance.randrange(1, 12)] + text[at:],
            ]
        )
    return text


@pytest.mark.parametrize("seed", range(3))
def test_mutated_files_are_accepted_or_refused_as_the_reference_does(program: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    bases = [NASTY, NASTY, *(path.read_text() for path in own_files())]
    texts = [mutated(chance.choice(bases)[:3000], chance) for _ in range(1500)]
    names = []
    for number, text in enumerate(texts):
        names.append(str(tmp_path / f"{number}.tf"))
        Path(names[-1]).write_bytes(text.encode())
    answers = [answer["Ok"] for answer in reference.ask(program, "tree", names)]
    assert 100 < sum(answers) < 1400
    # Functions of providers are newer than the packaged library; carriage returns doubled after `$` are its own quirk.
    differ = [
        text
        for text, theirs in zip(texts, answers, strict=True)
        if _accepted(text) != theirs and "::" not in text and "\r\r" not in text
    ]
    assert differ == []


def _accepted(text: str) -> bool:
    try:
        hcl.File.parse(text)
    except hcl.HclSyntaxError:
        return False
    return True


def test_values_are_what_the_reference_says(program: Path) -> None:
    chance = random.Random(7)  # noqa: S311
    quoted = [
        "a",
        "$",
        "%",
        "{",
        "}",
        "$${",
        "%%{",
        "\\n",
        '\\"',
        "\\\\",
        "\\u00e9",
        "é",
        "e\u0301",
        "\u2028",
        "~",
        "日本",
    ]
    lines = [
        "a",
        "  b",
        "\t",
        "$",
        "%",
        "$${",
        "\\n",
        '"',
        "\n",
        "\n  ",
        "é",
        "e\u0301",
        "E",
        "\r\n",
        "\n\n",
        "\u2028",
        "\xa0",
    ]
    texts = [f'"{"".join(chance.choices(quoted, k=chance.randrange(8)))}"' for _ in range(1000)]
    for _ in range(2000):
        body = "".join(chance.choices(lines, k=chance.randrange(12)))
        texts.append(f"{chance.choice(['<<E', '<<-E'])}\n{body}{chance.choice(['', '  '])}\nE\n")
    compared = 0
    for text, answer in zip(texts, reference.ask(program, "value", map(json.dumps, texts)), strict=True):
        if "Value" in answer and "\r\r" not in text:
            node = hcl.File.parse(f"a = {text}\n").get(("a",))
            if node.is_constant:
                assert node.value == answer["Value"], text
                compared += 1
    assert compared > 2000


def test_what_we_write_means_the_same_to_the_reference(program: Path) -> None:
    values: list[Any] = [
        "${x}",
        "%{if}",
        "$${",
        "\x00\u202e\u2028",
        'q"\\\n\r\t',
        "e\u0301",
        10**40,
        -1.5e-9,
        0.1,
        True,
        None,
    ]
    values += [{"for": 1, "a b": [1, {"null": {}}], "c": []}]
    texts = [hcl.tokens_for_value(value) for value in values]
    answers = reference.ask(program, "value", map(json.dumps, texts))
    assert [answer["Value"] for answer in answers] == [*values[:5], "é", *values[6:]]
