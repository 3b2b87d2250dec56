"""The AWS side of builds for tests: `pipeline/aws`, applied by real Terraform to an account of the emulator."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stackyard.aws.sessions import SandboxAccess
from stackyard.patterns.providers import provider_text, without_replaced
from stackyard.terraform.engine import find_engine
from stackyard.terraform.providers import provider_mirror, write_cli_config

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Reach:
    """How the account is reached."""

    region: str
    role_arn: str
    external_id: str = ""
    session_name: str = "test"
    emulated: bool = True


@dataclass(frozen=True)
class Pipeline:
    """`pipeline/aws` in a folder of its own, with its state."""

    folder: Path
    access: SandboxAccess

    @classmethod
    def apply(cls, access: SandboxAccess, folder: Path, mirror: Path, **variables: object) -> "Pipeline":
        """Make everything; `variables` are added to region, role and version."""
        code = folder / "pipeline" / "aws"
        shutil.copytree(ROOT / "pipeline" / "aws", code)
        shutil.copytree(ROOT / "modules", folder / "modules")
        main = code / "main.tf"
        main.write_bytes(without_replaced(main.read_bytes(), "main.tf", ["provider.aws"]))
        reach = Reach(access.region, access.role_arn)
        (code / "providers.tf").write_text(provider_text(reach, {}, default_tags={}, accounts={}))
        given = {"region": access.region, "sandbox_role_arns": [access.role_arn], "stackyard_version": "0"} | variables
        (code / "given.auto.tfvars.json").write_text(json.dumps(given))
        write_cli_config(folder / "terraformrc", provider_mirror(mirror))
        made = cls(folder, access)
        made.run("init", "-no-color")
        made.run("apply", "-no-color", "-auto-approve", "-parallelism=20")
        return made

    def run(self, *arguments: str) -> str:
        """One command of Terraform; what it printed."""
        engine = find_engine()
        own = {"TF_CLI_CONFIG_FILE": str(self.folder / "terraformrc"), "PATH": os.environ["PATH"]}
        done = subprocess.run(
            [*engine.command, *arguments],
            cwd=self.folder / "pipeline" / "aws",
            env=own | self.access.environment("test") | self.access.terraform_variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
