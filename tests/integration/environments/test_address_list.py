"""The record holds the list of blocks: written by a worker after a claim or a release, one commit per difference."""

import subprocess
from pathlib import Path

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import AddressPool
from stackyard.environments.addresses import claim_block, note_block, release_blocks, release_noted
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.runs.addresses import FILE, record_list
from stackyard.settings import Settings, get_settings


@pytest.fixture
def org(transactional_db: None) -> Organisation:
    return make_organisation()


@pytest.fixture
def pool(org: Organisation) -> AddressPool:
    return AddressPool.objects.create(name="corp", block="10.20.0.0/16")


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """Settings whose record is this test's own."""
    return get_settings().model_copy(update={"data": tmp_path})


def lines(here: Settings) -> list[str]:
    return (here.data / "record" / FILE).read_text().splitlines()


def commits(here: Settings) -> int:
    arguments = ["git", "rev-list", "--count", "HEAD", "--", FILE]
    return int(subprocess.run(arguments, cwd=here.data / "record", check=True, capture_output=True, text=True).stdout)


def called() -> int:
    return ProcrastinateJob.objects.filter(task_name="stackyard.record_addresses", status="todo").count()


def test_the_list_follows_claims_and_releases_with_one_commit_each(
    org: Organisation, pool: AddressPool, here: Settings
) -> None:
    env = create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="api").environment
    block = note_block(org.platform, pool, purpose="=the office", wanted="10.20.64.0/20")
    claim_block(pool, 26, purpose="own subnets", environment=env)
    record_list(here)
    record_list(here)

    head, first, second = lines(here)
    assert commits(here) == 1, "no commit when nothing differs"
    assert head.startswith("pool,block,first,last,addresses,purpose,environment,sandbox,department,account_id,since")
    assert first.startswith(
        "corp,10.20.0.0/26,10.20.0.0,10.20.0.63,64,own subnets,shop-dev,commerce-dev,commerce,111122223333,"
    )
    assert second.startswith("corp,10.20.64.0/20,10.20.64.0,10.20.79.255,4096,'=the office,,,,,")

    release_noted(org.platform, block)
    release_blocks(env)
    record_list(here)
    assert lines(here) == [head]
    assert commits(here) == 2


def test_a_claim_calls_for_a_worker_once_and_only_when_it_is_committed(org: Organisation, pool: AddressPool) -> None:
    with connection.cursor() as cursor:  # no model of Django's, so no test before this one has emptied it
        cursor.execute("DELETE FROM procrastinate_jobs")
    with transaction.atomic():
        claim_block(pool, 26, purpose="x")
        transaction.set_rollback(True)
    assert called() == 0
    for _ in range(3):
        claim_block(pool, 26, purpose="x")
    assert called() == 1


def test_the_list_comes_to_a_remote_on_top_of_what_others_pushed(
    org: Organisation, pool: AddressPool, here: Settings, tmp_path: Path
) -> None:
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(remote)], check=True)
    machines = [here.model_copy(update={"data": tmp_path / name, "record_remote": str(remote)}) for name in "ab"]
    for number, machine in enumerate((*machines, *machines)):
        machine.data.mkdir(exist_ok=True)
        claim_block(pool, 26, purpose=f"number {number}")
        record_list(machine)
    shown = subprocess.run(["git", "show", f"main:{FILE}"], cwd=remote, check=True, capture_output=True, text=True)
    assert len(shown.stdout.splitlines()) == 5
