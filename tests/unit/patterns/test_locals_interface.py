"""Parameters out of `locals.tf`: what each constant yields, and what annotations and pattern.yaml make of it."""

from pathlib import Path

import pytest
from tests.unit.patterns.folders import locals_pattern

from stackyard.errors import Unusable

TEXT = """locals {
  # Filled.
  name = "x"

  container = {
    # Processing power.
    # @title CPU @unit units @enum [256, 512]
    cpu = 256
    port = 8080 # Where it listens.

    # Names and values.
    environment = {}
    command     = ["run"]
    hosts       = [{ name = "a" }]
    debug       = false
    image       = "img:${local.tag}"
  }

  tag = "v1"
}
"""


def test_every_constant_leaf_is_a_parameter(tmp_path: Path) -> None:
    pattern = locals_pattern(tmp_path, TEXT, "fills: {name: environment.name}\n")
    assert [(p.path, p.kind, p.default, p.group) for p in pattern.parameters] == [
        ("container.cpu", "number", 256, "container"),
        ("container.port", "number", 8080, "container"),
        ("container.environment", "map", {}, "container"),
        ("container.command", "list", ["run"], "container"),
        ("container.hosts", "list", [{"name": "a"}], "container"),
        ("container.debug", "bool", False, "container"),
        ("tag", "string", "v1", ""),
    ]
    cpu, port = pattern.parameters[:2]
    assert (cpu.description, cpu.title, cpu.unit, cpu.enum) == ("Processing power.", "CPU", "units", (256, 512))
    assert port.description == "Where it listens."
    assert [cpu.check(512), cpu.check(300), cpu.check(True)] == [None, "Choose one of 256, 512.", "Must be a number."]


def test_the_overlay_wins_over_annotations_key_by_key(tmp_path: Path) -> None:
    manifest = "parameters:\n  container.cpu:\n    title: Power\n    advanced: true\n"
    cpu = next(p for p in locals_pattern(tmp_path, TEXT, manifest).parameters if p.path == "container.cpu")
    assert (cpu.title, cpu.advanced, cpu.unit, cpu.enum) == ("Power", True, "units", (256, 512))


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ("@minimum 1", "small/locals.tf:2: There is no annotation @minimum"),
        ("@min one", "small/locals.tf:2: @min: Input should be a valid number"),
        ("@min", "small/locals.tf:2: @min needs a value"),
        ("@hidden yes", "small/locals.tf:2: @hidden stands alone"),
        ("@enum [1", "small/locals.tf:2: @enum: '[1' is not a value"),
        ("@min 5 @max 2", "small/locals.tf:2: cpu: `min` is larger than `max`"),
        ("@pattern a+", "small/locals.tf:2: cpu: `pattern` does not go with a number"),
        ("@depends_on {other: true}", "small/locals.tf:2: cpu: `depends_on` names 'other'"),
        ('@enum ["a"]', "small/locals.tf:2: cpu: `enum` holds 'a', which is no number"),
    ],
)
def test_a_wrong_annotation_is_told_with_its_line(tmp_path: Path, annotation: str, said: str) -> None:
    with pytest.raises(Unusable) as refused:
        locals_pattern(tmp_path, f"locals {{\n  # {annotation}\n  # More.\n  cpu = 1\n}}\n")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("parameters:\n  cpu: {}\n  cpuu: {title: x}\n", "small/pattern.yaml:7: parameters: 'cpuu' cannot be set"),
        ("parameters:\n  cpu:\n    titel: x\n", "small/pattern.yaml:7: parameters.cpu.titel: Extra inputs"),
        ("fills:\n  vpc: sandbox.vpc_id\n", "small/pattern.yaml:6: fills: 'vpc' is not in small/locals.tf"),
        ("fils: {}\n", "small/pattern.yaml:5: fils: Extra inputs"),
        ("parameters:\n  cpu:\n    pattern: x\n", "small/pattern.yaml:7: cpu: `pattern` does not go with a number"),
        ("replaces: [provider.aws]\n", "small/pattern.yaml:5: replaces: there is no 'provider.aws'"),
    ],
)
def test_a_wrong_manifest_is_told_with_its_line(tmp_path: Path, manifest: str, said: str) -> None:
    with pytest.raises(Unusable) as refused:
        locals_pattern(tmp_path, "locals {\n  cpu = 1\n}\n", manifest)
    assert said in refused.value.message


def test_several_annotations_in_a_line_and_a_pattern_to_its_end(tmp_path: Path) -> None:
    text = 'locals {\n  # Host.\n  # @advanced @title Host name\n  # @pattern [a-z]+ @[a-z]+\n  host = "a @b"\n}\n'
    (host,) = locals_pattern(tmp_path, text).parameters
    assert (host.description, host.advanced, host.title, host.pattern) == (
        "Host.",
        True,
        "Host name",
        "[a-z]+ @[a-z]+",
    )
