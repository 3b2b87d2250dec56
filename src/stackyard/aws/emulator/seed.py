"""The baseline of an emulated sandbox, made in a few seconds: what `baseline/` builds with Terraform in a minute."""

import ipaddress
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.sessions import SandboxAccess

BASELINE_TAG = "stackyard:baseline"
NAME = "sandbox"

Tags = dict[str, str]


def seed_baseline(access: SandboxAccess, *, zone_name: str, vpc_cidr: str) -> BaselineFacts:
    """Make VPC, subnets, cluster, load balancer, certificate and zone in an empty account of the emulator, all tagged
    `stackyard:baseline = <account id>`. `vpc_cidr`: /16 to /24, cut as the Terraform baseline cuts it. Not for AWS:
    nothing here waits for anything, nor can it be done twice in an account."""
    tags = {BASELINE_TAG: access.account_id, "Name": NAME}
    with ThreadPoolExecutor() as pool:
        zone = pool.submit(_zone, access, zone_name, tags)
        certificate = pool.submit(_certificate, access, zone_name, tags)
        cluster = pool.submit(_cluster, access, tags)
        network = _network(access, vpc_cidr, tags)
        balancer = _load_balancer(access, network, certificate.result(), tags)
        return BaselineFacts(
            vpc_id=network.vpc_id,
            vpc_cidr=vpc_cidr,
            public_subnet_ids=network.public,
            private_subnet_ids=network.private,
            database_subnet_ids=network.database,
            cluster_arn=cluster.result(),
            cluster_name=NAME,
            alb_arn=balancer["LoadBalancerArn"],
            alb_dns_name=balancer["DNSName"],
            alb_zone_id=balancer["CanonicalHostedZoneId"],
            alb_security_group_id=balancer["SecurityGroups"][0],
            http_listener_arn=balancer["http"],
            https_listener_arn=balancer["https"],
            zone_id=zone.result(),
            zone_name=zone_name,
            certificate_arn=certificate.result(),
        )


@dataclass(frozen=True)
class _Network:
    vpc_id: str
    vpc_cidr: str
    public: tuple[str, ...]
    private: tuple[str, ...]
    database: tuple[str, ...]


def _network(access: SandboxAccess, cidr: str, tags: Tags) -> _Network:
    ec2 = access.client("ec2")
    vpc = ec2.create_vpc(CidrBlock=cidr, TagSpecifications=_ec2_tags("vpc", tags))["Vpc"]["VpcId"]
    for switch in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{switch: {"Value": True}})
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    # Half of the block is private, a quarter public, a quarter for databases; each part is halved between the zones.
    quarters, eighths = (list(ipaddress.ip_network(cidr).subnets(prefixlen_diff=bits)) for bits in (2, 3))
    made = {
        kind: tuple(
            ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=str(block),
                AvailabilityZone=zone,
                TagSpecifications=_ec2_tags("subnet", {**tags, "Name": f"{NAME}-{kind}-{number}"}),
            )["Subnet"]["SubnetId"]
            for number, (block, zone) in enumerate(zip(blocks, zones, strict=True), 1)
        )
        for kind, blocks in (("public", eighths[4:6]), ("private", quarters[:2]), ("database", eighths[6:8]))
    }
    gateway = ec2.create_internet_gateway(TagSpecifications=_ec2_tags("internet-gateway", tags))["InternetGateway"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=_ec2_tags("elastic-ip", tags))["AllocationId"]
    nat = ec2.create_nat_gateway(
        SubnetId=made["public"][0], AllocationId=address, TagSpecifications=_ec2_tags("natgateway", tags)
    )["NatGateway"]["NatGatewayId"]
    _routes(ec2, vpc, made["public"], {"GatewayId": gateway["InternetGatewayId"]}, tags)
    _routes(ec2, vpc, made["private"], {"NatGatewayId": nat}, tags)
    _routes(ec2, vpc, made["database"], None, tags)
    return _Network(vpc, cidr, **made)


def _routes(ec2: Any, vpc: str, subnets: tuple[str, ...], way_out: Mapping[str, str] | None, tags: Tags) -> None:
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_ec2_tags("route-table", tags))
    table_id = table["RouteTable"]["RouteTableId"]
    if way_out:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", **way_out)
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet)


def _load_balancer(access: SandboxAccess, network: _Network, certificate_arn: str, tags: Tags) -> dict[str, Any]:
    """What AWS says of the load balancer, and the ARNs of its listeners as `http` and `https`."""
    group = _security_group(access, network, tags)
    elb = access.client("elbv2")
    made = elb.create_load_balancer(
        Name=NAME, Subnets=list(network.public), SecurityGroups=[group], Type="application", Tags=_tag_list(tags)
    )["LoadBalancers"][0]
    https = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Port=443,
        Protocol="HTTPS",
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": certificate_arn}],
        DefaultActions=[
            {
                "Type": "fixed-response",
                "FixedResponseConfig": {
                    "StatusCode": "404",
                    "ContentType": "text/plain",
                    "MessageBody": "No environment answers under this name.",
                },
            }
        ],
        Tags=_tag_list(tags),
    )["Listeners"][0]
    http = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Port=80,
        Protocol="HTTP",
        DefaultActions=[
            {
                "Type": "redirect",
                "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            }
        ],
        Tags=_tag_list(tags),
    )["Listeners"][0]
    return {**made, "https": https["ListenerArn"], "http": http["ListenerArn"]}


def _security_group(access: SandboxAccess, network: _Network, tags: Tags) -> str:
    ec2 = access.client("ec2")
    group: str = ec2.create_security_group(
        GroupName=f"{NAME}-alb",
        Description=f"Shared load balancer {NAME}",
        VpcId=network.vpc_id,
        TagSpecifications=_ec2_tags("security-group", {**tags, "Name": f"{NAME}-alb"}),
    )["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            for port in (80, 443)
        ],
    )
    return group


def _cluster(access: SandboxAccess, tags: Tags) -> str:
    arn: str = access.client("ecs").create_cluster(
        clusterName=NAME, tags=[{"key": key, "value": value} for key, value in tags.items()]
    )["cluster"]["clusterArn"]
    return arn


def _certificate(access: SandboxAccess, zone_name: str, tags: Tags) -> str:
    acm = access.client("acm")
    arn: str = acm.request_certificate(DomainName=f"*.{zone_name}", ValidationMethod="DNS", Tags=_tag_list(tags))[
        "CertificateArn"
    ]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return arn


def _zone(access: SandboxAccess, zone_name: str, tags: Tags) -> str:
    route53 = access.client("route53")
    made = route53.create_hosted_zone(Name=zone_name, CallerReference=str(uuid.uuid4()))["HostedZone"]["Id"]
    zone_id: str = made.removeprefix("/hostedzone/")
    route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=zone_id, AddTags=_tag_list(tags))
    return zone_id


def _tag_list(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _ec2_tags(kind: str, tags: Tags) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": _tag_list(tags)}]
