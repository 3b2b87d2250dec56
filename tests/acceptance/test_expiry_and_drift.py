"""As an owner I need not remember: what expires goes by itself, and what somebody changed by hand is found."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from stackyard.cmdb.models import Environment, Notice, Run
from stackyard.environments import drift
from stackyard.environments.drift import digest_of
from stackyard.runs.database import in_database
from stackyard.runs.worker import work
from stackyard.settings import get_settings
from tests.acceptance.test_change import carry, deploy, ended, standing
from tests.acceptance.test_recovery import assert_nothing_is_left
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey


def work_until(condition: Callable[[], Any], what: str) -> None:
    """Let a worker work, with nobody asking for anything, until this is so."""

    async def working() -> None:
        worker = asyncio.create_task(work(get_settings(), install_signal_handlers=False))
        try:
            async with asyncio.timeout(60):
                while not await in_database(condition):
                    if worker.done():
                        worker.result()
                    await asyncio.sleep(0.1)
        finally:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    try:
        asyncio.run(working())
    except TimeoutError:
        raise AssertionError(f"did not happen: {what}") from None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that looks after things each second, and that tries again at once."""
    for name, value in {"LEASE_SECONDS": "3", "DESTROY_TRIES": "2", "DESTROY_PAUSE_MINUTES": "0"}.items():
        monkeypatch.setenv(f"STACKYARD_{name}", value)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def look(yard: Yard, env: Environment) -> Environment:
    return ended(carry(drift.look(yard.user, env, via="api")), "succeeded")


def differences(env: Environment) -> dict[tuple[str, str], tuple[Any, Any]]:
    return {
        (r["address"], a["path"]): (a["before"], a["after"])
        for r in env.drift.get("resources", [])
        for a in r["attributes"]
    }


def test_what_somebody_changed_by_hand_is_found_put_back_or_accepted(yard: Yard) -> None:
    env = standing(yard, "drifts")
    deploy(yard, env, "example.com/app:7")
    ecs = yard.access(env.sandbox).client("ecs")
    ecs.update_service(cluster=env.outputs["cluster_name"], service=env.slug, desiredCount=2)
    before = env.history.count()
    env = look(yard, env)
    assert (env.drift, env.status) == ({}, "ready"), "what the application deploys is its own affair"
    assert env.drift_checked_at is not None
    assert not Notice.objects.exists()

    logs = yard.access(env.sandbox).client("logs")
    logs.put_retention_policy(logGroupName=env.outputs["log_group_name"], retentionInDays=3)
    env = look(yard, env)

    retention = {("module.service.aws_cloudwatch_log_group.this", "retention_in_days"): (14, 3)}
    assert differences(env) == retention
    assert (env.status, env.history.count()) == ("ready", before), "to look at it is no change of it"
    told = Notice.objects.get(kind="drift", settled_at=None)
    assert "aws_cloudwatch_log_group" in told.message

    env = ended(carry(drift.repair(yard.user, env, via="api")), "succeeded")
    assert retention_of(yard, env) == 14
    assert (env.drift, Notice.objects.filter(settled_at=None).count()) == ({}, 0)

    sqs = yard.access(env.sandbox).client("sqs")
    sqs.tag_queue(QueueUrl=env.outputs["queue_url"], Tags={"by-hand": "yes"})
    env = look(yard, env)
    assert differences(env) == {("module.queue.aws_sqs_queue.this", "tags.by-hand"): (None, "yes")}
    accepted = carry(drift.accept(yard.user, env, via="api", seen=digest_of(env)))
    env = ended(accepted, "succeeded")
    assert (env.drift, env.status) == ({}, "ready")
    assert "by-hand" in sqs.list_queue_tags(QueueUrl=env.outputs["queue_url"])["Tags"]
    assert env.history.filter(history_change_reason__startswith="Drift accepted", history_user=yard.user).exists()
    assert Notice.objects.filter(kind="drift").count() == 2, "accepting looked again, and told nothing twice"
    assert look(yard, env).drift == {}, "it counts as applied now"


def retention_of(yard: Yard, env: Environment) -> int:
    groups = (
        yard.access(env.sandbox).client("logs").describe_log_groups(logGroupNamePrefix=env.outputs["log_group_name"])
    )
    return int(groups["logGroups"][0]["retentionInDays"])


@pytest.mark.usefixtures("quick")
def test_what_expires_is_destroyed_with_nobody_asking_and_a_failure_is_told(yard: Yard) -> None:
    env = standing(yard, "expires")
    assert env.expires_at is not None
    long_ago = timezone.now() - dt.timedelta(days=2)
    Environment.objects.filter(pk=env.pk).update(expires_at=long_ago)
    yard.emulator.fail("sqs:DeleteQueue")

    work_until(Notice.objects.filter(kind="destroy_failed").exists, "platform staff are told")

    tries = list(Run.objects.filter(environment=env, kind="destroy").order_by("id"))
    assert [(r.status, r.via, r.requested_by, r.priority) for r in tries] == [
        ("attention", "schedule", env.owner, 10),
        ("attention", "schedule", env.owner, 10),
    ]
    notice = Notice.objects.get(kind="destroy_failed")
    assert notice.for_platform
    assert "could not be destroyed in 2 tries" in notice.message
    assert "AccessDenied" in notice.message

    yard.emulator.clear_faults()
    Run.objects.filter(pk=tries[0].pk).update(created_at=long_ago - dt.timedelta(days=1))  # as if one try were left
    work_until(lambda: Environment.objects.get(pk=env.pk).is_gone, "it is gone")
    last = Run.objects.filter(environment=env).latest("id")
    assert (last.status, last.via) == ("succeeded", "schedule"), log_of(last)
    assert_nothing_is_left(yard, last)
    work_until(lambda: not Notice.objects.filter(settled_at=None).exists(), "nobody needs to look any more")
