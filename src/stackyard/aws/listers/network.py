"""Load balancing, EC2's network parts, DNS, CloudFront and WAF."""

from collections.abc import Iterator
from typing import Any

from stackyard.aws.listers.search import EDGE_REGION, Leftover, Search, batches, pages, tag_map


def load_balancing(search: Search) -> Iterator[Leftover]:
    """Load balancers, target groups, and rules of any listener: by tag, a rule also by the host name it waits for."""
    client = search.client("elbv2")
    groups = {
        item["TargetGroupArn"]: item["TargetGroupName"]
        for item in pages(client, "describe_target_groups", "TargetGroups")
    }
    balancers = {
        item["LoadBalancerArn"]: item["LoadBalancerName"]
        for item in pages(client, "describe_load_balancers", "LoadBalancers")
    }
    listeners = [
        listener["ListenerArn"]
        for arn in balancers
        for listener in pages(client, "describe_listeners", "Listeners", LoadBalancerArn=arn)
    ]
    rules = {
        rule["RuleArn"]: rule
        for arn in listeners
        for rule in pages(client, "describe_rules", "Rules", ListenerArn=arn)
        if not rule["IsDefault"]
    }
    tags: dict[str, dict[str, str]] = {}
    for batch in batches([*groups, *balancers, *rules], 20):
        for described in client.describe_tags(ResourceArns=batch)["TagDescriptions"]:
            tags[described["ResourceArn"]] = tag_map(described["Tags"])
    for arn, rule in rules.items():
        hosts = [
            host
            for condition in rule["Conditions"]
            if condition["Field"] == "host-header"
            for host in condition.get("HostHeaderConfig", {}).get("Values", condition.get("Values", []))
        ]
        if search.owns("", tags.get(arn, {})) or (search.fqdn and search.fqdn in hosts):
            yield Leftover("elasticloadbalancing", "listener rule", arn, f"aws elbv2 delete-rule --rule-arn {arn}")
    for arn, name in balancers.items():
        if search.owns(name, tags.get(arn, {})):
            yield Leftover(
                "elasticloadbalancing",
                "load balancer",
                arn,
                f"aws elbv2 delete-load-balancer --load-balancer-arn {arn}",
            )
    for arn, name in groups.items():
        if search.owns(name, tags.get(arn, {})):
            yield Leftover(
                "elasticloadbalancing", "target group", arn, f"aws elbv2 delete-target-group --target-group-arn {arn}"
            )


# Kind of a thing, as its tags tell it -> how such things are listed: operation, its items, and where their id is.
_EC2 = {
    "elastic-ip": ("describe_addresses", "Addresses", "AllocationId"),
    "internet-gateway": ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "network-interface": ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    "route-table": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "security-group": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "vpc-elastic-ip": ("describe_addresses", "Addresses", "AllocationId"),
    "vpc-endpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
}


def ec2(search: Search) -> Iterator[Leftover]:
    """Security groups, network interfaces and whatever else of EC2 carries the tag. Tags outlive what carried them for
    a while, so what has them is asked for itself; a deleted NAT gateway stays listed for an hour and does not count."""
    client = search.client("ec2")
    tagged = [{"Name": f"tag:{search.tag_key}", "Values": [search.tag_value]}]
    gone = {
        gateway["NatGatewayId"]
        for gateway in pages(client, "describe_nat_gateways", "NatGateways", Filters=tagged)
        if gateway["State"] in ("deleted", "deleting")
    }
    found = {
        item["ResourceId"]: item["ResourceType"]
        for item in pages(
            client,
            "describe_tags",
            "Tags",
            Filters=[{"Name": "key", "Values": [search.tag_key]}, {"Name": "value", "Values": [search.tag_value]}],
        )
    }
    named = [{"Name": "group-name", "Values": [search.name]}]
    for group in pages(client, "describe_security_groups", "SecurityGroups", Filters=named):
        if search.owns(group["GroupName"], tag_map(group.get("Tags", []))):
            found[group["GroupId"]] = "security-group"
    groups = [name for name, kind in found.items() if kind == "security-group"]
    if groups:
        attached = [{"Name": "group-id", "Values": groups}]
        for interface in pages(client, "describe_network_interfaces", "NetworkInterfaces", Filters=attached):
            found[interface["NetworkInterfaceId"]] = "network-interface"
    there = {kind: _ids(client, *_EC2[kind]) for kind in set(found.values()) & set(_EC2)}
    for name, kind in found.items():
        if name not in gone and name in there.get(kind, {name}):
            yield Leftover("ec2", kind.replace("-", " "), name, _clear_ec2(kind, name))


