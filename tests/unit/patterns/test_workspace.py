"""Rendering: what lies in the folder of an environment, and what must not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.patterns.folders import locals_pattern, variables_pattern

from stackyard import hcl
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.providers import Account
from stackyard.patterns.workspace import (
    PROVIDER_FILE,
    VALUES_FILE,
    Filling,
    fill_interface,
    interface_file,
    render_workspace,
    secret_settings,
    secret_variables,
    write_providers,
)

FILLING = Filling(
    environment={"name": "shop-dev", "tags": {"stackyard:environment": "u1"}},
    sandbox={"vpc_id": "vpc-1"},
    allocation={},
    region="eu-central-1",
    role_arn="arn:aws:iam::111122223333:role/stackyard",
    external_id="",
    session_name="s",
    emulated=False,
    backend="pg",
)
VARIABLES = """
variable "name" { type = string }
variable "tags" {
  type    = map(string)
  default = {}
}
variable "net" {
  type    = object({ vpc_id = string, ports = optional(list(number)), more = string })
  default = { vpc_id = "", more = "kept" }
}
variable "size" { default = 1 }
variable "greeting" { default = "" }
variable "password" {
  type      = string
  sensitive = true
}
variable "keys" {
  type      = map(string)
  sensitive = true
}
"""
FILLS = "fills: {name: environment.name, net.vpc_id: sandbox.vpc_id}\n"
BLOCKS = """terraform {
  required_version = ">= 1.3"
  backend "s3" {
    bucket = "old"
  }
}

provider "aws" {
  region = "us-east-1"
}

provider "aws" {
  alias  = "edge"
  region = "us-east-1"
}

