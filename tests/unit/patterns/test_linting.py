"""Lint: every rule finds what it is for, at its line, and leaves good patterns alone."""

from pathlib import Path

import pytest
from tests.factories import SHIPPED_PATTERNS
from tests.unit.patterns.folders import HEAD, write

from stackyard.patterns.linting import lint

GOOD = {"locals.tf": 'locals {\n  name = "x"\n  n = 1\n}\n', "outputs.tf": 'output "url" {\n  value = local.name\n}\n'}
BACKEND = 'terraform {\n  backend "s3" {}\n}\n'
SENSITIVE = 'variable "pw" {\n  sensitive = true\n  default   = ""\n}\n'


@pytest.mark.parametrize(
    "folder", sorted(p.parent for p in SHIPPED_PATTERNS.glob("*/pattern.yaml")), ids=lambda p: p.name
)
def test_shipped_patterns_have_no_findings(folder: Path) -> None:
    assert lint(folder, SHIPPED_PATTERNS.parent / "modules") == []


@pytest.mark.parametrize(
    ("manifest", "files", "rule", "place", "said"),
    [
        ("", {"main.tf": "a = {\n"}, "syntax", "main.tf:", ""),
        ("titel: x\n", {}, "manifest", "pattern.yaml:5", "Extra inputs"),
        ("parameters:\n  m: {}\n", {}, "interface", "pattern.yaml:6", "'m' cannot be set"),
        ("fills: {x.y: sandbox.vpc_id}\n", {}, "interface", "pattern.yaml:5", "'x.y' is not in small/locals.tf"),
        ("", {"main.tf": 'provider "aws" {}\n'}, "provider-block", "main.tf:1", "provider.aws"),
        ("", {"main.tf": BACKEND}, "backend-block", "main.tf:2", "terraform.backend.s3"),
        ("", {"main.tf": "terraform {\n  cloud {}\n}\n"}, "backend-block", "main.tf:2", "terraform.cloud"),
        ("outputs: {uri: Address}\n", {}, "output", "pattern.yaml:5", "no output 'uri'"),
        ("", {"outputs.tf": ""}, "no-outputs", "outputs.tf:0", "no outputs"),
        ("fills: {name: environment.nam}\n", {}, "fill-source", "pattern.yaml:5", "no source"),
        ("parameters: {n: {min: 2}}\n", {}, "default", "locals.tf:3", "at least 2"),
        ("parameters: {n: {secret: true}}\n", {}, "secret-in-code", "locals.tf:3", "kept in git"),
        ("secrets: {pw: {}}\n", {}, "secret", "pattern.yaml:5", "no variable 'pw'"),
        ("secrets: {pw: {}}\n", {"v.tf": 'variable "pw" {}\n'}, "secret", "v.tf:1", "would print it"),
        ("", {"v.tf": SENSITIVE, "terraform.tfvars": 'pw = "x"\n'}, "secret-in-code", "v.tf:1", "a file of"),
        ("", {"v.tf": 'variable "lost" {}\n'}, "unset-variable", "v.tf:1", "Nobody gives"),
        ("", {"main.tf": 'module "m" {\n  source = "../../modules/gone"\n}\n'}, "unusable", "pattern.yaml:1", "gone"),
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_is_for(
    tmp_path: Path, manifest: str, files: dict[str, str], rule: str, place: str, said: str
) -> None:
    found = lint(write(tmp_path, manifest, GOOD | files), tmp_path / "modules")
    assert [f.rule for f in found] == [rule], found
    (finding,) = found
    assert f"{finding.file}:{finding.line}".startswith(f"small/{place}")
    assert said in finding.message
    assert finding.fix
    assert finding.is_error == (rule != "no-outputs")


def test_a_good_pattern_has_no_findings(tmp_path: Path) -> None:
    assert lint(write(tmp_path, "fills: {name: environment.name}\n", GOOD), tmp_path) == []


def test_folder_and_name_must_be_equal(tmp_path: Path) -> None:
    folder = write(tmp_path, "", GOOD)
    (folder / "pattern.yaml").write_text(HEAD.replace("small", "other"))
    (finding,) = lint(folder, tmp_path)
    assert (finding.rule, finding.line) == ("name", 1)
