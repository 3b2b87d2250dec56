"""What moto answers otherwise than AWS, and the emulator does not: each test fails without its patch."""

import re
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.sessions import SandboxAccess

ACCOUNTS = count(500000000001)


@pytest.fixture
def access(emulator: Emulator) -> SandboxAccess:
    return another(emulator)


def another(emulator: Emulator) -> SandboxAccess:
    account = str(next(ACCOUNTS))
    return SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)


def new_service(access: SandboxAccess) -> Any:
    ecs = access.client("ecs")
    ecs.create_cluster(clusterName="one")
    for _ in range(2):
        ecs.register_task_definition(family="app", containerDefinitions=[{"name": "app", "image": "x", "memory": 9}])
    ecs.create_service(
        cluster="one", serviceName="app", taskDefinition="app:1", desiredCount=2, healthCheckGracePeriodSeconds=70
    )
    return ecs


def described(ecs: Any) -> Any:
    return ecs.describe_services(cluster="one", services=["app"])["services"][0]


def test_a_service_is_steady_at_once(access: SandboxAccess) -> None:
    ecs = new_service(access)
    ecs.get_waiter("services_stable").wait(cluster="one", services=["app"], WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    ecs.update_service(cluster="one", service="app", desiredCount=3, taskDefinition="app:2")
    found = described(ecs)
    (deployment,) = found["deployments"]
    assert (found["runningCount"], found["pendingCount"]) == (3, 0)
    assert (deployment["runningCount"], deployment["desiredCount"], deployment["rolloutState"]) == (3, 3, "COMPLETED")
    assert deployment["taskDefinition"] == found["taskDefinition"]


def test_a_service_keeps_its_grace_period(access: SandboxAccess) -> None:
    assert described(new_service(access))["healthCheckGracePeriodSeconds"] == 70


def test_a_deleted_record_can_be_made_again(access: SandboxAccess) -> None:
    route53 = access.client("route53")
    zone = route53.create_hosted_zone(Name="dev.example.com", CallerReference="-")["HostedZone"]["Id"]

    def change(action: str, name: str) -> None:
        record = {
            "Name": f"{name}.dev.example.com",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": "192.0.2.1"}],
        }
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        )

    for name in ("app", "later"):
        change("CREATE", name)
    change("DELETE", "app")
    change("CREATE", "app")
    with pytest.raises(ClientError, match="already exists"):
        change("CREATE", "app")


def new_cache(access: SandboxAccess, version: str = "7.x") -> Any:
    ec2, cache = access.client("ec2"), access.client("elasticache")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="cache", Description="-", VpcId=vpc)["GroupId"]
    cache.create_cache_subnet_group(CacheSubnetGroupName="app", CacheSubnetGroupDescription="-", SubnetIds=[subnet])
    cache.create_cache_cluster(
        CacheClusterId="app",
        Engine="redis",
        **({"EngineVersion": version} if version else {}),
        CacheNodeType="cache.t4g.micro",
        NumCacheNodes=1,
        SecurityGroupIds=[group],
    )
    return cache, group


@pytest.mark.parametrize("version", ["7.x", "6.2.6", ""])
def test_a_cache_cluster_has_a_full_version_and_its_security_groups(access: SandboxAccess, version: str) -> None:
    cache, group = new_cache(access, version)
    found = cache.describe_cache_clusters(CacheClusterId="app")["CacheClusters"][0]
    assert re.fullmatch(r"\d+\.\d+\.\d+", found["EngineVersion"])
    assert [item["SecurityGroupId"] for item in found["SecurityGroups"]] == [group]


def test_a_deleted_cache_cluster_is_gone(access: SandboxAccess) -> None:
    cache, _ = new_cache(access)
    cache.delete_cache_cluster(CacheClusterId="app")
    with pytest.raises(ClientError, match="not found"):
        cache.describe_cache_clusters(CacheClusterId="app")


def test_a_cache_subnet_group_can_be_deleted(access: SandboxAccess) -> None:
    cache, _ = new_cache(access)
    cache.delete_cache_subnet_group(CacheSubnetGroupName="app")
    assert cache.describe_cache_subnet_groups()["CacheSubnetGroups"] == []


def test_accounts_share_aws_policies_but_not_who_has_them(emulator: Emulator, access: SandboxAccess) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam, other = access.client("iam"), another(emulator).client("iam")
    iam.create_role(RoleName="app", AssumeRolePolicyDocument="{}")
    iam.attach_role_policy(RoleName="app", PolicyArn=arn)
    counts = [client.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] for client in (iam, other)]
    assert counts == [1, 0]
