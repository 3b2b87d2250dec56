"""Import: a root module becomes a pattern as it is, and what could not be used is told."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackyard.errors import Conflict, Invalid
from stackyard.patterns.catalogue import read_pattern_folder
from stackyard.patterns.importing import Imported, import_pattern
from stackyard.patterns.linting import lint
from stackyard.patterns.manifest import read_manifest

FOREIGN = Path(__file__).resolve().parents[2] / "fixtures" / "foreign"

MANY = """
variable "name_prefix" { type = string }
variable "env" { default = "dev" }
variable "vpc_id" { type = string }
variable "subnet_ids" { type = string }
variable "private_subnets" { type = list(string) }
variable "https_listener_arn" { type = string }
variable "tags" { type = map(string) }
variable "db_password" {
  type      = string
  sensitive = true
}
variable "anything" {}
"""


def imported(tmp_path: Path, files: Mapping[str, str]) -> Imported:
    source = tmp_path / "My Module"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    return import_pattern(source, tmp_path / "patterns", tmp_path / "modules")


def test_the_module_is_copied_as_it_is_and_nothing_else_is_written(tmp_path: Path) -> None:
    shutil.copytree(FOREIGN, tmp_path / "uploads")
    (tmp_path / "uploads" / ".terraform").mkdir()
    (tmp_path / "uploads" / ".terraform" / "x").write_text("")
    (tmp_path / "uploads" / "terraform.tfstate").write_text("{}")
    done = import_pattern(tmp_path / "uploads", tmp_path / "patterns", tmp_path)
    names = {f.name for f in FOREIGN.iterdir()}
    assert {f.name for f in done.folder.iterdir()} == {*names, "pattern.yaml"}
    assert all((done.folder / name).read_bytes() == (FOREIGN / name).read_bytes() for name in names)
    assert "pattern.yaml" not in {f.name for f in (tmp_path / "uploads").iterdir()}
    pattern = read_pattern_folder(done.folder, tmp_path)
    assert [p.path for p in pattern.parameters] == list(done.settings)
    assert pattern.manifest.fills == {"name": "environment.name", "account_id": "sandbox.account_id"}
    assert lint(done.folder, tmp_path) == []


def test_a_module_in_the_patterns_folder_stays_where_it_is(tmp_path: Path) -> None:
    shutil.copytree(FOREIGN, tmp_path / "patterns" / "uploads")
    done = import_pattern(tmp_path / "patterns" / "uploads", tmp_path / "patterns", tmp_path)
    assert done.folder == tmp_path / "patterns" / "uploads"
    with pytest.raises(Conflict, match="There is a pattern 'uploads'"):
        import_pattern(done.folder, tmp_path / "patterns", tmp_path)


def test_well_known_names_are_filled_and_the_rest_is_told(tmp_path: Path) -> None:
    code = 'resource "aws_sqs_queue" "q" {\n  name = var.name_prefix\n}\n'
    outputs = 'output "url" { value = 1 }\noutput "key" {\n  value     = 1\n  sensitive = true\n}\n'
    done = imported(
        tmp_path,
        {"in.tf": MANY, "main.tf": code, "o.tf": outputs, "prod.tfvars": "", "README.md": "# Queue\n\nTo\nwait.\n"},
    )
    manifest = read_manifest(done.folder / "pattern.yaml")
    assert (manifest.name, manifest.title, manifest.description) == ("my-module", "Queue", "To wait.")
    assert manifest.fills == {
        "name_prefix": "environment.name",
        "vpc_id": "sandbox.vpc_id",
        "private_subnets": "sandbox.private_subnet_ids",
        "https_listener_arn": "sandbox.https_listener_arn",
        "tags": "environment.tags",
    }
    assert (manifest.needs, list(manifest.secrets)) == (("network", "load_balancer"), ["db_password"])
    assert (manifest.outputs, manifest.components) == ({"url": "Url"}, {"Messages": ("aws_sqs_queue",)})
    assert done.settings == ("env", "subnet_ids", "anything")
    told = [f"{n.file.partition('/')[2]}:{n.line} {n.message}" for n in done.notes]
    for said in (
        "in.tf:5 `subnet_ids` is not filled by Stackyard: it is a string",
        "in.tf:13 `anything` has no type",
        "main.tf:1 aws_sqs_queue.q has no `tags`",
        "o.tf:2 output.key is sensitive",
        "prod.tfvars:0 Terraform does not read this file by itself",
    ):
        assert [line for line in told if line.startswith(said)], (said, told)


def test_locals_are_the_interface_where_there_are_no_variables(tmp_path: Path) -> None:
    done = imported(tmp_path, {"locals.tf": 'locals {\n  name = "x"\n  a = { b = 1 }\n}\n', "main.tf": ""})
    assert (done.manifest["interface"], done.settings) == ("locals.tf", ("a.b",))
    assert "outputs.tf: There are no outputs" in str(done.notes[-1])


def test_a_provider_whose_region_is_not_text_is_kept_and_told(tmp_path: Path) -> None:
    blocks = """provider "aws" {
  default_tags {
    tags = {}
  }
}
provider "aws" {
  alias  = "edge"
  region = "us-east-1"
}
provider "aws" {
  alias  = "far"
  region = var.far
}
variable "name" {}
variable "far" { default = "x" }
module "m" { source = "../../shared/thing" }
"""
    done = imported(tmp_path, {"main.tf": blocks})
    assert done.manifest["replaces"] == ["provider.aws", "provider.aws.edge"]
    assert done.manifest["providers"] == {"edge": "us-east-1"}
    told = [str(n) for n in done.notes]
    for said in (
        ":1: provider.aws: `default_tags` is lost",
        ":10: provider.aws.far is kept",
        ":16: module.m lies outside",
    ):
        assert [line for line in told if f"My Module/main.tf{said}" in line], (said, told)
    (error,) = [f for f in lint(done.folder, tmp_path) if f.rule == "provider-block"]
    assert (error.file, error.line, error.is_error) == ("my-module/main.tf", 10, True)


@pytest.mark.parametrize(("files", "said"), [({"a.txt": ""}, "no .tf files"), ({"a.tf": "x = {\n"}, "My Module/a.tf:")])
def test_what_is_no_terraform_is_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid, match="DIR: ") as refused:
        imported(tmp_path, files)
    assert said in refused.value.message
    assert not (tmp_path / "patterns").exists()


def test_a_link_in_a_module_brings_nothing_of_this_machine_along(tmp_path: Path) -> None:
    source, secret = tmp_path / "module", tmp_path / "credentials"
    source.mkdir()
    secret.write_text("secret")
    (source / "main.tf").write_text('output "a" {\n  value = 1\n}\n')
    (source / "motd.txt").symlink_to(secret)
    with pytest.raises(Invalid, match=r"motd\.txt is a link"):
        import_pattern(source, tmp_path / "patterns", tmp_path)
    assert not (tmp_path / "patterns").exists()
