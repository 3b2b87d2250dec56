"""As an application developer I change my environment: I see what will happen, and nothing is taken away unasked."""

import asyncio
import contextlib
import json
import shutil
import subprocess
from typing import Any

import psycopg
import pytest
import yaml

from stackyard.cmdb.models import AddressBlock, Allocation, Environment, Run, RunStatus
from stackyard.database.connection import database_url
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.errors import Conflict, Forbidden, Invalid
from stackyard.runs.approve import approve, reject
from stackyard.runs.database import in_database
from stackyard.runs.worker import sweep, work
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker
from tests.acceptance.test_recovery import assert_nothing_is_left, at_stage, until
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey
RECORD = get_settings().data / "record"


def carry(run: Run) -> Run:
    """Let a worker work until the run has ended or waits for approval."""

    async def working() -> None:
        worker = asyncio.create_task(work(get_settings(), install_signal_handlers=False))
        try:
            moving = (RunStatus.QUEUED, RunStatus.RUNNING)
            while await in_database(Run.objects.filter(pk=run.pk, status__in=moving).exists):
                if worker.done():
                    worker.result()
                await asyncio.sleep(0.1)
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    asyncio.run(working())
    return Run.objects.get(pk=run.pk)


def standing(yard: Yard, name: str, **settings: object) -> Environment:
    """An environment, under a name of the test's own: tests that run beside each other share one record."""
    run = carry(yard.create(name, **settings))
    assert run.status == "succeeded", run.error + log_of(run)
    return Environment.objects.get(pk=run.environment_id)


def ask(yard: Yard, env: Environment, unset: tuple[str, ...] = (), **wish: Any) -> Run:
    env.refresh_from_db()
    return changes.change(yard.user, env, ChangeRequest(unset=unset, **wish), via="api")


def ended(run: Run, status: str) -> Environment:
    assert run.status == status, f"{run.status}: {run.error}\n{log_of(run)}"
    return Environment.objects.get(pk=run.environment_id)


def task_of(yard: Yard, env: Environment) -> dict[str, Any]:
    """The task definition that the service runs, by its container."""
    ecs = yard.access(env.sandbox).client("ecs")
    (service,) = ecs.describe_services(cluster=env.outputs["cluster_name"], services=[env.slug])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    variables = {v["name"]: v["value"] for v in container["environment"]}
    return {"cpu": task["cpu"], "image": container["image"], "variables": variables, "revision": task["revision"]}


