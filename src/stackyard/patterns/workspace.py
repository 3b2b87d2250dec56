"""Render: pattern + sandbox facts + settings -> a folder of Terraform code that stands on its own.

The pattern's files are copied as they are, its modules beside them under `modules/`, and `locals.tf` is edited
structurally: every value goes in as a parsed and re-checked HCL value, never as text. Two files are Stackyard's own:
the backend and the provider. Nothing secret and no address of this installation is in the folder; those reach Terraform
by environment variables.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.errors import Unusable
from stackyard.patterns.catalogue import Pattern, code_files

BACKEND_FILE = "stackyard_backend.tf"
PROVIDER_FILE = "stackyard_provider.tf"
_SOURCE = re.compile(r"(?:\.\./)+(?:modules/)?(?P<name>[a-z0-9][a-z0-9-]*)")

# Every service that a shipped pattern or module talks to; the emulator answers for all of them at one address.
EMULATED_SERVICES = (
    "acm", "applicationautoscaling", "cloudformation", "cloudfront", "cloudwatch", "cloudwatchlogs", "ec2", "ecr", "ecs",
    "elasticache", "elb", "iam", "kms", "rds", "route53", "s3", "s3control", "secretsmanager", "servicediscovery", "sns",
    "sqs", "ssm", "sts", "wafv2",
)  # fmt: skip


@dataclass(frozen=True)
class Filling:
    """What Stackyard fills in: the sources that `fills` in pattern.yaml may name, and how AWS is reached."""

    environment: Mapping[str, Any]
    sandbox: Mapping[str, Any]
    allocation: Mapping[str, Any]
    region: str
    role_arn: str
    external_id: str
    session_name: str
    emulated: bool
    backend: str

    def value(self, source: str) -> Any:
        """The value of `environment.fqdn`, `sandbox.vpc_id` and the like; Unusable when there is none."""
        room, _, name = source.partition(".")
        values = {"environment": self.environment, "sandbox": self.sandbox, "allocation": self.allocation}.get(room, {})
        if name not in values:
            raise Unusable(f"pattern.yaml fills a local from '{source}', which this sandbox does not offer.")
        return values[name]


def render_workspace(pattern: Pattern, filling: Filling, settings: Mapping[str, Any], target: Path) -> None:
    """Write the code of one environment into `target`, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    _copy(pattern.directory, target, modules_at="./modules")
    for module in pattern.modules:
        _copy(module, target / "modules" / module.name, modules_at="..")
    interface = target / pattern.manifest.interface
    interface.write_bytes(fill_interface(pattern, filling, settings))
    (target / BACKEND_FILE).write_text(backend_text(filling.backend), encoding="utf-8")
    (target / PROVIDER_FILE).write_text(provider_text(filling, pattern.manifest.providers), encoding="utf-8")


def fill_interface(pattern: Pattern, filling: Filling, settings: Mapping[str, Any]) -> bytes:
    """The interface file with what Stackyard fills and what the person set; all else byte for byte as it was."""
    path = pattern.directory / pattern.manifest.interface
    file = hcl.File.parse(path.read_bytes(), path.name)
    values = {local: filling.value(source) for local, source in pattern.manifest.fills.items()}
    values |= {f"locals.{path}": value for path, value in settings.items()}
    for local, value in values.items():
        file = file.set_attribute_value(_path(local), value, force=True)
    return file.bytes()


def _path(local: str) -> Any:
    return hcl.parse_path(local if local.startswith("locals.") else f"locals.{local}")


def _copy(source: Path, target: Path, *, modules_at: str) -> None:
    for file in code_files(source):
        copy = target / file.relative_to(source)
        if copy.suffix == ".md" or copy.name == "pattern.yaml" or "examples" in copy.relative_to(target).parts:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        copy.write_bytes(_point_at_modules(content, file.name, modules_at) if copy.suffix == ".tf" else content)


def _point_at_modules(content: bytes, name: str, modules_at: str) -> bytes:
    """Module calls that name a folder beside the pattern now name its copy inside the environment's folder."""
    file = hcl.File.parse(content, name)
    for block in file.body.blocks:
        source = block.body.attribute("source") if block.type == "module" else None
        match = _SOURCE.fullmatch(str(source.expr.value)) if source is not None and source.expr.is_constant else None
        if match:
            file = file.set_attribute_value(("module", *block.labels, "source"), f"{modules_at}/{match['name']}")
    return file.bytes()


def backend_text(backend: str) -> str:
    """The backend block, empty on purpose: address and name of the state come by environment or `-backend-config`."""
    return hcl.format(f'# Written by Stackyard.\nterraform {{\n  backend "{backend}" {{}}\n}}\n')


def provider_text(filling: Filling, aliases: Mapping[str, str]) -> str:
    """The provider blocks: region and role in the code; for an emulated sandbox the endpoint as a variable.

    `aliases` are further configurations of the same account in other regions: alias -> region.
    """
    lines = ["# Written by Stackyard."]
    if filling.emulated:
        lines += [
            'variable "stackyard_endpoint" {',
            '  description = "Address of the AWS emulator."',
            "  type = string",
            "}",
            "",
        ]
    lines += _provider(filling, filling.region)
    for alias, region in aliases.items():
        lines += ["", *_provider(filling, region, alias)]
    return hcl.format("\n".join([*lines, ""]))


def _provider(filling: Filling, region: str, alias: str = "") -> list[str]:
    token = hcl.tokens_for_value
    lines = ['provider "aws" {', *([f"  alias = {token(alias)}"] if alias else []), f"  region = {token(region)}", ""]
    if filling.emulated:
        lines += [
            "  # moto's buckets are paths, not host names; it has neither instance metadata nor real credentials.",
            "  s3_force_path_style = true",
            "  skip_credentials_validation = true",
            "  skip_metadata_api_check = true",
            "",
            "  endpoints {",
            *(f"    {service} = var.stackyard_endpoint" for service in EMULATED_SERVICES),
            "  }",
            "",
        ]
    role = [f"    role_arn = {token(filling.role_arn)}", f"    session_name = {token(filling.session_name)}"]
    if filling.external_id:
        role.append(f"    external_id = {token(filling.external_id)}")
    return [*lines, "  assume_role {", *role, "  }", "}"]
