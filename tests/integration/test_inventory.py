"""After a destroy, each kind of thing that is still there is found, and nothing of others is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.inventory import Leftover, kept_snapshots, leftovers
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unavailable

ACCOUNTS = count(300000000001)
KEY = "stackyard:environment"
NUMBERS = count(1)
Tags = dict[str, str]


@dataclass
class Account:
    """An account with one VPC, one cluster, one listener and one zone, all of them untagged."""

    access: SandboxAccess
    vpc_id: str
    subnet_ids: list[str]
    listener_arn: str
    zone_id: str

    def client(self, service: str, region: str = "") -> Any:
        return self.access.client(service, region=region)


@dataclass(frozen=True)
class Environment:
    """The name and tag of an environment that is looked for. No two tests have the same."""

    name: str
    tags: Tags

    def leftovers(self, at: Account) -> list[Leftover]:
        return leftovers(
            at.access,
            tag_key=KEY,
            tag_value=self.tags[KEY],
            name=self.name,
            fqdn=f"{self.name}.dev.example.com",
            zone_id=at.zone_id,
        )


@pytest.fixture
def environment() -> Environment:
    number = next(NUMBERS)
    return Environment(f"shop{number}", {KEY: f"uid{number}"})


@pytest.fixture(scope="module")
def account(emulator: Emulator) -> Account:
    """Shared by all tests here: what one leaves behind must not disturb the next."""
    number = str(next(ACCOUNTS))
    access = SandboxAccess(number, "eu-central-1", f"arn:aws:iam::{number}:role/stackyard", "", emulator.endpoint)
    ec2, elb = access.client("ec2"), access.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=zone)["Subnet"]["SubnetId"]
        for block, zone in (("10.0.0.0/24", "eu-central-1a"), ("10.0.1.0/24", "eu-central-1b"))
    ]
    balancer = elb.create_load_balancer(Name="shared", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]["ListenerArn"]
    access.client("ecs").create_cluster(clusterName="shared")
    zone = access.client("route53").create_hosted_zone(Name="dev.example.com", CallerReference="-")["HostedZone"]["Id"]
    return Account(access, vpc, subnets, listener, zone.removeprefix("/hostedzone/"))


def key_value(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def lower_case(tags: Tags) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def ec2_tags(kind: str, tags: Tags) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": key_value(tags)}] if tags else []


def service(at: Account, name: str, tags: Tags) -> None:
    ecs = at.client("ecs")
    ecs.register_task_definition(family="elsewhere", containerDefinitions=[{"name": "app", "image": "x", "memory": 9}])
    ecs.create_service(
        cluster="shared", serviceName=name, taskDefinition="elsewhere", desiredCount=1, tags=lower_case(tags)
    )


def task_definition(at: Account, name: str, tags: Tags) -> None:
    containers = [{"name": "app", "image": "x", "memory": 9}]
    options = {"tags": lower_case(tags)} if tags else {}
    at.client("ecs").register_task_definition(family=name, containerDefinitions=containers, **options)


def repository(at: Account, name: str, tags: Tags) -> None:
    at.client("ecr").create_repository(repositoryName=name, tags=key_value(tags))


def target_group(at: Account, name: str, tags: Tags) -> None:
    options = {"Tags": key_value(tags)} if tags else {}
    at.client("elbv2").create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=at.vpc_id, **options)


def load_balancer(at: Account, name: str, tags: Tags) -> None:
    options = {"Tags": key_value(tags)} if tags else {}
    at.client("elbv2").create_load_balancer(Name=name, Subnets=at.subnet_ids, **options)


PRIORITIES = count(1)


def listener_rule(at: Account, name: str, tags: Tags) -> None:
    at.client("elbv2").create_rule(
        ListenerArn=at.listener_arn,
        Priority=next(PRIORITIES),
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [f"{name}.dev.example.com"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
        **({"Tags": key_value(tags)} if tags else {}),
    )


def security_group(at: Account, name: str, tags: Tags) -> None:
    at.client("ec2").create_security_group(
        GroupName=name, Description="-", VpcId=at.vpc_id, TagSpecifications=ec2_tags("security-group", tags)
    )


def role(at: Account, name: str, tags: Tags) -> None:
    at.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=key_value(tags))


def policy(at: Account, name: str, tags: Tags) -> None:
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    at.client("iam").create_policy(PolicyName=name, PolicyDocument=document, Tags=key_value(tags))


def log_group(at: Account, name: str, tags: Tags) -> None:
    at.client("logs").create_log_group(logGroupName=f"/ecs/{name}", tags=tags)


def database(at: Account, name: str, tags: Tags) -> None:
    at.client("rds").create_db_instance(
        DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20,
        MasterUsername="app", MasterUserPassword="not-a-secret", Tags=key_value(tags),
    )  # fmt: skip


def database_cluster(at: Account, name: str, tags: Tags) -> None:
    at.client("rds").create_db_cluster(
        DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="app", MasterUserPassword="not-a-secret",
        Tags=key_value(tags),
    )  # fmt: skip


def snapshot(at: Account, name: str, tags: Tags) -> None:
    database(at, f"for-{name}", {})
    at.client("rds").create_db_snapshot(
        DBSnapshotIdentifier=name, DBInstanceIdentifier=f"for-{name}", Tags=key_value(tags)
    )


def db_subnet_group(at: Account, name: str, tags: Tags) -> None:
    at.client("rds").create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription="-", SubnetIds=at.subnet_ids, Tags=key_value(tags)
    )


def parameter_group(at: Account, name: str, tags: Tags) -> None:
    at.client("rds").create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily="postgres16", Description="-", Tags=key_value(tags)
    )


def cache(at: Account, name: str, tags: Tags) -> None:
    at.client("elasticache").create_cache_cluster(
        CacheClusterId=name, Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1, Tags=key_value(tags)
    )


def cache_subnet_group(at: Account, name: str, tags: Tags) -> None:
    at.client("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="-", SubnetIds=at.subnet_ids, Tags=key_value(tags)
    )


def bucket(at: Account, name: str, tags: Tags) -> None:
    s3 = at.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": key_value(tags)})


def secret(at: Account, name: str, tags: Tags) -> None:
    at.client("secretsmanager").create_secret(Name=name, SecretString="{}", Tags=key_value(tags))


def deleted_secret(at: Account, name: str, tags: Tags) -> None:
    secret(at, name, tags)
    at.client("secretsmanager").delete_secret(SecretId=name)


def queue(at: Account, name: str, tags: Tags) -> None:
    at.client("sqs").create_queue(QueueName=name, tags=tags)


def alarm(at: Account, name: str, tags: Tags) -> None:
    at.client("cloudwatch").put_metric_alarm(
        AlarmName=name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1, MetricName="CPUUtilization",
        Namespace="AWS/ECS", Period=60, Statistic="Average", Threshold=80, Tags=key_value(tags),
    )  # fmt: skip


def web_acl(at: Account, name: str, tags: Tags) -> None:
    _web_acl(at, name, tags, "REGIONAL", "")


def edge_web_acl(at: Account, name: str, tags: Tags) -> None:
    _web_acl(at, name, tags, "CLOUDFRONT", "us-east-1")


def _web_acl(at: Account, name: str, tags: Tags, scope: str, region: str) -> None:
    shown = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    options = {"Tags": key_value(tags)} if tags else {}
    at.client("wafv2", region).create_web_acl(
        Name=name, Scope=scope, DefaultAction={"Allow": {}}, VisibilityConfig=shown, Rules=[], **options
    )


def distribution(at: Account, name: str, tags: Tags) -> None:
    origin = {"Id": "alb", "DomainName": "alb.example.com", "CustomOriginConfig": {
        "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}  # fmt: skip
    cached = {"TargetOriginId": "alb", "ViewerProtocolPolicy": "redirect-to-https", "MinTTL": 0, "ForwardedValues": {
        "QueryString": False, "Cookies": {"Forward": "none"}}}  # fmt: skip
    at.client("cloudfront").create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": {
                "CallerReference": name,
                "Comment": name,
                "Enabled": True,
                "Aliases": {"Quantity": 1, "Items": [f"{name}.dev.example.com"]},
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": cached,
            },
            "Tags": {"Items": key_value(tags)},
        }
    )


def topic(at: Account, name: str, tags: Tags) -> None:
    """A kind that no lister knows: the tagging API finds it."""
    at.client("sns").create_topic(Name=name, Tags=key_value(tags))


def edge_certificate(at: Account, name: str, tags: Tags) -> None:
    at.client("acm", "us-east-1").request_certificate(DomainName=f"{name}.dev.example.com", Tags=key_value(tags))


def subnet(at: Account, name: str, tags: Tags) -> None:
    at.client("ec2").create_subnet(
        VpcId=at.vpc_id,
        CidrBlock=f"10.0.{100 + next(PRIORITIES)}.0/24",
        TagSpecifications=ec2_tags("subnet", {**tags, "Name": name}),
    )


def scalable_target(at: Account, name: str, tags: Tags) -> None:
    service(at, name, {KEY: "another"})
    at.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/shared/{name}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
    )


def record(at: Account, name: str, tags: Tags) -> None:
    entry = {
        "Name": f"{name}.dev.example.com",
        "Type": "A",
        "TTL": 60,
        "ResourceRecords": [{"Value": "192.0.2.1"}],
    }
    at.client("route53").change_resource_record_sets(
        HostedZoneId=at.zone_id, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": entry}]}
    )


def record_below(at: Account, name: str, tags: Tags) -> None:
    record(at, f"_proof.{name}", tags)


def origin_record(at: Account, name: str, tags: Tags) -> None:
    record(at, f"{name}-origin", tags)


def cluster(at: Account, name: str, tags: Tags) -> None:
    at.client("ecs").create_cluster(clusterName=name, tags=lower_case(tags))


def zone(at: Account, name: str, tags: Tags) -> None:
    route53 = at.client("route53")
    made = route53.create_hosted_zone(Name=f"{name}.example.org", CallerReference=name)["HostedZone"]["Id"]
    route53.change_tags_for_resource(
        ResourceType="hostedzone", ResourceId=made.removeprefix("/hostedzone/"), AddTags=key_value(tags)
    )


Maker = Callable[[Account, str, Tags], None]
BY_TAG_AND_NAME: list[tuple[str, Maker]] = [
    ("ecs service", service),
    ("ecs task definition", task_definition),
    ("ecr repository", repository),
    ("elasticloadbalancing target group", target_group),
    ("elasticloadbalancing load balancer", load_balancer),
    ("ec2 security group", security_group),
    ("iam role", role),
    ("iam policy", policy),
    ("logs log group", log_group),
    ("rds database", database),
    ("rds database cluster", database_cluster),
    ("rds snapshot", snapshot),
    ("rds subnet group", db_subnet_group),
    ("rds parameter group", parameter_group),
    ("elasticache cache cluster", cache),
    ("elasticache subnet group", cache_subnet_group),
    ("s3 bucket", bucket),
    ("secretsmanager secret", secret),
    ("secretsmanager secret (waits for its deletion)", deleted_secret),
    ("sqs queue", queue),
    ("cloudwatch alarm", alarm),
    ("wafv2 web ACL", web_acl),
    ("wafv2 web ACL", edge_web_acl),
]
BY_TAG: list[tuple[str, Maker]] = [
    ("sns resource", topic),
    ("acm resource", edge_certificate),
    ("ec2 subnet", subnet),
    ("ecs cluster", cluster),
    ("route53 hosted zone", zone),
]
BY_NAME: list[tuple[str, Maker]] = [
    ("application-autoscaling scalable target", scalable_target),
    ("route53 record", record),
    ("route53 record", record_below),
    ("route53 record", origin_record),
]
BY_TAG_OR_HOST: list[tuple[str, Maker]] = [
    ("elasticloadbalancing listener rule", listener_rule),
    ("cloudfront distribution", distribution),
]


def kinds(found: list[Leftover]) -> list[str]:
    return [f"{item.service} {item.kind}" for item in found]


@pytest.mark.parametrize(("kind", "make"), [*BY_TAG_AND_NAME, *BY_TAG, *BY_TAG_OR_HOST])
def test_what_carries_the_tag_is_found(account: Account, environment: Environment, kind: str, make: Maker) -> None:
    make(account, f"{environment.name}-more", environment.tags)
    found = environment.leftovers(account)
    assert kinds(found) == [kind]
    assert found[0].id
    assert found[0].how_to_clear


@pytest.mark.parametrize(("kind", "make"), [*BY_TAG_AND_NAME, *BY_NAME, *BY_TAG_OR_HOST])
def test_what_lost_its_tag_is_found_by_its_exact_name(
    account: Account, environment: Environment, kind: str, make: Maker
) -> None:
    make(account, environment.name, {})
    assert kinds(environment.leftovers(account)) == [kind]


@pytest.mark.parametrize(("kind", "make"), BY_TAG_AND_NAME)
def test_what_belongs_to_others_is_left_alone(
    account: Account, environment: Environment, kind: str, make: Maker
) -> None:
    make(account, environment.name, {KEY: "another"})
    make(account, f"{environment.name}-like", {})
    assert environment.leftovers(account) == []


def test_a_snapshot_that_was_asked_for_stays_and_is_told(account: Account, environment: Environment) -> None:
    snapshot(account, f"{environment.name}-final-{environment.tags[KEY]}", environment.tags)
    snapshot(account, f"{environment.name}-final-another", environment.tags)
    assert [item.id for item in environment.leftovers(account)] == [f"{environment.name}-final-another"]
    asked = {"tag_key": KEY, "tag_value": environment.tags[KEY], "name": environment.name}
    kept = kept_snapshots(account.access, **asked)
    assert [item.id for item in kept] == [f"{environment.name}-final-{environment.tags[KEY]}"]


def test_nothing_is_left_of_a_service_that_is_inactive(account: Account, environment: Environment) -> None:
    ecs = account.client("ecs")
    service(account, environment.name, environment.tags)
    task_definition(account, environment.name, environment.tags)
    ecs.delete_service(cluster="shared", service=environment.name, force=True)
    ecs.deregister_task_definition(taskDefinition=f"{environment.name}:1")
    assert environment.leftovers(account) == []


def test_nothing_is_left_of_a_network_that_is_deleted_though_its_tags_are(
    account: Account, environment: Environment
) -> None:
    ec2 = account.client("ec2")

    def tags(kind: str) -> list[dict[str, Any]]:
        return ec2_tags(kind, environment.tags)

    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/20", TagSpecifications=tags("vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24", TagSpecifications=tags("subnet"))["Subnet"]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table"))["RouteTable"]["RouteTableId"]
    gateway = ec2.create_internet_gateway(TagSpecifications=tags("internet-gateway"))["InternetGateway"]
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip"))["AllocationId"]
    kept = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.eu-central-1.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table],
        TagSpecifications=tags("vpc-endpoint"),
    )["VpcEndpoint"]["VpcEndpointId"]
    assert len(environment.leftovers(account)) == 6

    ec2.delete_vpc_endpoints(VpcEndpointIds=[kept])
    ec2.release_address(AllocationId=address)
    ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    ec2.delete_route_table(RouteTableId=table)
    assert kinds(environment.leftovers(account)) == ["ec2 vpc", "ec2 subnet"]
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc)
    assert environment.leftovers(account) == []


def test_nothing_is_left_of_a_cluster_that_is_inactive(account: Account, environment: Environment) -> None:
    cluster(account, f"{environment.name}-more", environment.tags)
    account.client("ecs").delete_cluster(cluster=f"{environment.name}-more")
    assert environment.leftovers(account) == []


def test_a_network_interface_of_its_security_group_is_left(account: Account, environment: Environment) -> None:
    security_group(account, environment.name, environment.tags)
    group = environment.leftovers(account)[0].id
    account.client("ec2").create_network_interface(SubnetId=account.subnet_ids[0], Groups=[group])
    assert kinds(environment.leftovers(account)) == ["ec2 security group", "ec2 network interface"]


def test_records_of_similar_names_are_left_alone(account: Account, environment: Environment) -> None:
    for name in (f"a-{environment.name}", f"{environment.name}-2", f"{environment.name}-origin-2", "z"):
        record(account, name, {})
    assert environment.leftovers(account) == []


def test_a_deleted_zone_has_no_records(account: Account, environment: Environment) -> None:
    gone = replace(account, zone_id="Z00000000000000000000")
    assert environment.leftovers(gone) == []


@pytest.mark.parametrize("action", ["sqs:ListQueues", "iam:ListRoles", "s3:ListBuckets", "tag:GetResources"])
def test_nothing_is_proven_when_a_service_cannot_be_asked(
    account: Account, environment: Environment, emulator: Emulator, action: str
) -> None:
    emulator.fail(action, times=1)
    with pytest.raises(Unavailable, match="could not be asked what is left"):
        environment.leftovers(account)
