"""What is missing in a sandbox's account is told in plain words, each thing under its own title."""

import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from tests.integration.test_probe import HERE, DnsServer

from stackyard.aws.check import Finding, check_sandbox
from stackyard.aws.checks.delegation import delegation_problem
from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Invalid

ACCOUNTS = count(720000000001)
CIDR = "10.0.0.0/16"
PARENT, ZONE = "example.com", "dev.example.com"
STANDING = ["VPC", "Subnets", "ECS cluster", "Load balancer", "HTTPS listener", "Certificate"]
ALWAYS = [
    "Role and account",
    "VPCs",
    "Elastic IP addresses",
    "Rules of the load balancer",
    "Fargate vCPUs",
    "Delegation of the zone",
    "Address block",
]


@pytest.fixture
def access(emulator: Emulator) -> SandboxAccess:
    account = str(next(ACCOUNTS))
    return SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)


@pytest.fixture
def facts(access: SandboxAccess) -> BaselineFacts:
    made = seed_baseline(access, zone_name=ZONE, vpc_cidr=CIDR)
    parent_zone(access, name_servers(access, made.zone_id))
    return made


def name_servers(access: SandboxAccess, zone_id: str) -> list[str]:
    found: list[str] = access.client("route53").get_hosted_zone(Id=zone_id)["DelegationSet"]["NameServers"]
    return found


def parent_zone(access: SandboxAccess, servers: list[str], action: str = "CREATE") -> None:
    route53 = access.client("route53")
    zones = {zone["Name"]: zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]}
    zone = zones.get(f"{PARENT}.") or route53.create_hosted_zone(Name=PARENT, CallerReference="-")["HostedZone"]["Id"]
    record = {"Name": ZONE, "Type": "NS", "TTL": 60, "ResourceRecords": [{"Value": f"{name}."} for name in servers]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    )


def check(
    access: SandboxAccess,
    facts: BaselineFacts | None,
    *,
    cidr: str = CIDR,
    others: list[str] | None = None,
    **more: Any,
) -> dict[str, Finding]:
    zone = facts.zone_name if facts else ZONE
    found = check_sandbox(access, facts, zone_name=zone, vpc_cidr=cidr, other_cidrs=others or [], **more)
    return {finding.title: finding for finding in found}


def bad(findings: dict[str, Finding]) -> list[str]:
    """Titles of what is not right. What is wrong always has a fix."""
    wrong = [title for title, finding in findings.items() if finding.ok is False]
    assert all(findings[title].fix for title in wrong)
    return wrong


def test_a_sandbox_with_its_baseline_is_fit(access: SandboxAccess, facts: BaselineFacts) -> None:
    found = check(access, facts)
    assert list(found) == ALWAYS + STANDING
    unknown = {title for title, finding in found.items() if finding.ok is not True}
    assert unknown == {"Fargate vCPUs", "Elastic IP addresses"}, found  # limits that the emulator does not know
    assert all("how many may be is not known: Service Quotas did not tell" in found[title].found for title in unknown)
    assert found["Role and account"].found.endswith(f"opens account {access.account_id}.")
    assert found["VPCs"].found == "2 of 5 are used."
    assert found["Rules of the load balancer"].found == "0 of 100 are used."


def test_an_empty_account_is_fit_for_a_baseline(access: SandboxAccess) -> None:
    found = check(access, None)
    assert (list(found), bad(found)) == (ALWAYS, [])
    assert (
        found["Delegation of the zone"].found == "There is no hosted zone dev.example.com yet; the baseline makes it."
    )
    assert found["Rules of the load balancer"].ok is None


def test_a_role_that_cannot_be_assumed_is_the_only_finding(access: SandboxAccess, emulator: Emulator) -> None:
    emulator.fail("sts:AssumeRole", times=1)
    found = check(access, None)
    assert (list(found), bad(found)) == (["Role and account"], ["Role and account"])
    assert "AWS refused the role" in found["Role and account"].found
    assert "external id" in found["Role and account"].fix


def test_a_role_of_another_account_is_named(access: SandboxAccess) -> None:
    other = replace(access, account_id="999999999999")
    found = check(other, None)
    assert list(found) == ["Role and account"]
    assert (
        f"opens account {access.account_id}, but the sandbox is account 999999999999" in found["Role and account"].found
    )