def deploy(yard: Yard, env: Environment, image: str) -> None:
    """What the application's own pipeline does: a new revision with its image, and the service on it."""
    ecs = yard.access(env.sandbox).client("ecs")
    cluster = env.outputs["cluster_name"]
    (service,) = ecs.describe_services(cluster=cluster, services=[env.slug])["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    kept = {k: task[k] for k in ("family", "cpu", "memory", "networkMode", "executionRoleArn", "taskRoleArn")}
    containers = [{**task["containerDefinitions"][0], "image": image}]
    new = ecs.register_task_definition(**kept, requiresCompatibilities=["FARGATE"], containerDefinitions=containers)[
        "taskDefinition"
    ]["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=env.slug, taskDefinition=new)


def edit_record(env: Environment, old: str, new: str, name: str = "locals.tf") -> None:
    """A person edits a file in the record, the interface without another name, and commits."""
    file = RECORD / env.record_folder / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    who = ["-c", "user.name=Hand", "-c", "user.email=hand@example.com"]
    subprocess.run(["git", *who, "commit", "-qam", "By hand"], cwd=RECORD, check=True)


def alarms(yard: Yard, env: Environment) -> list[str]:
    found = yard.access(env.sandbox).client("cloudwatch").describe_alarms(AlarmNamePrefix=env.slug)
    return [alarm["AlarmName"] for alarm in found["MetricAlarms"]]


def assert_passport_says_what_the_cmdb_holds(environment: Environment) -> list[Any]:
    """Every allocation and block, once, and nothing else; returns what the passport says."""
    environment.refresh_from_db()
    said: list[Any] = yaml.safe_load((RECORD / environment.record_folder / "environment.yaml").read_text())[
        "allocations"
    ]
    rows = Allocation.objects.filter(environment=environment, released_at=None)
    blocks = AddressBlock.objects.filter(environment=environment, released_at=None)
    held = [(row.kind, row.scope, row.value) for row in rows]
    held += [("cidr", block.pool.name, str(block.block)) for block in blocks]
    assert [(row["kind"], row["scope"], row["value"]) for row in said] == sorted(held)
    return said


def test_cpu_and_a_variable_are_changed_and_what_others_did_is_kept(yard: Yard) -> None:
    env = standing(yard, "kept", container__environment={"KEPT": "1"})
    deploy(yard, env, "example.com/app:7")
    before = task_of(yard, env)
    held = assert_passport_says_what_the_cmdb_holds(env)
    assert held == [{"kind": "fqdn", "scope": "", "value": env.fqdn}]
    edit_record(env, "retention_days = 14", "retention_days = 30 # the auditors want a month")

    assert changes.current_settings(env)["logs.retention_days"] == 30
    wish = {"container.cpu": 512, "container.memory": 1024, "container.environment.GREETING": "hello"}
    seen = changes.preview(yard.user, env, ChangeRequest(set=wish))
    assert seen.problems == ()
    assert {"-    cpu = 256", "+    cpu = 512"} <= set(seen.diff)
    looked = carry(ask(yard, env, set=wish, plan_only=True))
    assert ended(looked, "succeeded").status == "ready"
    assert looked.plan["counts"]
    assert (looked.commit, task_of(yard, env)) == ("", before), "to look at a plan changes nothing"

    run = carry(ask(yard, env, set=wish))

    env = ended(run, "succeeded")
    after = task_of(yard, env)
    assert (after["cpu"], after["image"]) == ("512", "example.com/app:7")
    assert after["variables"].items() >= {"KEPT": "1", "GREETING": "hello"}.items()
    assert after["revision"] > before["revision"]
    assert not run.plan["destructive"], "a new revision takes nothing away"
    assert assert_passport_says_what_the_cmdb_holds(env) == held
    assert env.status == "ready"
    assert env.settings["container.environment"] == {"KEPT": "1", "GREETING": "hello"}
    assert env.settings["logs.retention_days"] == 30
    text = (RECORD / env.record_folder / "locals.tf").read_text()
    assert "retention_days = 30 # the auditors want a month" in text

    with pytest.raises(Invalid, match="changes nothing"):
        ask(yard, env, set={"container.cpu": 512})

    back = carry(ask(yard, env, unset=("container.environment.GREETING", "container.cpu", "container.memory")))
    env = ended(back, "succeeded")
    assert "GREETING" not in task_of(yard, env)["variables"]
    assert task_of(yard, env)["cpu"] == "256"

    gone = carry(yard.destroy(env))
    ended(gone, "succeeded")
    assert_nothing_is_left(yard, gone)


def test_a_change_with_nothing_to_apply_ends_well_and_says_so(yard: Yard) -> None:
    env = standing(yard, "nothing")
    before = task_of(yard, env)
    edit_record(env, "retention_days = 14", "retention_days = 7 * 2 # two weeks")

    looked = carry(ask(yard, env, plan_only=True))
    assert ended(looked, "succeeded").status == "ready"
    run = carry(changes.retry(yard.user, env, via="api"))

    env = ended(run, "succeeded")
    for each in (looked, run):
        assert (each.plan["summary"], each.plan["changes"], each.plan["destructive"]) == ("no changes", [], False)
        assert {s.status for s in each.stages.filter(name__in=("check", "approve", "apply"))} == {"skipped"}
    assert "There is nothing to apply: what stands is what was asked for." in log_of(run)
    assert run.error == ""
    assert (env.status, task_of(yard, env)) == ("ready", before)
    assert env.commit == run.commit != "", "the code is recorded all the same: it is what was asked for"
    assert "7 * 2 # two weeks" in (RECORD / env.record_folder / "locals.tf").read_text()
    with pytest.raises(Conflict, match="nothing to retry"):
        changes.retry(yard.user, env, via="api")


def test_what_takes_away_waits_and_applies_what_was_approved(yard: Yard) -> None:
    env = standing(yard, "asked")
    assert alarms(yard, env)
    run = carry(ask(yard, env, set={"alarms.enabled": False}))

    assert ended(run, "waiting").status == "changing"
    assert run.plan["destructive"]
    assert {c["address"] for c in run.plan["changes"] if c["destructive"]} == {
        c["address"] for c in run.plan["changes"] if c["action"] == "delete"
    }
    assert alarms(yard, env)
    assert (run.token, run.worker, run.commit) == (None, "", ""), "no worker holds it, nothing is recorded"
    with pytest.raises(Conflict):
        ask(yard, env, set={"container.cpu": 512})
    with pytest.raises(Forbidden):
        approve(yard.org.viewer, run, confirmation=env.slug)
    for wrong in ("", "yes", env.slug.upper()):
        with pytest.raises(Invalid) as refused:
            approve(yard.user, run, confirmation=wrong)
        assert [p.field for p in refused.value.problems] == ["confirmation"]
    with pytest.raises(Conflict, match="made again"):
        approve(yard.user, run, confirmation=env.slug, digest="0" * 64)

    seen = run.plan
    run = carry(approve(yard.user, run, confirmation=env.slug, digest=seen["digest"]))
    env = ended(run, "succeeded")
    assert (run.plan, run.approved_by) == (seen, yard.user)
    assert run.events.filter(message__startswith="Plan:").count() == 1, "it was not planned a second time"
    assert (env.status, alarms(yard, env)) == ("ready", [])
    assert run.events.filter(stage="approve").exists()
    with pytest.raises(Conflict):
        approve(yard.user, run, confirmation=env.slug)


def test_rejected_it_leaves_all_as_it_was(yard: Yard) -> None:
    env = standing(yard, "rejected")
    run = carry(ask(yard, env, set={"scaling.max": 3}, confirm=True))
    ended(run, "waiting")
    assert not run.plan["destructive"]
    (folder,) = (get_settings().data / "work").glob(f"{env.uid}-*")

    run = reject(yard.user, run)

    after = ended(run, "cancelled")
    assert (after.status, after.commit, after.settings) == ("ready", env.commit, env.settings)
    assert "max = 2" in (RECORD / env.record_folder / "locals.tf").read_text()
    sweep(folder.parent)
    assert not folder.exists(), "a saved plan holds values in clear"
    ended(carry(ask(yard, env, set={"scaling.max": 3})), "succeeded")


def test_what_surely_could_not_work_is_not_applied(yard: Yard) -> None:
    env = standing(yard, "unfit")
    before = task_of(yard, env)
    closed = env.sandbox.facts["database_subnet_ids"][0]
    edit_record(env, "subnet_ids = local.sandbox.subnet_ids", f'subnet_ids = ["{closed}"]', "main.tf")

    run = carry(ask(yard, env, set={"container.cpu": 512, "container.memory": 1024}))

    after = ended(run, "failed")
    assert f"Subnets of the tasks: {closed} is for databases" in run.error
    assert run.hint.startswith("Nothing was changed.")
    assert {s.name: s.status for s in run.stages.all()}["apply"] in ("skipped", "pending")
    assert (after.status, after.commit, task_of(yard, after)) == ("ready", env.commit, before)
    assert after.hops == env.hops, "what stands is proven still"


def test_a_plan_whose_folder_is_gone_is_made_again_and_applied_when_it_does_the_same(yard: Yard) -> None:
    env = standing(yard, "folder")
    run = carry(ask(yard, env, set={"alarms.enabled": False}))
    ended(run, "waiting")
    (folder,) = (get_settings().data / "work").glob(f"{env.uid}-*")
    shutil.rmtree(folder)  # as on another machine

    seen = run.plan
    run = carry(approve(yard.user, run, confirmation=env.slug))
    ended(run, "succeeded")
    assert run.events.filter(message__startswith="Plan:").count() == 2
    assert (run.plan["content"], run.approved_by) == (seen["content"], yard.user)
    assert run.plan["digest"] != seen["digest"]
    assert alarms(yard, env) == []


@pytest.mark.parametrize("changed", ["the state that it was made on", "the record"])
def test_a_plan_that_is_another_by_now_is_asked_for_again(yard: Yard, changed: str) -> None:
    env = standing(yard, "state" if "state" in changed else "edited")
    run = carry(ask(yard, env, set={"alarms.enabled": False}))
    ended(run, "waiting")
    (folder,) = (get_settings().data / "work").glob(f"{env.uid}-*")
    if changed == "the record":
        shutil.rmtree(folder)
        edit_record(env, "retention_days = 14", "retention_days = 30")
    else:
        _touch_state(env)

    first = run.plan["digest"]
    run = carry(approve(yard.user, run, confirmation=env.slug))
    ended(run, "waiting")
    assert (run.plan["digest"] != first, run.approved_by) == (True, None)
    assert alarms(yard, env), "nothing was applied"
    ended(carry(approve(yard.user, run, confirmation=env.slug)), "succeeded")
    assert alarms(yard, env) == []


def test_by_a_rule_platform_staff_approve_a_create_and_a_destroy(yard: Yard) -> None:
    yard.org.sandbox.approvals = [
        {"kinds": ["create"], "types": ["aws_sqs_queue"], "role": "platform", "note": "Queues cost."},
        {"kinds": ["destroy"], "types": ["aws_sqs_queue"], "actions": ["delete"], "role": "platform"},
    ]
    yard.org.sandbox.save()

    turned_down = carry(yard.create("no"))
    ended(turned_down, "waiting")
    assert "Queues cost." in log_of(turned_down)
    turned_down = carry(reject(yard.user, turned_down))
    env = ended(turned_down, "cancelled")
    assert env.status == "failed"
    assert not (RECORD / env.record_folder).exists()
    assert_nothing_is_left(yard, turned_down)

    run = carry(yard.create("yes"))
    ended(run, "waiting")
    with pytest.raises(Forbidden):
        approve(yard.user, run)
    env = ended(carry(approve(yard.org.platform, run)), "succeeded")
    assert env.status == "ready"

    gone = carry(yard.destroy(env))
    ended(gone, "waiting")
    assert {c["action"] for c in gone.plan["changes"]} == {"delete"}
    gone = carry(approve(yard.org.platform, gone, confirmation=env.slug))
    ended(gone, "succeeded")
    assert_nothing_is_left(yard, gone)


def _touch_state(env: Environment) -> None:
    """As if another Terraform had written the state meanwhile."""
    with psycopg.connect(database_url(get_settings()), autocommit=True) as states:
        states.execute(f'SET search_path TO "{env.state_name}"')
        (data,) = states.execute("SELECT data FROM states").fetchone() or ("",)
        state = json.loads(data)
        state["serial"] += 1
        states.execute("UPDATE states SET data = %s", [json.dumps(state)])


def test_a_failed_change_stays_as_terraform_left_it_and_can_be_tried_again_or_taken_back(yard: Yard) -> None:
    env = standing(yard, "failed")
    good = env.commit
    yard.emulator.fail("ecs:RegisterTaskDefinition")
    wish = {"container.cpu": 512, "container.memory": 1024}
    run = carry(ask(yard, env, set=wish))

    env = ended(run, "failed")
    assert "aws_ecs_task_definition" in run.error
    assert {s.name: s.status for s in run.stages.all()}["survey"] == "done"
    assert env.status == "ready", "what stands was proven again"
    assert all(h["ok"] for h in env.hops)
    assert task_of(yard, env)["cpu"] == "256"

    yard.emulator.clear_faults()
    env = ended(carry(changes.retry(yard.user, env, via="api")), "succeeded")
    assert task_of(yard, env)["cpu"] == "512"

    yard.emulator.fail("ecs:RegisterTaskDefinition")
    env = ended(carry(ask(yard, env, set={"container.cpu": 1024, "container.memory": 2048})), "failed")
    yard.emulator.clear_faults()
    assert changes.last_good_commit(env) not in (good, env.commit)
    env = ended(carry(changes.back_to_last_good(yard.user, env, via="api")), "succeeded")
    assert (task_of(yard, env)["cpu"], env.settings["container.cpu"]) == ("512", 512)
    with pytest.raises(Conflict, match="already"):
        changes.back_to_last_good(yard.user, env, via="api")


def test_a_service_that_is_gone_is_built_again_and_does_not_hinder_the_destroy(yard: Yard) -> None:
    env = standing(yard, "half")
    ecs = yard.access(env.sandbox).client("ecs")
    ecs.delete_service(cluster=env.outputs["cluster_name"], service=env.slug, force=True)
    env = ended(carry(ask(yard, env, set={"scaling.max": 3})), "succeeded")
    assert task_of(yard, env)["cpu"] == "256"

    yard.emulator.fail("sqs:DeleteQueue")
    half = carry(yard.destroy(env))
    env = ended(half, "attention")
    with pytest.raises(Conflict, match="as a whole"):
        ask(yard, env, set={"container.cpu": 512})
    yard.emulator.clear_faults()

    gone = carry(yard.destroy(env))
    ended(gone, "succeeded")
    assert_nothing_is_left(yard, gone)


def test_a_killed_worker_is_taken_over_and_what_was_approved_is_done_without_asking_again(
    yard: Yard, start_worker: StartWorker
) -> None:
    def rests(run: Run) -> str:
        until(lambda: Run.objects.get(pk=run.pk).status not in ("queued", "running"), "it rests")
        run.refresh_from_db()
        return str(run.status)

    first = start_worker()
    built = yard.create("killed")
    assert rests(built) == "succeeded", log_of(built)
    env = Environment.objects.get(pk=built.environment_id)
    run = ask(yard, env, set={"alarms.enabled": False})
    assert rests(run) == "waiting", log_of(run)
    approve(yard.user, run, confirmation=env.slug)
    until(at_stage(run, "apply"), "apply")
    first.kill()
    first.wait()
    start_worker()

    assert rests(run) == "succeeded", log_of(run)
    assert run.takeovers == 1
    env = ended(run, "succeeded")
    assert (env.status, alarms(yard, env)) == ("ready", [])
