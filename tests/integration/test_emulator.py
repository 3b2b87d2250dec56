"""The emulator as a process: it starts, answers, fails on request in each protocol, and ends with its parent."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import BASELINE_TAG, seed_baseline
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.inventory import leftovers
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Invalid, Unavailable, Unusable

ACCOUNTS = count(400000000001)
CLUSTER = {"clusterName": "one"}


def access_to(emulator: Emulator) -> SandboxAccess:
    account = str(next(ACCOUNTS))
    return SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "x-1", emulator.endpoint)


@pytest.fixture
def access(emulator: Emulator) -> SandboxAccess:
    return access_to(emulator)


@pytest.fixture
def faulty(emulator: Emulator) -> Iterator[Emulator]:
    """The shared emulator, without faults afterwards."""
    yield emulator
    emulator.clear_faults()


def test_each_role_opens_its_own_account(emulator: Emulator) -> None:
    first, second = access_to(emulator), access_to(emulator)
    first.confirm_account()
    second.confirm_account()
    first.client("ecs").create_cluster(**CLUSTER)
    assert first.client("ecs").list_clusters()["clusterArns"] == [
        f"arn:aws:ecs:eu-central-1:{first.account_id}:cluster/one"
    ]
    assert second.client("ecs").list_clusters()["clusterArns"] == []


def test_a_role_of_another_account_is_noticed(emulator: Emulator) -> None:
    mine, other = access_to(emulator), access_to(emulator)
    wrong = SandboxAccess(mine.account_id, mine.region, other.role_arn, "", mine.endpoint)
    with pytest.raises(Unusable, match=f"opens account {other.account_id}, but the sandbox is account"):
        wrong.confirm_account()


def test_a_seeded_baseline_is_whole_and_tagged(access: SandboxAccess) -> None:
    facts = seed_baseline(access, zone_name="dev.example.com", vpc_cidr="10.7.0.0/16")
    assert BaselineFacts.from_dict(facts.as_dict()) == facts
    ec2, elb = access.client("ec2"), access.client("elbv2")
    subnets = {
        item["SubnetId"]: (item["CidrBlock"], item["AvailabilityZone"])
        for item in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [facts.vpc_id]}])["Subnets"]
    }
    blocks = [[subnets[subnet][0] for subnet in kind] for kind in (facts.private_subnet_ids, facts.public_subnet_ids)]
    assert blocks == [["10.7.0.0/18", "10.7.64.0/18"], ["10.7.128.0/19", "10.7.160.0/19"]]
    for kind in (facts.private_subnet_ids, facts.public_subnet_ids, facts.database_subnet_ids):
        assert len({subnets[subnet][1] for subnet in kind}) == 2
    listeners = elb.describe_listeners(LoadBalancerArn=facts.alb_arn)["Listeners"]
    assert {item["Port"]: item["ListenerArn"] for item in listeners} == {
        80: facts.http_listener_arn,
        443: facts.https_listener_arn,
    }
    certificate = access.client("acm").describe_certificate(CertificateArn=facts.certificate_arn)["Certificate"]
    assert (certificate["Status"], certificate["DomainName"]) == ("ISSUED", "*.dev.example.com")
    tagged = leftovers(access, tag_key=BASELINE_TAG, tag_value=access.account_id, name="sandbox")
    ids = {item.id for item in tagged}
    assert {facts.vpc_id, facts.alb_arn, facts.alb_security_group_id, *facts.public_subnet_ids} <= ids
    assert facts.certificate_arn in ids


def call_ecs(access: SandboxAccess) -> None:
    access.client("ecs").create_cluster(**CLUSTER)


def call_elbv2(access: SandboxAccess) -> None:
    access.client("elbv2").describe_load_balancers()


def call_ec2(access: SandboxAccess) -> None:
    access.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")


def call_route53(access: SandboxAccess) -> None:
    record = {"Name": "a.example.com", "Type": "A", "TTL": 1, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    access.client("route53").change_resource_record_sets(
        HostedZoneId="Z1", ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )


def call_s3(access: SandboxAccess) -> None:
    access.client("s3").put_object(Bucket="bucket", Key="a/b", Body=b"-")


def call_lambda(access: SandboxAccess) -> None:
    access.client("lambda").list_functions()


def call_cloudwatch(access: SandboxAccess) -> None:
    access.client("cloudwatch").describe_alarms()


PROTOCOLS: list[tuple[str, str, Callable[[SandboxAccess], None]]] = [
    ("ecs:CreateCluster", "AccessDeniedException", call_ecs),
    ("elasticloadbalancing:DescribeLoadBalancers", "AccessDenied", call_elbv2),
    ("elasticloadbalancingv2:DescribeLoadBalancers", "AccessDenied", call_elbv2),
    ("elbv2:DescribeLoadBalancers", "AccessDenied", call_elbv2),
    ("ec2:CreateVpc", "UnauthorizedOperation", call_ec2),
    ("route53:ChangeResourceRecordSets", "AccessDenied", call_route53),
    ("s3:PutObject", "AccessDenied", call_s3),
    ("lambda:ListFunctions", "AccessDeniedException", call_lambda),
    ("cloudwatch:DescribeAlarms", "AccessDeniedException", call_cloudwatch),
]


@pytest.mark.parametrize(("action", "code", "call"), PROTOCOLS)
def test_an_action_fails_in_the_protocol_of_its_service(
    faulty: Emulator, access: SandboxAccess, action: str, code: str, call: Callable[[SandboxAccess], None]
) -> None:
    faulty.fail(action)
    with pytest.raises(ClientError) as failed:
        call(access)
    assert failed.value.response["Error"]["Code"] == code
    assert "told to fail" in failed.value.response["Error"]["Message"]
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert failed.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_fault_has_the_code_message_and_status_that_were_asked_for(faulty: Emulator, access: SandboxAccess) -> None:
    faulty.fail("ecs:CreateCluster", code="InvalidParameterException", message="No <room> & no way.")
    with pytest.raises(ClientError, match=r"No <room> & no way\.") as failed:
        call_ecs(access)
    assert failed.value.response["Error"]["Code"] == "InvalidParameterException"
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_counted_fault_ends_by_itself(faulty: Emulator, access: SandboxAccess) -> None:
    faulty.fail("ecs:CreateCluster", times=2)
    for _ in range(2):
        with pytest.raises(ClientError):
            call_ecs(access)
    call_ecs(access)


def test_only_the_named_action_fails(faulty: Emulator, access: SandboxAccess) -> None:
    for action in ("s3:PutBucketAcl", "s3:PutObject", "ecs:DeleteCluster", "elb:CreateLoadBalancer"):
        faulty.fail(action)
    access.client("s3").create_bucket(
        Bucket=f"bucket-{access.account_id}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    call_ecs(access)
    call_elbv2(access)


def test_cleared_faults_are_gone(faulty: Emulator, access: SandboxAccess) -> None:
    faulty.fail("ecs:CreateCluster")
    faulty.clear_faults()
    call_ecs(access)


@pytest.mark.parametrize("action", ["ecs:CreateServce", "esc:CreateService", "CreateService", "ecs:", ""])
def test_an_unknown_action_is_refused_before_anything_starts(tmp_path: Path, action: str) -> None:
    with pytest.raises(Invalid, match="fail_at"):
        Emulator.start(log=tmp_path / "log", fail_at=[action])
    assert not (tmp_path / "log").exists()


def test_faults_can_be_there_from_the_start_and_outlive_a_reset(tmp_path: Path) -> None:
    own = Emulator.start(log=tmp_path / "logs" / "log", fail_at=["ecs:DeleteCluster"])
    try:
        access = access_to(own)
        call_ecs(access)
        with pytest.raises(ClientError, match="told to fail"):
            access.client("ecs").delete_cluster(cluster="one")
        own.reset()
        assert access.client("ecs").list_clusters()["clusterArns"] == []
        call_ecs(access)
        access.confirm_account()  # the credentials from before the reset would open another account now
        with pytest.raises(ClientError, match="told to fail"):
            access.client("ecs").delete_cluster(cluster="one")
    finally:
        own.stop()
    with pytest.raises(Unavailable):
        own.clear_faults()
    own.stop()


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} on 127.0.0.1"):
            Emulator.start(port, log=tmp_path / "log")


def test_a_start_that_fails_is_told_with_the_end_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'moto is not installed' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(Unavailable, match=r"status 3\.\nmoto is not installed"):
        Emulator.start(log=tmp_path / "log")


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, pathlib, time\n"
            "from stackyard.aws.emulator.process import Emulator\n"
            f"print(Emulator.start(log=pathlib.Path({str(tmp_path / 'log')!r})).endpoint, flush=True)\n"
            "time.sleep(600)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    endpoint = parent.stdout.readline().strip()
    assert httpx.get(f"{endpoint}/_stackyard/ready").is_success
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert eventually(lambda: refuses(endpoint))


def refuses(endpoint: str) -> bool:
    try:
        httpx.get(f"{endpoint}/_stackyard/ready", timeout=1)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        return False
    return False


def eventually(holds: Callable[[], Any]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False
