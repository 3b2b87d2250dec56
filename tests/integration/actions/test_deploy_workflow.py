"""The application's own pipeline: a workflow from the environment page deploys an image, or goes back."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.actions import SIGN_IN, Act, complaints, make_repository
from tests.factories import make_organisation
from tests.yard import Yard, log_of

from stackyard.cmdb.models import Environment, EnvironmentStatus
from stackyard.environments.create import create
from stackyard.environments.deployment import deploy_workflow
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Unusable

APPLICATION = "acme/shop"
DOCKER = """#!/bin/sh
# There is no Docker here: what would be built and pushed is written down.
[ "$1" = login ] && cat > /dev/null
echo "$@" >> "$DOCKER_LOG"
"""
aws = shutil.which("aws")
needs_aws = pytest.mark.skipif(aws is None, reason="needs the AWS command line, as GitHub's machines have it")


class Deployed:
    """An environment, and the application's repository with the workflow."""

    def __init__(self, yard: Yard, environment: Environment, folder: Path) -> None:
        made = deploy_workflow(environment)
        self.environment, self.log = environment, folder / "docker.log"
        repository = make_repository(
            folder / "shop", {f".github/workflows/{made.name}": made.text, "Dockerfile": "FROM scratch\n"}
        )
        self.file = repository / ".github" / "workflows" / made.name
        endpoint = {"AWS_ENDPOINT_URL": yard.emulator.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
        self.act = Act(
            repository,
            {"aws-actions/configure-aws-credentials": SIGN_IN},
            {**endpoint, "DOCKER_LOG": str(self.log)},
        )
        self.act.program("docker", DOCKER)
        self.ecs = yard.access(environment.sandbox).client("ecs")

    def push(self) -> "subprocess.CompletedProcess[str]":
        """What GitHub does when somebody pushes to the branch."""
        return self.act.run(self.file, "push", {"ref": "refs/heads/main"})

    def task(self) -> dict[str, Any]:
        """The task definition that the service runs."""
        outputs = self.environment.outputs
        (service,) = self.ecs.describe_services(cluster=outputs["cluster_name"], services=[outputs["service_name"]])[
            "services"
        ]
        answer = self.ecs.describe_task_definition(taskDefinition=service["taskDefinition"], include=["TAGS"])
        return {**answer["taskDefinition"], "tags": answer.get("tags", [])}


@pytest.fixture
def deployed(yard: Yard, tmp_path: Path) -> Deployed:
    run = yard.create("deployed", github__repository=APPLICATION)
    yard.carry(run)
    assert run.status == "succeeded", run.error + log_of(run)
    return Deployed(yard, Environment.objects.get(pk=run.environment_id), tmp_path)


@pytest.mark.long
@pytest.mark.journey
@needs_aws
def test_an_image_is_deployed_and_one_that_does_not_come_up_is_taken_back(deployed: Deployed) -> None:
    before = deployed.task()
    done = deployed.push()
    assert done.returncode == 0, done.stdout + done.stderr
    after = deployed.task()

    login, build, push = deployed.log.read_text().splitlines()
    image = push.removeprefix("push ")
    repository = deployed.environment.outputs["ecr_repository_url"]
    assert login == f"login --username AWS --password-stdin {repository.partition('/')[0]}"
    assert (build, image.startswith(f"{repository}:")) == (f"build --tag {image} .", True)
    assert after["revision"] == before["revision"] + 1
    assert after["containerDefinitions"] == [{**before["containerDefinitions"][0], "image": image}]
    kept = ("family", "cpu", "memory", "executionRoleArn", "taskRoleArn", "networkMode", "tags")
    assert {name: after.get(name) for name in kept} == {name: before.get(name) for name in kept}

    # The next one does not come up in time.
    flag = deployed.act.bin / "failed"
    late = "echo 'Waiter ServicesStable failed: Max attempts exceeded' >&2; exit 255"
    wait = f'if [ "$1 $2" = "ecs wait" ] && [ ! -e {flag} ]; then touch {flag}; {late}; fi'
    deployed.act.program("aws", f'#!/bin/sh\n{wait}\nexec {aws} "$@"\n')
    done = deployed.push()
    assert done.returncode == 1, done.stdout
    assert deployed.task() == after
    assert "runs " + after["taskDefinitionArn"] + " again" in done.stdout

    # ECS itself goes back from the one after that, which is stable, but not what was asked for.
    outputs = deployed.environment.outputs
    back = f"{aws} ecs update-service --cluster {outputs['cluster_name']} --service {outputs['service_name']}"
    wait = f'[ "$1 $2" = "ecs wait" ] && {back} --task-definition {after["taskDefinitionArn"]} > /dev/null'
    deployed.act.program("aws", f'#!/bin/sh\n{wait}\nexec {aws} "$@"\n')
    done = deployed.push()
    assert done.returncode == 1, done.stdout
    assert "did not come up: ECS went back to " + after["taskDefinitionArn"] in done.stdout
    assert deployed.task() == after


OUTPUTS = {
    "ecr_repository_url": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/shop-dev",
    "cluster_name": "sandbox",
    "service_name": "shop-dev",
    "container_name": "app",
    "deploy_role_arn": "arn:aws:iam::111122223333:role/shop-dev-deploy",
    "deploy_branch": "release/1.x",
}


@pytest.fixture
def standing(db: None) -> Environment:
    """An environment by its row alone."""
    wish = CreateRequest("shop", "ecs-service", "dev", settings={"github.repository": APPLICATION})
    environment = create(make_organisation().requester, wish, via="api").environment
    environment.status, environment.outputs = EnvironmentStatus.READY, dict(OUTPUTS)
    environment.save()
    return environment


def test_it_is_clean_and_may_no_more_than_it_needs(standing: Environment, tmp_path: Path) -> None:
    made = deploy_workflow(standing)
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / made.name).write_text(made.text)
    assert complaints(folder / made.name) == []
    read = yaml.safe_load(made.text)
    assert read["permissions"] == {}
    assert read["jobs"]["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert read[True]["push"] == {"branches": ["release/1.x"]}  # YAML takes `on` for true
    assert read["concurrency"]["cancel-in-progress"] is False
    steps = read["jobs"]["deploy"]["steps"]
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step.get("run", "") for step in steps)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"deploy_role_arn": ""}, "No repository may deploy to shop-dev yet. Name it in the setting github.repository"),
        ({"ecr_repository_url": "", "service_name": ""}, "has no ecr_repository_url and no service_name"),
    ],
)
def test_what_is_missing_is_told(standing: Environment, change: dict[str, str], says: str) -> None:
    standing.outputs |= change
    with pytest.raises(Conflict) as refused:
        deploy_workflow(standing)
    assert says in str(refused.value)


def test_before_and_after_its_life_there_is_nothing_to_deploy_to(standing: Environment) -> None:
    standing.outputs = {}
    with pytest.raises(Conflict, match="not built yet"):
        deploy_workflow(standing)
    standing.status = EnvironmentStatus.DESTROYED
    with pytest.raises(Conflict, match="is gone"):
        deploy_workflow(standing)


@pytest.mark.parametrize("value", ['x"\n  run: evil', "a b", "${{ github.token }}", "$(id)", 7, "x\n"])
def test_what_could_mean_something_else_is_refused(standing: Environment, value: object) -> None:
    standing.outputs["service_name"] = value
    with pytest.raises(Unusable, match="cannot be the service"):
        deploy_workflow(standing)
