"""As a platform engineer I take the recorded folder of an environment and run Terraform in it by hand."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stackyard.database.connection import database_url
from stackyard.settings import get_settings
from stackyard.terraform.providers import provider_mirror, write_cli_config
from tests.yard import Yard, log_of

terraform = shutil.which("terraform")
pytestmark = [pytest.mark.journey, pytest.mark.skipif(terraform is None, reason="needs terraform on PATH")]


def test_a_plan_by_hand_has_nothing_to_do_also_after_the_applications_own_deployment(
    yard: Yard, tmp_path: Path
) -> None:
    run = yard.create("alone")  # tests beside this one share the record
    yard.carry(run)
    env = run.environment
    env.refresh_from_db()
    assert run.status == "succeeded", run.error + log_of(run)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(get_settings().data / "record"), str(clone)], check=True)
    folder = clone / env.record_folder
    access = yard.access(env.sandbox)
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TF_CLI_CONFIG_FILE": str(
            write_cli_config(tmp_path / "rc", provider_mirror(get_settings().data.resolve() / "providers"))
        ),
        "PG_CONN_STR": database_url(get_settings()),
        "PG_SCHEMA_NAME": env.state_name,
        **access.environment("by-hand"),
        **access.terraform_variables(),
    }

    def by_hand(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(terraform), *arguments, "-no-color", "-input=false"],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
        )

    made = by_hand("init", "-lockfile=readonly")
    assert made.returncode == 0, made.stderr
    planned = by_hand("plan", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr

    ecs = access.client("ecs")
    cluster = env.sandbox.facts["cluster_name"]
    (service,) = ecs.describe_services(cluster=cluster, services=[env.slug])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    keys = ("family", "containerDefinitions", "cpu", "memory", "networkMode", "requiresCompatibilities")
    keys += ("executionRoleArn", "taskRoleArn")
    task["containerDefinitions"][0]["image"] = "example.com/own:2"
    arn = ecs.register_task_definition(**{k: task[k] for k in keys})["taskDefinition"]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=env.slug, taskDefinition=arn)
    planned = by_hand("plan", "-detailed-exitcode")
    assert planned.returncode == 0, planned.stdout + planned.stderr
