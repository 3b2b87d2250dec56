"""What the pattern `ecs-service` promises an application's team: its own deployments are never undone by a run."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_modules import needs_terraform, terraform

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.sessions import SandboxAccess
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import BACKEND_FILE, Filling, render_workspace
from stackyard.terraform.providers import provider_mirror, write_cli_config

ACCOUNT = "199999999999"
REGION = "ap-northeast-1"
NAME = "shop-dev"
OWN_IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}:1"


@dataclass(frozen=True)
class Journey:
    """One environment of the pattern, run by run, without its Route 53 record (half a minute each way)."""

    folder: Path
    access: SandboxAccess
    facts: BaselineFacts
    cli_config: Path

    def render(self, *, exists: bool, settings: Mapping[str, Any]) -> None:
        filling = Filling(
            environment={
                "name": NAME,
                "fqdn": f"{NAME}.dev.example.com",
                "further_fqdns": [],
                "tags": {"team": "shop"},
                "exists": exists,
            },
            sandbox=self.facts.as_dict(),
            allocation={"listener_rule_priority": 7},
            region=REGION,
            role_arn=self.access.role_arn,
            external_id="",
            session_name="test",
            emulated=True,
            backend="local",
        )
        render_workspace(Catalogue.from_settings().get("ecs-service"), filling, settings, self.code)
        # The state outlives the code, which is rendered anew for every run.
        state = json.dumps(str(self.folder / "terraform.tfstate"))
        (self.code / BACKEND_FILE).write_text(f'terraform {{\n  backend "local" {{\n    path = {state}\n  }}\n}}\n')
        (self.code / "names_override.tf").write_text('module "names" {\n  names = []\n}\n')
        self.run("init", "-no-color")

    @property
    def code(self) -> Path:
        return self.folder / "code"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        variables = {"TF_CLI_CONFIG_FILE": str(self.cli_config), "PATH": os.environ["PATH"]}
        environment = variables | self.access.environment("test") | self.access.terraform_variables()
        return subprocess.run(
            [terraform, *arguments],
            cwd=self.code,
            env=environment,
            capture_output=True,
            text=True,
        )

    def plan(self) -> dict[str, list[str]]:
        """Address -> actions, of what is not left as it is."""
        made = self.run("plan", "-no-color", "-out=plan")
        assert made.returncode == 0, made.stderr
        changes = json.loads(self.run("show", "-json", "plan").stdout).get("resource_changes", [])
        found = {change["address"]: change["change"]["actions"] for change in changes}
        return {address: actions for address, actions in found.items() if actions not in (["no-op"], ["read"])}

    def apply(self) -> None:
        done = self.run("apply", "-no-color", "plan")
        assert done.returncode == 0, done.stderr

    def service(self) -> dict[str, Any]:
        ecs = self.access.client("ecs")
        found: dict[str, Any] = ecs.describe_services(cluster=self.facts.cluster_arn, services=[NAME])["services"][0]
        return found

    def task_definition(self) -> dict[str, Any]:
        """The revision that the service runs."""
        arn = self.service()["taskDefinition"]
        found: dict[str, Any] = self.access.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
        return found

    def deploy(self, image: str, *, tasks: int) -> None:
        """What an application's own pipeline does: the revision that runs, with its own image."""
        running = self.task_definition()
        keys = ("family", "containerDefinitions", "cpu", "memory", "networkMode", "requiresCompatibilities")
        keys += ("executionRoleArn", "taskRoleArn")
        revision = {key: running[key] for key in keys}
        revision["containerDefinitions"][0]["image"] = image
        ecs = self.access.client("ecs")
        arn = ecs.register_task_definition(**revision)["taskDefinition"]["taskDefinitionArn"]
        ecs.update_service(cluster=self.facts.cluster_arn, service=NAME, taskDefinition=arn, desiredCount=tasks)


@pytest.fixture(scope="module")
def cli_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("terraform")
    return write_cli_config(folder / "terraformrc", provider_mirror(folder / "mirror"))


@pytest.fixture(scope="module")
def sandbox(emulator: Emulator) -> tuple[SandboxAccess, BaselineFacts]:
    access = SandboxAccess(ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/stackyard", "", emulator.endpoint)
    return access, seed_baseline(access, zone_name="dev.example.com", vpc_cidr="10.30.0.0/20")


@pytest.fixture
def journey(sandbox: tuple[SandboxAccess, BaselineFacts], cli_config: Path, tmp_path: Path) -> Journey:
    access, facts = sandbox
    return Journey(tmp_path, access, facts, cli_config)


@pytest.mark.long
@pytest.mark.journey
@needs_terraform
def test_a_run_keeps_what_the_application_deployed(journey: Journey) -> None:
    # The first run: it answers at once, with a public image.
    journey.render(exists=False, settings={})
    assert set(map(tuple, journey.plan().values())) == {("create",)}
    journey.apply()
    assert journey.task_definition()["containerDefinitions"][0]["image"].startswith("ghcr.io/traefik/whoami:")
    assert journey.plan() == {}

    # Every later run finds the service there, and has nothing to do.
    journey.render(exists=True, settings={})
    assert journey.plan() == {}

    # The application's own deployment, with two tasks: still nothing to do.
    journey.deploy(OWN_IMAGE, tasks=2)
    assert journey.plan() == {}

    # A person wants more: a new revision, with the image that is deployed, and as many tasks as there were.
    larger = {"container.cpu": 512, "container.memory": 1024, "container.environment": {"COLOUR": "blue"}}
    journey.render(exists=True, settings=larger)
    assert journey.plan() == {
        "module.service.aws_ecs_service.this": ["update"],
        "module.service.aws_ecs_task_definition.this": ["create", "delete"],
        "module.service.terraform_data.container": ["update"],
    }
    journey.apply()
    running = journey.task_definition()
    assert (running["revision"], running["cpu"], running["memory"]) == (3, "512", "1024")
    assert running["containerDefinitions"][0]["image"] == OWN_IMAGE
    assert {"name": "COLOUR", "value": "blue"} in running["containerDefinitions"][0]["environment"]
    assert journey.service()["desiredCount"] == 2
    assert journey.plan() == {}

    # Another port keeps the target group, and with it the rule: only the service itself is built anew.
    journey.render(exists=True, settings=larger | {"container.port": 9000})
    assert not [address for address in journey.plan() if address.startswith("module.route.")]

    # Taken down half way, `exists` is false again: there is no service to read from.
    journey.render(exists=False, settings=larger)
    destroyed = journey.run("destroy", "-no-color", "-auto-approve")
    assert destroyed.returncode == 0, destroyed.stderr
    assert journey.run("state", "list").stdout == ""


@needs_terraform
def test_an_impossible_pair_of_cpu_and_memory_is_refused_in_words(journey: Journey) -> None:
    journey.render(exists=False, settings={"container.cpu": 256, "container.memory": 8192})

    refused = journey.run("plan", "-no-color")

    assert refused.returncode != 0
    words = " ".join(refused.stderr.split())
    assert "Fargate does not offer 8192 MiB of memory with 256 cpu units." in words
    assert "it offers 512, 1024, 2048 MiB." in words