provider "random" {}
"""


def rendered(pattern: Pattern, target: Path, **settings: Any) -> dict[str, str]:
    """All files of an environment, by their path."""
    values = {k.replace("__", "."): v for k, v in settings.items()}
    render_workspace(pattern, FILLING, values, target)
    return {str(f.relative_to(target)): f.read_text() for f in target.rglob("*") if f.is_file()}


def value(files: dict[str, str], name: str) -> Any:
    return hcl.File.parse(files[VALUES_FILE]).get_value((name,))


def test_variables_get_their_values_in_a_file_of_their_own(tmp_path: Path) -> None:
    pattern = variables_pattern(tmp_path, VARIABLES, FILLS, terraform__tfvars='size = 2\ngreeting = "hi"\n')
    files = rendered(pattern, tmp_path / "out", net__ports=[80], greeting='say "${x}"\n%{if}')
    assert files["variables.tf"] == VARIABLES
    assert interface_file(pattern) == VALUES_FILE
    assert files[VALUES_FILE] == hcl.format(files[VALUES_FILE])
    assert value(files, "net") == {"vpc_id": "vpc-1", "more": "kept", "ports": [80]}
    assert (value(files, "name"), value(files, "size")) == ("shop-dev", 2)
    assert value(files, "greeting") == 'say "${x}"\n%{if}'
    # One file of values: two would overrule each other by their names.
    assert "terraform.tfvars" not in files


def test_what_is_secret_is_handed_over_outside_of_the_code(tmp_path: Path) -> None:
    pattern = variables_pattern(tmp_path, VARIABLES, FILLS)
    settings = {"password": "hunter2-hunter2", "keys": {"a": "geheim"}}
    files = rendered(pattern, tmp_path / "out", **settings)
    assert not [name for name, text in files.items() if "hunter2" in text or "geheim" in text]
    assert secret_settings(pattern, settings | {"size": 3}) == settings
    assert secret_variables(settings) == {
        "TF_VAR_password": "hunter2-hunter2",
        "TF_VAR_keys": '{"a": "geheim"}',
    }
    # What is kept with an environment knows it as well, so that no answer shows it.
    assert [path for path, o in pattern.manifest.parameters.items() if o.secret] == ["password", "keys"]


@pytest.mark.parametrize(("fills", "tagged"), [("", True), ("fills: {tags: environment.tags}\n", False)])
def test_the_provider_tags_what_a_pattern_does_not_tag_itself(tmp_path: Path, fills: str, tagged: bool) -> None:
    pattern = variables_pattern(tmp_path, VARIABLES, fills + "providers: {edge: us-east-1}\n")
    files = rendered(pattern, tmp_path / "out")
    default, edge = [b for b in hcl.File.parse(files[PROVIDER_FILE]).body.blocks if b.type == "provider"]
    for block in (default, edge):
        found = [b.body.attribute("tags") for b in block.body.blocks if b.type == "default_tags"]
        assert [a.expr.value for a in found if a] == ([{"stackyard:environment": "u1"}] if tagged else [])


def test_another_account_has_a_provider_with_its_own_role(tmp_path: Path) -> None:
    pattern = variables_pattern(tmp_path, VARIABLES, FILLS)
    accounts = {"parent": Account("arn:aws:iam::999999999999:role/dns", "x-9")}
    render_workspace(pattern, replace(FILLING, accounts=accounts, emulated=True), {}, tmp_path / "out")
    file = hcl.File.parse((tmp_path / "out" / PROVIDER_FILE).read_text())
    found = {}
    for block in (b for b in file.body.blocks if b.type == "provider"):
        alias, region = block.body.attribute("alias"), block.body.attribute("region")
        inner = {b.type: b.body for b in block.body.blocks}
        role = {name: inner["assume_role"].attribute(name) for name in ("role_arn", "external_id")}
        assert "endpoints" in inner
        found[alias.expr.value if alias else ""] = (
            region.expr.value if region else "",
            *(a.expr.value if a else None for a in role.values()),
        )
    assert found == {
        "": ("eu-central-1", FILLING.role_arn, None),
        "parent": ("eu-central-1", "arn:aws:iam::999999999999:role/dns", "x-9"),
    }


def test_the_way_into_the_account_is_renewed_only_when_it_is_another(tmp_path: Path) -> None:
    pattern = variables_pattern(tmp_path, VARIABLES, FILLS)
    out = tmp_path / "out"
    rendered(pattern, out)
    before = (out / PROVIDER_FILE).read_bytes()
    assert write_providers(pattern.manifest, FILLING, out) is False
    assert (out / PROVIDER_FILE).read_bytes() == before
    assert write_providers(pattern.manifest, replace(FILLING, external_id="renewed"), out) is True
    assert b'external_id  = "renewed"' in (out / PROVIDER_FILE).read_bytes()


def test_only_blocks_that_the_manifest_names_are_left_out(tmp_path: Path) -> None:
    manifest = "replaces: [provider.aws, terraform.backend.s3]\n"
    pattern = variables_pattern(tmp_path, 'variable "a" { default = 1 }\n', manifest, main__tf=BLOCKS)
    file = hcl.File.parse(rendered(pattern, tmp_path / "out")["main.tf"])
    assert [(b.type, *b.labels) for b in file.body.blocks] == [
        ("terraform",),
        ("provider", "aws"),
        ("provider", "random"),
    ]
    assert file.get_value(("provider", "aws", "alias")) == "edge"
    assert file.get_block(("terraform",)).body.blocks == []
    assert (pattern.directory / "main.tf").read_text() == BLOCKS


def test_modules_inside_of_the_pattern_keep_their_neighbours(tmp_path: Path) -> None:
    made = variables_pattern(tmp_path, 'variable "a" { default = 1 }\n').directory
    for name, text in {"one": 'module "two" {\n  source = "../two"\n}\n', "two": ""}.items():
        (made / "parts" / name).mkdir(parents=True)
        (made / "parts" / name / "main.tf").write_text(text)
    (made / "main.tf").write_text('module "one" {\n  source = "./parts/one"\n}\n')
    from stackyard.patterns.catalogue import read_pattern_folder

    files = rendered(read_pattern_folder(made, tmp_path), tmp_path / "out")
    assert '"../two"' in files["parts/one/main.tf"]
    assert '"./parts/one"' in files["main.tf"]


def test_locals_change_where_a_value_differs_and_nowhere_else(tmp_path: Path) -> None:
    text = 'locals {\r\n  name = "x" # base\r\n  a = {\r\n    b = 1\r\n    "c.d" = "e"\r\n  }\r\n}\r\n'
    pattern = locals_pattern(tmp_path, "locals {\n}\n", "")
    (pattern.directory / "locals.tf").write_bytes(text.encode())
    assert fill_interface(pattern, FILLING, {"a.b": 1}) == text.encode()
    changed = fill_interface(pattern, FILLING, {'a["c.d"]': "${no}"})
    assert changed == text.replace('"e"', '"$${no}"').encode()