def test_a_full_account_is_named(access: SandboxAccess) -> None:
    for number in range(4):  # and the default VPC
        access.client("ec2").create_vpc(CidrBlock=f"192.168.{number}.0/24")
    found = check(access, None)
    assert bad(found) == ["VPCs"]
    assert found["VPCs"].found == "5 of 5 are used."


def test_a_full_account_is_enough_for_the_baseline_that_it_has(access: SandboxAccess, facts: BaselineFacts) -> None:
    for number in range(3):
        access.client("ec2").create_vpc(CidrBlock=f"192.168.{number}.0/24")
    found = check(access, facts)["VPCs"]
    assert (found.ok, found.found) == (True, "5 of 5 are used.")


def test_an_action_that_is_denied_makes_only_its_finding_unknown(
    access: SandboxAccess, facts: BaselineFacts, emulator: Emulator
) -> None:
    emulator.fail("ecs:DescribeClusters", times=1)
    found = check(access, facts)
    assert bad(found) == []
    assert (found["ECS cluster"].ok, "AccessDenied" in found["ECS cluster"].found) == (None, True)
    assert access.role_arn in found["ECS cluster"].fix


def test_a_block_of_another_sandbox_is_named(access: SandboxAccess, facts: BaselineFacts) -> None:
    found = check(access, facts, others=["10.1.0.0/16", "10.0.8.0/24"])
    assert bad(found) == ["Address block"]
    assert found["Address block"].found == "10.0.0.0/16 overlaps with 10.0.8.0/24 of another sandbox."


def vpc_in_the_block(access: SandboxAccess, facts: BaselineFacts) -> str:
    vpc: str = access.client("ec2").create_vpc(CidrBlock="10.0.4.0/24")["Vpc"]["VpcId"]
    return f"10.0.4.0/24 of the network {vpc}"


def second_block_of_a_vpc(access: SandboxAccess, facts: BaselineFacts) -> str:
    ec2 = access.client("ec2")
    vpc: str = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.0.0.0/20")
    return f"10.0.0.0/20 of the network {vpc}"


