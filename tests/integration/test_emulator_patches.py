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
        cluster="one",
        serviceName="app",
        taskDefinition="app:1",
        desiredCount=2,
        healthCheckGracePeriodSeconds=70,
        enableExecuteCommand=True,
        enableECSManagedTags=True,
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


def test_a_service_keeps_what_it_was_given(access: SandboxAccess) -> None:
    found = described(new_service(access))
    assert found["healthCheckGracePeriodSeconds"] == 70
    assert found["enableExecuteCommand"] is True
    assert found["enableECSManagedTags"] is True


@pytest.mark.parametrize(("wanted", "revision"), [("app:1", 1), ("app:2", 2), ("app", 2)])
def test_an_updated_service_names_its_revision_by_its_arn(access: SandboxAccess, wanted: str, revision: int) -> None:
    ecs = new_service(access)
    ecs.update_service(cluster="one", service="app", taskDefinition=wanted)
    assert described(ecs)["taskDefinition"].endswith(f":{access.account_id}:task-definition/app:{revision}")


def test_settings_of_a_cluster_can_change(access: SandboxAccess) -> None:
    ecs = access.client("ecs")
    ecs.create_cluster(clusterName="one")
    settings = [{"name": "containerInsights", "value": "enabled"}]
    ecs.update_cluster_settings(cluster="one", settings=settings)
    assert ecs.describe_clusters(clusters=["one"], include=["SETTINGS"])["clusters"][0]["settings"] == settings


def test_an_account_has_no_ec2_classic(access: SandboxAccess) -> None:
    answer = access.client("ec2").describe_account_attributes(AttributeNames=["supported-platforms"])
    platforms = {item["AttributeName"]: item["AttributeValues"] for item in answer["AccountAttributes"]}
    assert platforms["supported-platforms"] == [{"AttributeValue": "VPC"}]


def test_a_redrive_policy_comes_back_as_it_was_sent(access: SandboxAccess) -> None:
    sqs = access.client("sqs")
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("app", "dead")]
    dead = sqs.get_queue_attributes(QueueUrl=urls[1], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = f'{{"deadLetterTargetArn":"{dead}","maxReceiveCount":5}}'
    sqs.set_queue_attributes(QueueUrl=urls[0], Attributes={"RedrivePolicy": policy})
    for names in (["All"], ["RedrivePolicy"]):
        found = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=names)["Attributes"]
        assert found["RedrivePolicy"] == policy
    plain = sqs.get_queue_attributes(QueueUrl=urls[1], AttributeNames=["All"])["Attributes"]
    assert "RedrivePolicy" not in plain


def new_distribution(access: SandboxAccess, behaviour: dict[str, Any], **settings: Any) -> Any:
    every = {"TargetOriginId": "alb", "ViewerProtocolPolicy": "https-only", **behaviour}
    origin = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    origins = [{"Id": "alb", "DomainName": "alb.example.com", "CustomOriginConfig": origin}]
    made = access.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": str(next(ACCOUNTS)),
            "Comment": "-",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": origins},
            "DefaultCacheBehavior": every,
            "CacheBehaviors": {"Quantity": 1, "Items": [{**every, "PathPattern": "/static/*"}]},
            **settings,
        }
    )
    return made["Distribution"]["DistributionConfig"]


CLASSIC = {"MinTTL": 0, "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "all"}}}
CACHE_POLICY = {"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}


@pytest.mark.parametrize(("behaviour", "forwards"), [(CACHE_POLICY, False), (CLASSIC, True)])
def test_a_cache_policy_replaces_forwarded_values(
    access: SandboxAccess, behaviour: dict[str, Any], forwards: bool
) -> None:
    made = new_distribution(access, behaviour)
    for found in (made["DefaultCacheBehavior"], *made["CacheBehaviors"]["Items"]):
        assert ("ForwardedValues" in found) is forwards
        assert found.get("CachePolicyId", "") == behaviour.get("CachePolicyId", "")


def test_an_own_certificate_replaces_the_default_one(access: SandboxAccess) -> None:
    arn = f"arn:aws:acm:us-east-1:{access.account_id}:certificate/app"
    own = {"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021"}
    found = new_distribution(access, CACHE_POLICY, ViewerCertificate=own)["ViewerCertificate"]
    assert (found["ACMCertificateArn"], found["CloudFrontDefaultCertificate"]) == (arn, False)
    default = new_distribution(access, CACHE_POLICY, ViewerCertificate={"CloudFrontDefaultCertificate": True})
    assert default["ViewerCertificate"]["CloudFrontDefaultCertificate"] is True


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


def test_a_cache_cluster_tells_where_its_nodes_answer(access: SandboxAccess) -> None:
    cache, _ = new_cache(access)
    found = cache.describe_cache_clusters(CacheClusterId="app", ShowCacheNodeInfo=True)["CacheClusters"][0]
    (node,) = found["CacheNodes"]
    assert (node["CacheNodeId"], node["CustomerAvailabilityZone"]) == ("0001", "eu-central-1a")
    assert node["Endpoint"] == {"Address": "app.emulated.0001.eu-central-1.cache.amazonaws.com", "Port": 6379}


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
