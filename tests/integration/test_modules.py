"""Our Terraform is formatted, documented, valid with AWS provider 3.39 and, by its schema, with provider 6.

The schema of provider 6 lies beside this file; make_aws_provider_6.py takes it out of published bindings.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stackyard.patterns.manifest import read_manifest
from stackyard.terraform.providers import provider_mirror, write_cli_config

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = sorted(path.parent for path in ROOT.glob("patterns/*/pattern.yaml"))
MODULES = sorted(path.parent for path in ROOT.glob("modules/*/versions.tf"))
BASELINE = ROOT / "baseline"
PIPELINE = ROOT / "pipeline" / "aws"
FOLDERS = [*PATTERNS, *MODULES, BASELINE, PIPELINE]
FILES = sorted(file for folder in FOLDERS for file in folder.glob("*.tf"))
PROVIDER_6 = json.loads(Path(__file__).with_name("aws_provider_6.json").read_text())

# What Terraform itself understands in every resource, whatever the provider.
META_ARGUMENTS = {"count", "for_each", "provider", "depends_on"}
META_BLOCKS = {"lifecycle", "connection", "provisioner"}

terraform = shutil.which("terraform") or shutil.which("tofu") or ""
needs_terraform = pytest.mark.skipif(not terraform, reason="needs `terraform` or `tofu` on PATH")


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


# A reader for formatted Terraform: enough to know which arguments and blocks a resource has


@dataclass
class Block:
    """A block with the names of its arguments; `dynamic "x" { content { } }` counts as a block `x`."""

    type: str
    labels: list[str]
    arguments: list[str] = field(default_factory=list)
    blocks: list["Block"] = field(default_factory=list)


OPENING = re.compile(r'^(\w+)((?: "[^"]*")*) \{(\})?$')
ARGUMENT = re.compile(r"^(\w+)\s+= (.*)$")


def code_lines(text: str) -> Iterator[str]:
    """Lines without comments and indentation; strings after an equals sign emptied, so that brackets can be counted."""
    for line in map(str.strip, text.splitlines()):
        code = re.sub(r'"(?:[^"\\$]|\\.|\$(?!\{))*"', '""', line) if "= " in line else line
        yield re.sub(r"\s*(#|//).*$", "", code)


def read_blocks(text: str) -> list[Block]:
    """The blocks of a formatted file."""
    root = Block("", [])
    open_blocks, depth = [root], 0
    for line in code_lines(text):
        if depth == 0 and (opening := OPENING.match(line)):
            block = Block(opening[1], re.findall(r'"([^"]*)"', opening[2]))
            open_blocks[-1].blocks.append(block)
            if not opening[3]:
                open_blocks.append(block)
        elif depth == 0 and line == "}":
            open_blocks.pop()
        else:
            if depth == 0 and (argument := ARGUMENT.match(line)):
                open_blocks[-1].arguments.append(argument[1])
            depth += sum(line.count(c) for c in "([{") - sum(line.count(c) for c in ")]}")
        assert depth >= 0, line
    assert open_blocks == [root], "the file is not formatted"
    return root.blocks


def nested(block: Block) -> Iterator[tuple[str, Block]]:
    """The blocks in a block by their name, dynamic ones by what they make."""
    for inner in block.blocks:
        if inner.type == "dynamic":
            yield inner.labels[0], next(content for content in inner.blocks if content.type == "content")
        elif inner.type not in META_BLOCKS:
            yield inner.type, inner


# Provider 6


def unknown_names(block: Block, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """Every argument and nested block that provider 6 does not know."""
    for name in block.arguments:
        if name not in schema and name not in META_ARGUMENTS:
            yield f"{where}.{name}"
    for name, inner in nested(block):
        if schema.get(name) is None:
            yield f"{where}.{name} {{}}"
        elif schema[name] != "any":  # the bindings do not say what is in it
            yield from unknown_names(inner, schema[name], f"{where}.{name}")


def complaints(file: Path) -> list[str]:
    """What provider 6 would say about one file."""
    found = []
    text = file.read_text()
    for block in read_blocks(text):
        if block.type not in {"resource", "data"} or not block.labels[0].startswith("aws_"):
            continue
        name = block.labels[0]
        schema = PROVIDER_6[block.type].get(name)
        if schema is None:
            found.append(f"{name}: not in {PROVIDER_6['provider']}, or new here: run make_aws_provider_6.py")
            continue
        given = {*block.arguments, *(inner for inner, _ in nested(block))}
        found += unknown_names(block, schema["arguments"], name)
        found += [f"{name}.{missing} is required" for missing in schema["required"] if missing not in given]
        found += [f"{name}.{old} {schema['deprecated'][old]}" for old in given & set(schema["deprecated"])]
    for kind, name, attribute in re.findall(r"\b(data\.)?(aws_\w+)\.\w+(?:\[[^\]]*\])?\.(\w+)", text):
        schema = PROVIDER_6["data" if kind else "resource"].get(
            name, {"arguments": {}, "computed": [], "deprecated": {}}
        )
        if attribute not in schema["arguments"] and attribute not in schema["computed"]:
            found.append(f"{kind}{name} has no attribute {attribute}")
        if attribute in schema["deprecated"]:
            found.append(f"{kind}{name}.{attribute} {schema['deprecated'][attribute]}")
    return found


@pytest.mark.parametrize("file", FILES, ids=by_name)
def test_every_name_is_known_and_not_deprecated_in_provider_6(file: Path) -> None:
    assert complaints(file) == []


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ('resource "aws_eip" "a" {\n  vpc = true\n}\n', "aws_eip.vpc"),
        (
            'resource "aws_s3_bucket" "a" {\n  versioning {\n    enabled = true\n  }\n}\n',
            "aws_s3_bucket.versioning versioning is deprecated. Use the s3.BucketVersioning resource instead.",
        ),
        (
            'resource "aws_lb_listener" "a" {\n  load_balancer_arn = "x"\n}\n',
            "aws_lb_listener.default_action is required",
        ),
        (
            "locals {\n  region = data.aws_region.current.name\n}\n",
            "data.aws_region.name name is deprecated. Use region instead.",
        ),
        (
            'resource "aws_ecs_service" "a" {\n  name = "x"\n\n  dynamic "load_balancer" {\n    for_each = []\n\n'
            "    content {\n      port = 1\n    }\n  }\n}\n",
            "aws_ecs_service.load_balancer.port",
        ),
    ],
)
def test_the_check_finds_what_provider_6_refuses(tmp_path: Path, code: str, complaint: str) -> None:
    file = tmp_path / "main.tf"
    file.write_text(code)

    assert complaint in complaints(file)


def test_the_reader_sees_every_line_of_a_block() -> None:
    text = (
        'resource "aws_x" "a" {\n  count = 1\n\n  list = [\n    { a = "}" },\n  ]\n\n  # comment {\n  lifecycle {\n'
        "    ignore_changes = [list] # x\n  }\n\n  none {}\n}\n"
    )

    (block,) = read_blocks(text)

    assert block.labels == ["aws_x", "a"]
    assert block.arguments == ["count", "list"]
    assert [inner.type for inner in block.blocks] == ["lifecycle", "none"]


# Provider 3.39


@pytest.fixture(scope="module")
def cli_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLI configuration that finds provider 3.39 and nothing else."""
    folder = tmp_path_factory.mktemp("terraform")
    return write_cli_config(folder / "terraformrc", provider_mirror(folder / "mirror"))


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Terraform in a folder, with an environment of its own."""
    return subprocess.run(
        [terraform, *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )


@needs_terraform
def test_everything_is_formatted() -> None:
    for folder in ("modules", "patterns", "baseline", "pipeline"):
        result = run(ROOT, "fmt", "-check", "-recursive", folder)
        assert result.returncode == 0, f"run `terraform fmt -recursive {folder}`: {result.stdout}"


@needs_terraform
@pytest.mark.parametrize("folder", [*PATTERNS, BASELINE, PIPELINE], ids=by_name)
def test_valid_with_provider_3(folder: Path, cli_config: Path, tmp_path: Path) -> None:
    """As the folder lies there, with the defaults of its own interface."""
    copy = tmp_path / folder.relative_to(ROOT)
    shutil.copytree(folder, copy)
    shutil.copytree(ROOT / "modules", tmp_path / "modules")
    aliases = {
        alias for file in copy.glob("*.tf") for alias in re.findall(r"\baws\.(\w+)$", file.read_text(), re.MULTILINE)
    }
    blocks = ["", *(f'  alias  = "{alias}"\n' for alias in sorted(aliases))]
    if folder != PIPELINE:  # which is no pattern: it is applied as it is
        text = "\n".join(f'provider "aws" {{\n{b}  region = "eu-west-1"\n}}\n' for b in blocks)
        (copy / "providers.tf").write_text(text)

    started = run(copy, "init", "-backend=false", "-no-color", TF_CLI_CONFIG_FILE=str(cli_config))
    assert started.returncode == 0, started.stderr

    checked = run(copy, "validate", "-json", TF_CLI_CONFIG_FILE=str(cli_config))
    result = json.loads(checked.stdout)
    assert result["valid"], [d["summary"] + ": " + d.get("detail", "") for d in result["diagnostics"]]
    assert result["warning_count"] == 0, result["diagnostics"]


# What belongs to each


def blocks_of(folder: Path, kind: str) -> dict[str, Block]:
    files = [read_blocks(file.read_text()) for file in sorted(folder.glob("*.tf"))]
    return {block.labels[0]: block for blocks in files for block in blocks if block.type == kind}


@pytest.mark.parametrize("folder", MODULES, ids=by_name)
def test_a_module_is_typed_and_its_readme_names_all_of_it(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    variables, outputs = blocks_of(folder, "variable"), blocks_of(folder, "output")

    assert outputs
    assert [n for n, b in variables.items() if not {"description", "type"} <= set(b.arguments)] == []
    assert [n for n, b in outputs.items() if "description" not in b.arguments] == []
    listed = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)
    assert listed == [*variables, *outputs]
    assert f'source = "../../modules/{folder.name}"' in readme


@pytest.mark.parametrize("folder", [*PATTERNS, BASELINE], ids=by_name)
def test_a_pattern_leaves_to_stackyard_what_stackyard_writes(folder: Path) -> None:
    text = "\n".join(file.read_text() for file in folder.glob("*.tf"))

    assert not re.search(r"^provider |^  backend ", text, re.MULTILINE)
    assert (folder / "README.md").exists()


@pytest.mark.parametrize("folder", [*PATTERNS, BASELINE], ids=by_name)
def test_a_manifest_speaks_of_outputs_and_components_that_are_there(folder: Path) -> None:
    manifest = read_manifest(folder / "pattern.yaml")
    outputs = blocks_of(folder, "output")
    code = "\n".join(file.read_text() for file in [*folder.glob("*.tf"), *ROOT.glob("modules/*/*.tf")])

    assert set(manifest.outputs) == set(outputs)
    assert set(manifest.secrets) == set(blocks_of(folder, "variable"))
    for prefixes in manifest.components.values():
        for prefix in prefixes:
            kind, _, name = prefix.partition(".")
            assert f'module "{name}"' in code if kind == "module" else f'resource "{kind}"' in code, prefix


@pytest.mark.parametrize("folder", [*PATTERNS, BASELINE], ids=by_name)
def test_every_path_of_a_manifest_is_in_the_interface_and_every_setting_is_explained(folder: Path) -> None:
    manifest = read_manifest(folder / "pattern.yaml")
    settings: dict[str, bool] = {}
    above: list[str] = []
    explained = False
    for line in (folder / manifest.interface).read_text().splitlines():
        if match := re.match(r"^( +)(\w+) *= (\{?)", line):
            del above[len(match[1]) // 2 - 1 :]
            path = ".".join([*above, match[2]])
            if match[3] and not line.endswith("}"):
                above.append(match[2])
            else:
                settings[path] = explained
        explained = line.strip().startswith("#")

    assert set(manifest.fills) | set(manifest.parameters) == set(settings)
    assert set(manifest.fills) & set(manifest.parameters) == set()
    assert [path for path in manifest.parameters if not settings[path]] == []


def test_tags_reach_every_resource_that_can_carry_them() -> None:
    """What lacks the environment's tag is not found by an inventory."""
    untagged = [
        f"{by_name(file)}: {'.'.join(block.labels)}"
        for file in FILES
        for block in read_blocks(file.read_text())
        if block.type == "resource"
        and "tags" in PROVIDER_6["resource"].get(block.labels[0], {"arguments": {}})["arguments"]
        and "tags" not in block.arguments
        and block.labels[0] not in UNTAGGED_IN_3
    ]

    assert untagged == []


UNTAGGED_IN_3 = {
    "aws_appautoscaling_target",
    "aws_lb_listener",
    "aws_lb_listener_rule",
    "aws_vpc_security_group_ingress_rule",
}
"""Types whose tags came after provider 3.39. They end with what they belong to."""
