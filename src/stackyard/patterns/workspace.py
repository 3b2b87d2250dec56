"""Render: pattern + sandbox facts + settings -> a folder of Terraform code that stands on its own.

The pattern's files are copied as they are, its modules beside them under `modules/`, and values go in as parsed and
re-checked HCL values, never as text: into `locals.tf` by structural edits, or, for a pattern whose interface are its
variables, into a values file of their own. Backend and provider are Stackyard's own files. Nothing secret and no
address of this installation is in the folder; those reach Terraform by environment variables.
"""

import copy
import json
import re
import secrets
import shutil
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stackyard import hcl
from stackyard.errors import Unusable
from stackyard.patterns.catalogue import Pattern, code_files
from stackyard.patterns.from_variables import is_values_file, own_values
from stackyard.patterns.interface import bare
from stackyard.patterns.manifest import Manifest
from stackyard.patterns.parameters import put
from stackyard.patterns.providers import Account, backend_text, provider_text, without_replaced

BACKEND_FILE = "stackyard_backend.tf"
PROVIDER_FILE = "stackyard_provider.tf"
VALUES_FILE = "stackyard.auto.tfvars"
_SOURCE = re.compile(r"(?:\.\./)+(?:modules/)?(?P<name>[a-z0-9][a-z0-9-]*)")


@dataclass(frozen=True)
class Filling:
    """What Stackyard fills in: the sources that `fills` in pattern.yaml may name, and how AWS is reached. `accounts`:
    other accounts that the code works in, by the alias of their provider."""

    environment: Mapping[str, Any]
    sandbox: Mapping[str, Any]
    allocation: Mapping[str, Any]
    region: str
    role_arn: str
    external_id: str
    session_name: str
    emulated: bool
    backend: str
    accounts: Mapping[str, Account] = field(default_factory=dict)

    def value(self, source: str) -> Any:
        """The value of `environment.fqdn`, `sandbox.vpc_id` and the like; Unusable when there is none."""
        room, _, name = source.partition(".")
        values = {"environment": self.environment, "sandbox": self.sandbox, "allocation": self.allocation}.get(room, {})
        if name not in values:
            raise Unusable(f"pattern.yaml fills a local from '{source}', which this sandbox does not offer.")
        return values[name]


def render_workspace(pattern: Pattern, filling: Filling, settings: Mapping[str, Any], target: Path) -> None:
    """Write the code of one environment into `target`, which is emptied first."""
    render_code(pattern, filling.backend, target)
    (target / interface_file(pattern)).write_bytes(
        _without_replaced(pattern.manifest, interface_file(pattern), fill_interface(pattern, filling, settings))
    )
    write_providers(pattern.manifest, filling, target)


def render_code(pattern: Pattern, backend: str, target: Path) -> None:
    """Write what is the same for every environment of a pattern: all but the interface file and the providers."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    _copy(pattern.directory, target, modules_at="./modules")
    for module in pattern.modules:
        _copy(module, target / "modules" / module.name, modules_at="..")
    manifest = pattern.manifest
    if manifest.interface == "variables.tf":
        for file in target.iterdir():
            if is_values_file(file.name):
                file.unlink()  # its values are in ours: two such files would overrule each other by their names
    else:
        (target / manifest.interface).unlink()
    for file in target.glob("*.tf"):
        file.write_bytes(_without_replaced(manifest, file.name, file.read_bytes()))
    (target / BACKEND_FILE).write_text(backend_text(backend), encoding="utf-8")


def interface_as_shipped(manifest: Manifest, texts: Mapping[str, str]) -> bytes:
    """`locals.tf` of a pattern version as an environment begins with it, before anything is filled in. `texts`: the
    version's interface files by name."""
    return _without_replaced(manifest, "locals.tf", texts["locals.tf"].encode())


def _without_replaced(manifest: Manifest, name: str, content: bytes) -> bytes:
    return without_replaced(content, name, manifest.replaces) if manifest.replaces and name.endswith(".tf") else content


def write_providers(manifest: Manifest, filling: Filling, target: Path) -> bool:
    """Write how AWS is reached, as it is today. Returns whether it was another way before."""
    # Two equal tags, from the provider and on a resource, are a difference that never ends (AWS provider before 5).
    by_itself = {"environment.tags", "sandbox.tags"} & set(manifest.fills.values())
    tags = {} if by_itself else filling.environment.get("tags", {})
    text = provider_text(filling, manifest.providers, default_tags=tags, accounts=filling.accounts)
    file = target / PROVIDER_FILE
    before = file.read_text(encoding="utf-8") if file.exists() else text
    file.write_text(text, encoding="utf-8")
    return before != text


