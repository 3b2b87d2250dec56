"""What a sandbox's account is asked: components that it has already, the zone above its own, and for patience."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from tests.factories import Organisation, make_organisation

from stackyard.aws.check import check_sandbox
from stackyard.aws.checks.parent import delegation_left, parent_zone
from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.inventory import leftovers
from stackyard.aws.own_components import GIVEN, complete, problems_of
from stackyard.aws.sessions import SandboxAccess, told_of_throttling
from stackyard.cmdb.models import Sandbox
from stackyard.environments import sandboxes
from stackyard.environments.create import create
from stackyard.environments.pools import PoolRequest, create_pool
from stackyard.environments.requests import CreateRequest
from stackyard.environments.sandboxes import SandboxRequest
from stackyard.errors import Conflict, Invalid, Unavailable
from stackyard.runs.baseline import as_hop

ACCOUNTS = count(820000000000)
ZONE, ABOVE = "team.dev.example.com", "dev.example.com"


@pytest.fixture
def access(emulator: Emulator) -> Iterator[SandboxAccess]:
    account = f"{next(ACCOUNTS):012d}"
    yield SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)
    emulator.clear_faults()


@pytest.fixture
def parent(emulator: Emulator) -> SandboxAccess:
    account = f"{next(ACCOUNTS):012d}"
    return SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/dns", "", emulator.endpoint)


@pytest.fixture
def facts(access: SandboxAccess) -> BaselineFacts:
    return seed_baseline(access, zone_name=ZONE, vpc_cidr="10.40.0.0/20")


def given(facts: BaselineFacts) -> dict[str, Any]:
    return {name: value for name, value in facts.as_dict().items() if name in GIVEN}


def test_a_person_gives_ids_and_aws_tells_the_rest(access: SandboxAccess, facts: BaselineFacts) -> None:
    ids = given(facts)
    assert list(problems_of(ids, account_id=access.account_id, region=access.region)) == []
    assert complete(access, ids) == facts.as_dict()


@pytest.mark.parametrize(
    ("name", "value"),
    [("vpc_id", "vpc-00000000"), ("zone_id", "Z00000000000"), ("alb_arn", "{}0")],
)
def test_what_is_not_there_is_named(access: SandboxAccess, facts: BaselineFacts, name: str, value: str) -> None:
    ids = given(facts)
    ids[name] = value.format(ids[name])
    with pytest.raises(Invalid) as error:
        complete(access, ids)
    assert [p.field for p in error.value.problems] == [f"facts.{name}"]
    assert "There is no" in error.value.problems[0].message


def test_a_load_balancer_without_redirect_is_not_enough(access: SandboxAccess, facts: BaselineFacts) -> None:
    access.client("elbv2").delete_listener(ListenerArn=facts.http_listener_arn)
    with pytest.raises(Invalid, match="no listener on port 80"):
        complete(access, given(facts))


@pytest.fixture
def org(transactional_db: None) -> Organisation:
    return make_organisation()


def own(org: Organisation, access: SandboxAccess, facts: BaselineFacts, **changes: Any) -> Sandbox:
    request = SandboxRequest(
        name="brought",
        department="commerce",
        account_id=access.account_id,
        region=access.region,
        role_arn=access.role_arn,
        zone_name=ZONE,
        emulated=True,
        facts={**given(facts), **changes},
    )
    return sandboxes.add(org.platform, request)


def test_an_account_with_components_of_its_own_is_ready_once_they_are_checked(
    org: Organisation, access: SandboxAccess, facts: BaselineFacts
) -> None:
    sandbox = own(org, access, facts)
    assert sandbox.status == "new"
    found = sandboxes.check(org.platform, sandbox)
    assert [f for f in found if f.ok is False] == []
    sandbox.refresh_from_db()
    assert (sandbox.status, sandbox.facts) == ("ready", facts.as_dict())
    create(org.requester, CreateRequest("shop", "ecs-worker", "dev", sandbox="brought"), via="api")
    # What is checked again tells the same, and other ids have to be checked first.
    assert sandboxes.check(org.platform, sandbox) == found
    request = SandboxRequest.of(sandbox)
    assert request.facts == given(facts)


def test_it_is_not_ready_while_something_is_wrong_and_what_is_told(
    org: Organisation, access: SandboxAccess, facts: BaselineFacts
) -> None:
    sandbox = own(org, access, facts, vpc_id="vpc-00000000")
    wrong = {f.title: f for f in sandboxes.check(org.platform, sandbox) if f.ok is False}
    assert wrong["Components"].found == "There is no vpc-00000000 in the account."
    sandbox.refresh_from_db()
    assert sandbox.status == "new"

    corrected = sandboxes.update(org.platform, sandbox, SandboxRequest.of(own_again := sandbox))
    assert corrected.facts == own_again.facts
    access.client("ecs").delete_cluster(cluster=facts.cluster_name)
    Sandbox.objects.filter(pk=sandbox.pk).update(facts=given(facts))
    sandbox.refresh_from_db()
    assert {f.title for f in sandboxes.check(org.platform, sandbox) if f.ok is False} == {"ECS cluster"}
    sandbox.refresh_from_db()
    assert sandbox.status == "new"


def test_a_zone_of_another_name_is_not_taken(org: Organisation, access: SandboxAccess, facts: BaselineFacts) -> None:
    sandbox = own(org, access, facts)
    Sandbox.objects.filter(pk=sandbox.pk).update(zone_name="other.example.org")
    sandbox.refresh_from_db()
    (zone,) = (f for f in sandboxes.check(org.platform, sandbox) if f.title == "Zone")
    assert (zone.ok, f"is {ZONE}" in zone.found) == (False, True)
    sandbox.refresh_from_db()
    assert sandbox.status == "new"


def test_a_role_of_another_account_is_found_by_asking_who_it_is(
    org: Organisation, access: SandboxAccess, facts: BaselineFacts
) -> None:
    sandbox = own(org, access, facts)
    Sandbox.objects.filter(pk=sandbox.pk).update(role_arn="arn:aws:iam::820999999999:role/stackyard")
    sandbox.refresh_from_db()
    (finding,) = sandboxes.check(org.platform, sandbox)
    assert finding.ok is False
    assert "opens account 820999999999, but the sandbox is account" in finding.found


# Before anything is built


def fresh(org: Organisation, access: SandboxAccess) -> Sandbox:
    pool = create_pool(org.platform, PoolRequest("corp", "10.20.0.0/18"))
    request = SandboxRequest(
        name="fresh",
        department="commerce",
        account_id=access.account_id,
        region=access.region,
        role_arn=access.role_arn,
        zone_name=ZONE,
        pool=pool.name,
        emulated=True,
    )
    return sandboxes.add(org.platform, request)


def test_a_block_that_the_account_uses_already_is_neither_offered_nor_claimed(
    org: Organisation, access: SandboxAccess
) -> None:
    sandbox = fresh(org, access)
    access.client("ec2").create_vpc(CidrBlock="10.20.0.0/21")
    block = next(f for f in sandboxes.check(org.platform, sandbox) if f.title == "Address block")
    assert (block.ok, block.found) == (True, "10.20.16.0/20 overlaps with nothing.")
    with pytest.raises(Invalid, match=r"vpc_cidr: 10.20.0.0/20 overlaps with 10.20.0.0/21 of the network vpc-"):
        sandboxes.bootstrap(org.platform, sandbox, {}, vpc_cidr="10.20.0.0/20", via="api")
    run = sandboxes.bootstrap(org.platform, sandbox, {}, via="api")
    assert str(run.environment.address_blocks.get().block) == "10.20.16.0/20"


def test_the_network_that_is_just_being_built_is_in_nobody_s_way(org: Organisation, access: SandboxAccess) -> None:
    sandbox = fresh(org, access)
    baseline = sandboxes.bootstrap(org.platform, sandbox, {}, via="api").environment
    (held,) = baseline.address_blocks.all()
    ec2 = access.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=str(held.block))["Vpc"]["VpcId"]

    def block() -> tuple[bool | None, str]:
        found = next(f for f in sandboxes.check(org.platform, sandbox) if f.title == "Address block")
        return found.ok, found.found

    assert block() == (False, f"{held.block} overlaps with {held.block} of the network {vpc}.")
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": k, "Value": v} for k, v in baseline.tags.items()])
    assert block() == (True, f"{held.block} overlaps with nothing.")


def test_a_pool_that_has_nothing_for_this_account_says_so(org: Organisation, access: SandboxAccess) -> None:
    sandbox = fresh(org, access)
    for number in range(0, 64, 16):
        access.client("ec2").create_vpc(CidrBlock=f"10.20.{number}.0/24")
    block = next(f for f in sandboxes.check(org.platform, sandbox) if f.title == "Address block")
    assert (block.ok, block.found) == (False, "Pool corp has no /20 that is free there and in the account.")
    with pytest.raises(Conflict):
        sandboxes.bootstrap(org.platform, sandbox, {}, via="api")
    assert sandboxes.baseline_of(sandbox) is None


def test_nothing_is_claimed_in_an_account_that_does_not_open(
    org: Organisation, access: SandboxAccess, emulator: Emulator
) -> None:
    sandbox = fresh(org, access)
    emulator.fail("sts:AssumeRole", times=1)
    with pytest.raises(Conflict, match="AWS refused the role"):
        sandboxes.bootstrap(org.platform, sandbox, {}, via="api")
    Sandbox.objects.filter(pk=sandbox.pk).update(role_arn="arn:aws:iam::820999999999:role/stackyard")
    sandbox.refresh_from_db()
    with pytest.raises(Conflict, match="opens account 820999999999"):
        sandboxes.bootstrap(org.platform, sandbox, {}, via="api")
    assert sandboxes.baseline_of(sandbox) is None


def test_a_pool_is_needed(org: Organisation, access: SandboxAccess) -> None:
    sandbox = fresh(org, access)
    sandbox = sandboxes.update(org.platform, sandbox, replace(SandboxRequest.of(sandbox), pool=""))
    block = next(f for f in sandboxes.check(org.platform, sandbox) if f.title == "Address block")
    assert (block.ok, block.found, block.fix) == (False, "The sandbox has no address pool.", "Give it one.")


def test_every_finding_is_told_with_what_was_looked_at(
    access: SandboxAccess, facts: BaselineFacts, parent: SandboxAccess
) -> None:
    found = check_sandbox(
        access,
        facts,
        zone_name=ZONE,
        vpc_cidr=facts.vpc_cidr,
        other_cidrs=[],
        parent=parent,
        parent_zone_id=zone_above(parent),
    )
    hops = [as_hop(finding) for finding in found]
    assert len({hop.name for hop in hops}) == len(hops) == 14
    assert [hop.title for hop in hops if not hop.checked] == []


# The zone above


def zone_above(parent: SandboxAccess, name: str = ABOVE) -> str:
    made = parent.client("route53").create_hosted_zone(Name=name, CallerReference=str(uuid.uuid4()))
    return str(made["HostedZone"]["Id"]).removeprefix("/hostedzone/")


def delegate(parent: SandboxAccess, zone_id: str, *servers: str) -> None:
    record = {"Name": ZONE, "Type": "NS", "TTL": 60, "ResourceRecords": [{"Value": f"{s}."} for s in servers]}
    parent.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )


def test_an_empty_zone_above_is_right_for_a_sandbox_that_is_not_built(
    access: SandboxAccess, parent: SandboxAccess
) -> None:
    verdict = parent_zone(access, None, parent, zone_above(parent), ZONE)
    assert verdict.ok
    assert ABOVE in verdict.found


def test_a_zone_that_somebody_else_has_is_not_taken(access: SandboxAccess, parent: SandboxAccess) -> None:
    zone_id = zone_above(parent)
    delegate(parent, zone_id, "ns-1.example.net")
    verdict = parent_zone(access, None, parent, zone_id, ZONE)
    assert verdict.ok is False
    assert verdict.found == f"{ABOVE} delegates {ZONE} to ns-1.example.net already."
    assert zone_id in verdict.fix


@pytest.mark.parametrize(("name", "said"), [("", "There is no hosted zone"), ("example.org", "does not lie in it")])
def test_a_wrong_zone_above_is_named(access: SandboxAccess, parent: SandboxAccess, name: str, said: str) -> None:
    verdict = parent_zone(access, None, parent, zone_above(parent, name) if name else "Z00000000000", ZONE)
    assert (verdict.ok, said in verdict.found) == (False, True)


def test_a_role_that_does_not_open_the_zone_above_is_named(
    access: SandboxAccess, parent: SandboxAccess, emulator: Emulator
) -> None:
    emulator.fail("sts:AssumeRole", times=1)
    verdict = parent_zone(access, None, parent, "Z00000000000", ZONE)
    assert (verdict.ok, parent.role_arn in verdict.found) == (False, True)


def test_the_record_above_must_say_what_the_zone_has(
    access: SandboxAccess, facts: BaselineFacts, parent: SandboxAccess
) -> None:
    zone_id = zone_above(parent)
    assert parent_zone(access, facts, parent, zone_id, ZONE).ok is False
    delegate(parent, zone_id, "ns-1.example.net")
    assert parent_zone(access, facts, parent, zone_id, ZONE).ok is False
    own_servers = access.client("route53").get_hosted_zone(Id=facts.zone_id)["DelegationSet"]["NameServers"]
    delegate(parent, zone_id, *own_servers)
    assert parent_zone(access, facts, parent, zone_id, ZONE).ok is True
    (left,) = delegation_left(parent, zone_id, ZONE)
    assert (left.kind, left.id, zone_id in left.how_to_clear) == ("record", f"NS {ZONE}", True)


def test_when_the_zone_above_cannot_be_asked_nothing_is_proven(parent: SandboxAccess, emulator: Emulator) -> None:
    zone_id = zone_above(parent)
    assert delegation_left(parent, zone_id, ZONE) == []
    emulator.fail("route53:ListResourceRecordSets", times=1)
    with pytest.raises(Unavailable, match="parent zone"):
        delegation_left(parent, zone_id, ZONE)
    emulator.clear_faults()


# Patience


def test_throttling_is_tried_again_and_told(access: SandboxAccess, emulator: Emulator) -> None:
    told: list[str] = []
    emulator.fail("ec2:DescribeVpcs", code="RequestLimitExceeded", status=503, times=2)
    with told_of_throttling(access, told.append):
        assert access.client("ec2").describe_vpcs()["Vpcs"]
    assert [line.partition(".")[0] for line in told] == [
        "AWS asks for patience (ec2:DescribeVpcs: RequestLimitExceeded)"
    ] * 2
    emulator.fail("ec2:DescribeVpcs", code="RequestLimitExceeded", status=503, times=1)
    access.client("ec2").describe_vpcs()
    assert len(told) == 2


def test_a_denied_call_is_not_called_throttling(access: SandboxAccess, emulator: Emulator) -> None:
    told: list[str] = []
    emulator.fail("ecr:DescribeRepositories", times=1)
    with told_of_throttling(access, told.append), pytest.raises(Unavailable):
        leftovers(access, tag_key="stackyard:environment", tag_value="u", name="n")
    assert told == []