def _ids(client: Any, operation: str, items: str, name: str) -> set[str]:
    """The ids of all things of one kind, without endpoints that are on their way out."""
    return {item[name] for item in pages(client, operation, items) if item.get("State") not in ("deleted", "deleting")}


def _clear_ec2(kind: str, name: str) -> str:
    match kind:
        case "network-interface":
            return "It goes some minutes after what used it; look again, then delete it in the EC2 console."
        case "security-group":
            return f"aws ec2 delete-security-group --group-id {name}"
    return f"Delete it in the VPC console: {name}"


def route53(search: Search) -> Iterator[Leftover]:
    """Records of the FQDN, of names below it (a certificate's proof), and of the name under which CloudFront reaches
    the load balancer. Records have no tags, and a zone lists names that begin the same one after the other. And hosted
    zones, by tag."""
    client = search.client("route53")
    yield from _zones(search, client)
    if not search.fqdn or not search.zone_id:
        return
    fqdn = search.fqdn.rstrip(".") + "."
    label, _, parent = fqdn.partition(".")
    for name in dict.fromkeys((fqdn, f"{label}-origin.{parent}", *(f"{name}." for name in search.further_names))):
        try:
            records = client.list_resource_record_sets(HostedZoneId=search.zone_id, StartRecordName=name)
        except client.exceptions.NoSuchHostedZone:
            return
        for record in records["ResourceRecordSets"]:
            found, kind = record["Name"].rstrip("."), record["Type"]
            if record["Name"] == name or record["Name"].endswith(f".{name}"):
                how = f"Delete the record {kind} {found} in hosted zone {search.zone_id}."
                yield Leftover("route53", "record", f"{kind} {found}", how)


def _zones(search: Search, client: Any) -> Iterator[Leftover]:
    ids = (zone["Id"].removeprefix("/hostedzone/") for zone in pages(client, "list_hosted_zones", "HostedZones"))
    for batch in batches(ids, 10):
        answer = client.list_tags_for_resources(ResourceType="hostedzone", ResourceIds=batch)
        for item in answer["ResourceTagSets"]:
            if search.owns("", tag_map(item.get("Tags", []))):
                zone = item["ResourceId"]
                how = f"Delete its records, then: aws route53 delete-hosted-zone --id {zone}"
                yield Leftover("route53", "hosted zone", zone, how)


def cloudfront(search: Search) -> Iterator[Leftover]:
    """Distributions, by tag or because they answer for the FQDN."""
    client = search.client("cloudfront")
    for page in client.get_paginator("list_distributions").paginate():
        for distribution in page["DistributionList"].get("Items", []):
            tags = client.list_tags_for_resource(Resource=distribution["ARN"])["Tags"].get("Items", [])
            aliases = distribution.get("Aliases", {}).get("Items", [])
            if search.owns("", tag_map(tags)) or (search.fqdn and search.fqdn in aliases):
                yield Leftover(
                    "cloudfront",
                    "distribution",
                    distribution["Id"],
                    "Disable it, wait until that is deployed, then delete it in the CloudFront console.",
                )


def waf(search: Search) -> Iterator[Leftover]:
    """Web ACLs, of load balancers and of CloudFront."""
    for scope, region in (("REGIONAL", ""), ("CLOUDFRONT", EDGE_REGION)):
        client = search.client("wafv2", region=region)
        for acl in client.list_web_acls(Scope=scope, Limit=100)["WebACLs"]:
            tags = client.list_tags_for_resource(ResourceARN=acl["ARN"])["TagInfoForResource"]["TagList"]
            if search.owns(acl["Name"], tag_map(tags)):
                yield Leftover(
                    "wafv2", "web ACL", acl["ARN"], f"Delete the web ACL {acl['Name']} ({scope}) in the WAF console."
                )