def interface_file(pattern: Pattern) -> str:
    """The file of a rendered environment that holds what Stackyard fills and what the person set."""
    return VALUES_FILE if pattern.manifest.interface == "variables.tf" else pattern.manifest.interface


def fill_interface(pattern: Pattern, filling: Filling, settings: Mapping[str, Any]) -> bytes:
    """The bytes of `interface_file`: `locals.tf` edited where values differ, all else byte for byte as it was; or, for
    variables, a file of their values without those that are secret (see `secret_variables`)."""
    values = {bare(local): filling.value(source) for local, source in pattern.manifest.fills.items()}
    secret = {p.path for p in pattern.parameters if p.secret}
    if pattern.manifest.interface == "variables.tf":
        return _values_text(pattern, values | {k: v for k, v in settings.items() if k not in secret}).encode()
    path = pattern.directory / pattern.manifest.interface
    file = hcl.File.parse(path.read_bytes(), path.name)
    edits = [hcl.SetValue(hcl.parse_path(f"locals.{k}"), v, force=True) for k, v in (values | dict(settings)).items()]
    return file.edit(edits).bytes()


def secret_settings(pattern: Pattern, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that must lie neither in the code nor in a row: sensitive variables of the pattern."""
    secret = {p.path for p in pattern.parameters if p.secret} if pattern.manifest.interface == "variables.tf" else set()
    return {path: value for path, value in settings.items() if path in secret}


def made_up_secrets(manifest: Manifest) -> dict[str, str]:
    """New values for what `secrets:` in pattern.yaml names: letters and digits only, which every database engine takes
    (RDS refuses / @ " and blanks in a master password)."""
    letters = string.ascii_letters + string.digits
    return {
        name: "".join(secrets.choice(letters) for _ in range(secret.length))
        for name, secret in manifest.secrets.items()
    }


def secret_variables(values: Mapping[str, Any]) -> dict[str, str]:
    """Environment variables for Terraform's process that hand secrets over: text as it is, all else as JSON, which
    Terraform reads as an expression of HCL."""
    return {f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _values_text(pattern: Pattern, values: Mapping[str, Any]) -> str:
    """What differs from the variables' own defaults. An object is given as a whole, with the rest from its default."""
    brought, _ = own_values(pattern.directory)
    secret = {p.path for p in pattern.parameters if p.secret}
    variables: dict[str, Any] = {name: value for name, value in brought.items() if name not in secret}
    for path, value in values.items():
        steps = hcl.parse_path(path)
        name = str(steps[0])
        if len(steps) > 1 and not isinstance(variables.get(name), dict):
            default = pattern.variable_defaults.get(name)
            variables[name] = copy.deepcopy(default) if isinstance(default, dict) else {}
        put(variables, steps, value)
    lines = [f"{name} = {hcl.tokens_for_value(value)}\n" for name, value in sorted(variables.items())]
    return hcl.format("".join(["# Written by Stackyard.\n", *lines]))


def _copy(source: Path, target: Path, *, modules_at: str) -> None:
    for file in code_files(source):
        copied = target / file.relative_to(source)
        if copied.suffix == ".md" or copied.name == "pattern.yaml" or "examples" in copied.relative_to(target).parts:
            continue
        copied.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        # A folder inside of the pattern keeps its place beside its neighbours.
        moved = copied.suffix == ".tf" and file.parent == source
        copied.write_bytes(_point_at_modules(content, file.name, modules_at) if moved else content)


def _point_at_modules(content: bytes, name: str, modules_at: str) -> bytes:
    """Module calls that name a folder beside the pattern now name its copy inside the environment's folder."""
    file = hcl.File.parse(content, name)
    edits = []
    for block in file.body.blocks:
        source = block.body.attribute("source") if block.type == "module" else None
        match = _SOURCE.fullmatch(str(source.expr.value)) if source is not None and source.expr.is_constant else None
        if match:
            edits.append(hcl.SetValue(("module", *block.labels, "source"), f"{modules_at}/{match['name']}"))
    return file.edit(edits).bytes()
