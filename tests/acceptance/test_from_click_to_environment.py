"""As an application developer I get an environment from a pattern, proven from FQDN to tasks, and can take it away."""

import pytest

from stackyard.cmdb.models import Allocation
from stackyard.settings import get_settings
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey


def test_created_proven_registered_destroyed_and_proven_gone(yard: Yard) -> None:
    run = yard.create(container__cpu=512, container__memory=1024, container__environment={"GREETING": 'say "hi" ${x}'})
    yard.carry(run)

    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.status) == ("succeeded", "ready"), run.error + log_of(run)
    assert env.outputs["url"] == f"https://{env.fqdn}/"
    assert [h["ok"] for h in env.hops] == [True] * len(env.hops)
    assert len(env.hops) >= 5
    ecs = yard.access(env.sandbox).client("ecs")
    (service,) = ecs.describe_services(cluster=env.outputs["cluster_name"], services=[env.slug])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert (task["cpu"], task["memory"]) == ("512", "1024")
    assert {"name": "GREETING", "value": 'say "hi" ${x}'} in task["containerDefinitions"][0]["environment"]
    assert all(s.status == "done" and s.seconds is not None for s in run.stages.all())

    gone = yard.destroy(env)
    yard.carry(gone)

    env.refresh_from_db()
    assert (gone.status, gone.leftovers, env.status) == ("succeeded", [], "destroyed"), gone.error + log_of(gone)
    assert not Allocation.objects.filter(released_at=None).exists()
    assert not (get_settings().data / "record" / env.record_folder).exists()