def peered_network(access: SandboxAccess, facts: BaselineFacts) -> str:
    """Of another account, so that its VPC is not among the account's own."""
    other = replace(
        access, account_id=f"8{access.account_id[1:]}", role_arn=f"arn:aws:iam::8{access.account_id[1:]}:role/x"
    )
    far = other.client("ec2").create_vpc(CidrBlock="10.0.128.0/20")["Vpc"]["VpcId"]
    peering: str = access.client("ec2").create_vpc_peering_connection(
        VpcId=facts.vpc_id, PeerVpcId=far, PeerOwnerId=other.account_id
    )["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    return f"10.0.128.0/20 of the peering {peering}"


def route_into_the_block(access: SandboxAccess, facts: BaselineFacts) -> str:
    ec2 = access.client("ec2")
    mine = [{"Name": "vpc-id", "Values": [facts.vpc_id]}]
    table = ec2.describe_route_tables(Filters=mine)["RouteTables"][0]["RouteTableId"]
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.0.64.0/24", GatewayId=gateway)
    return f"10.0.64.0/24 of a route in {table}"


@pytest.mark.parametrize(
    "take", [vpc_in_the_block, second_block_of_a_vpc, peered_network, route_into_the_block], ids=lambda f: f.__name__
)
def test_addresses_that_the_account_has_already_are_named(
    access: SandboxAccess, facts: BaselineFacts, take: Callable[[SandboxAccess, BaselineFacts], str]
) -> None:
    taken = take(access, facts)
    found = check(access, facts)
    assert bad(found) == ["Address block"]
    assert found["Address block"].found == f"10.0.0.0/16 overlaps with {taken}."


@pytest.mark.parametrize("cidr", ["10.0.0.1/16", "fd00::/64", "10.0.0.0/33", "internal", ""])
def test_what_is_no_address_block_is_refused(access: SandboxAccess, cidr: str) -> None:
    with pytest.raises(Invalid, match="vpc_cidr"):
        check(access, None, cidr=cidr)
    with pytest.raises(Invalid, match="other_cidrs"):
        check(access, None, others=[cidr])


def test_a_parent_zone_in_the_account_that_names_others_is_named(access: SandboxAccess, facts: BaselineFacts) -> None:
    parent_zone(access, ["ns1.elsewhere.net", "ns2.elsewhere.net"], "UPSERT")
    found = check(access, facts)
    own = ", ".join(sorted(name_servers(access, facts.zone_id)))
    assert bad(found) == ["Delegation of the zone"]
    assert found["Delegation of the zone"].found == (
        f"The parent of dev.example.com names ns1.elsewhere.net, ns2.elsewhere.net, but it has {own}."
    )
    assert found["Delegation of the zone"].fix.endswith(f"of type NS with the values {own}.")


def test_the_emulator_alone_cannot_tell_the_delegation(access: SandboxAccess) -> None:
    found = check(access, seed_baseline(access, zone_name=ZONE, vpc_cidr=CIDR))["Delegation of the zone"]
    assert (found.ok, found.found.startswith("The emulator has no DNS")) == (None, True)


def encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def parent_dns(delegated: list[str]) -> DnsServer:
    """One server that is this machine's resolver and `example.com`'s own: it refers to `delegated` for the zone."""
    server = DnsServer(zone={"ns.example.com": [HERE]})

    def reply(query: bytes) -> list[bytes]:
        place = query.index(b"\0", 12)
        kind = struct.unpack_from("!H", query, place + 1)[0]
        name, question = query[12 : place + 1], query[12 : place + 5]
        if kind != 2:
            return [server.answer(query)]
        recursive = bool(query[2] & 1)
        names = {encoded(PARENT): ["ns.example.com"]} if recursive else {encoded(ZONE): delegated}
        records = b""
        for value in names.get(name, []):
            data = encoded(value)
            records += b"\xc0\x0c" + struct.pack("!HHIH", 2, 1, 60, len(data)) + data
        counted = len(names.get(name, []))
        sections = (counted, 0) if recursive else (0, counted)  # a referral is no answer, but points to who knows
        code = 0 if recursive or delegated else 3
        return [query[:2] + struct.pack("!5H", 0x8180 | code, 1, *sections, 0) + question + records]

    server.reply = reply
    return server


@pytest.fixture
def undelegated(access: SandboxAccess) -> BaselineFacts:
    return seed_baseline(access, zone_name=ZONE, vpc_cidr=CIDR)


def test_a_delegation_that_dns_tells_is_right(access: SandboxAccess, undelegated: BaselineFacts) -> None:
    with parent_dns([name.upper() for name in name_servers(access, undelegated.zone_id)]).running() as resolver:
        found = check(access, undelegated, resolver=resolver)["Delegation of the zone"]
    assert found.ok is True, found


@pytest.mark.parametrize(
    ("delegated", "said"),
    [
        (["ns1.elsewhere.net"], "The parent of dev.example.com names ns1.elsewhere.net, but it has"),
        ([], "The parent of dev.example.com names none."),
    ],
)
def test_a_missing_or_wrong_delegation_in_dns_is_named(
    access: SandboxAccess, undelegated: BaselineFacts, delegated: list[str], said: str
) -> None:
    with parent_dns(delegated).running() as resolver:
        found = check(access, undelegated, resolver=resolver)
    assert bad(found) == ["Delegation of the zone"]
    assert found["Delegation of the zone"].found.startswith(said)


def test_a_dns_server_that_fails_leaves_the_delegation_unknown(
    access: SandboxAccess, undelegated: BaselineFacts
) -> None:
    with DnsServer(code=2).running() as resolver:
        found = check(access, undelegated, resolver=resolver)["Delegation of the zone"]
    assert (found.ok, "failed to find out" in found.found) == (None, True)


Break = Callable[[SandboxAccess, BaselineFacts], BaselineFacts | None]


def plain_listener(access: SandboxAccess, facts: BaselineFacts) -> BaselineFacts:
    return replace(facts, https_listener_arn=facts.http_listener_arn)


def narrow_certificate(access: SandboxAccess, facts: BaselineFacts) -> BaselineFacts:
    acm = access.client("acm")
    arn = acm.request_certificate(DomainName=f"shop.{ZONE}", ValidationMethod="DNS")["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return replace(facts, certificate_arn=arn)


def no_cluster(access: SandboxAccess, facts: BaselineFacts) -> None:
    access.client("ecs").delete_cluster(cluster=facts.cluster_arn)


def one_subnet_alone(access: SandboxAccess, facts: BaselineFacts) -> BaselineFacts:
    return replace(facts, database_subnet_ids=facts.database_subnet_ids[:1])


@pytest.mark.parametrize(
    ("change", "title", "said"),
    [
        (lambda a, f: replace(f, vpc_id="vpc-0000"), "VPC", "no vpc-0000 any more"),
        (lambda a, f: replace(f, vpc_cidr="10.2.0.0/16"), "VPC", "has 10.0.0.0/16, not 10.2.0.0/16"),
        (lambda a, f: replace(f, private_subnet_ids=("subnet-00", "subnet-01")), "Subnets", "no subnet-00, subnet-01"),
        (one_subnet_alone, "Subnets", "database subnets lie in one zone only"),
        (no_cluster, "ECS cluster", "inactive"),
        (lambda a, f: replace(f, alb_arn=f"{f.alb_arn}0"), "Load balancer", "There is no arn:"),
        (lambda a, f: replace(f, https_listener_arn=f"{f.https_listener_arn}0"), "HTTPS listener", "There is no arn:"),
        (plain_listener, "HTTPS listener", "It takes HTTP on port 80."),
        (lambda a, f: replace(f, certificate_arn=f"{f.certificate_arn}0"), "Certificate", "There is no arn:"),
        (narrow_certificate, "Certificate", "covers shop.dev.example.com, not *.dev.example.com"),
        (lambda a, f: replace(f, zone_id="Z00000000000000000000"), "Delegation of the zone", "no hosted zone Z0000"),
    ],
)
def test_what_is_not_there_any_more_is_named(
    access: SandboxAccess, facts: BaselineFacts, change: Break, title: str, said: str
) -> None:
    found = check(access, change(access, facts) or facts)
    assert title in bad(found)
    assert said in found[title].found


def knowing(server: DnsServer, says: bool) -> DnsServer:
    """The same server, which also has the SOA of the zone, or says that it does not know it."""
    before = server.reply
    assert before is not None

    def reply(query: bytes) -> list[bytes]:
        place = query.index(b"\0", 12)
        if struct.unpack_from("!H", query, place + 1)[0] != 6:
            return before(query)
        data = encoded("ns1.example.com") + encoded("hostmaster.example.com") + struct.pack("!5I", 1, 2, 3, 4, 5)
        record = b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, 60, len(data)) + data
        head = struct.pack("!5H", 0x8400 if says else 0x8005, 1, int(says), 0, 0)
        return [query[:2] + head + query[12 : place + 5] + (record if says else b"")]

    server.reply = reply
    return server


def test_before_a_certificate_is_waited_for_a_zone_that_answers_is_fine(
    access: SandboxAccess, undelegated: BaselineFacts
) -> None:
    servers = name_servers(access, undelegated.zone_id)
    dns = knowing(parent_dns(servers), True)
    dns.zone |= {name: [HERE] for name in servers}
    with dns.running() as resolver:
        assert delegation_problem(access, undelegated, ZONE, resolver) is None


def test_a_zone_whose_servers_do_not_know_it_is_a_problem(access: SandboxAccess, undelegated: BaselineFacts) -> None:
    servers = name_servers(access, undelegated.zone_id)
    dns = knowing(parent_dns(servers), False)
    dns.zone |= {name: [HERE] for name in servers}
    with dns.running() as resolver:
        problem = delegation_problem(access, undelegated, ZONE, resolver)
    assert problem is not None
    assert "No name server answers for it" in problem.message


def test_a_zone_that_its_parent_does_not_know_is_a_problem_and_says_what_to_write(
    access: SandboxAccess, undelegated: BaselineFacts
) -> None:
    with parent_dns([]).running() as resolver:
        problem = delegation_problem(access, undelegated, ZONE, resolver)
    assert problem is not None
    assert "names none. In the parent zone, make the record dev.example.com of type NS" in problem.message


def test_on_the_emulator_the_records_of_route53_are_compared(access: SandboxAccess, facts: BaselineFacts) -> None:
    assert delegation_problem(access, facts, ZONE) is None
    parent_zone(access, ["ns1.elsewhere.net"], "UPSERT")
    problem = delegation_problem(access, facts, ZONE)
    assert problem is not None
    assert "names ns1.elsewhere.net, but it has" in problem.message


def test_what_nobody_can_tell_is_no_problem(access: SandboxAccess, undelegated: BaselineFacts) -> None:
    assert delegation_problem(access, undelegated, ZONE) is None, "the emulator has no DNS, and the parent is elsewhere"
    assert delegation_problem(access, None, "not.yet.example.com") is None, "the run itself makes the zone"
    with DnsServer(code=2).running() as resolver:
        assert delegation_problem(access, undelegated, ZONE, resolver) is None
