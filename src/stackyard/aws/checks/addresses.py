"""Whether the sandbox's address block is free: of other sandboxes, and of what the account has."""

import ipaddress
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.checks.finding import Verdict
from stackyard.aws.listers.search import pages
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Invalid, StackyardError, Unavailable

GONE = {"deleted", "rejected", "expired", "failed", "deleting"}


def block(text: str, field: str) -> IPv4Network:
    """An address block as Stackyard takes it. Invalid for IPv6 and for one whose host bits are set."""
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise Invalid.field(field, f"'{text}' is no IPv4 address block such as 10.20.0.0/20: {error}") from error


def overlaps(access: SandboxAccess, own_vpc: str, own: IPv4Network, others: Sequence[IPv4Network]) -> Verdict:
    """Nothing but the network `own_vpc` has addresses of the sandbox's block `own`. `others`: the blocks of other
    sandboxes."""
    taken = [f"{other} of another sandbox" for other in others if own.overlaps(other)]
    taken += [f"{cidr} of {what}" for cidr, what in existing(access, own_vpc) if own.overlaps(cidr)]
    if not taken:
        return Verdict(True, f"{own} overlaps with nothing.")
    return Verdict(
        False,
        f"{own} overlaps with {'; '.join(sorted(set(taken)))}.",
        "Give the sandbox another block, or delete what has these addresses and is not used.",
    )


def addresses_in_use(access: SandboxAccess, own_vpc: str = "") -> list[tuple[IPv4Network, str]]:
    """As `existing`, for those who decide by it. Raises Unavailable when AWS does not tell."""
    try:
        return list(existing(access, own_vpc))
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"AWS did not tell which addresses account {access.account_id} uses: {error}",
            hint=f"The role {access.role_arn} must be allowed to describe VPCs, peerings and route tables.",
        ) from error


def tagged_vpc(access: SandboxAccess, key: str, value: str) -> str:
    """Id of the VPC with this tag; empty when there is none, or AWS does not tell."""
    try:
        found = access.client("ec2").describe_vpcs(Filters=[{"Name": f"tag:{key}", "Values": [value]}])["Vpcs"]
    except (ClientError, BotoCoreError, StackyardError):
        return ""
    return str(found[0]["VpcId"]) if found else ""


def existing(access: SandboxAccess, own_vpc: str) -> Iterator[tuple[IPv4Network, str]]:
    """IPv4 blocks of the account's other VPCs, of networks peered with any VPC, and that routes lead to, each with
    what has it. Default routes are none."""
    for cidr, what in _existing(access, own_vpc):
        network = ipaddress.ip_network(cidr, strict=False)
        if isinstance(network, IPv4Network) and network.prefixlen > 0:
            yield network, what


def _existing(access: SandboxAccess, own_vpc: str) -> Iterator[tuple[str, str]]:
    client = access.client("ec2")
    for vpc in pages(client, "describe_vpcs", "Vpcs"):
        if vpc["VpcId"] != own_vpc:
            for cidr in {vpc["CidrBlock"], *_associated(vpc)}:
                yield cidr, f"the network {vpc['VpcId']}"
    for peering in pages(client, "describe_vpc_peering_connections", "VpcPeeringConnections"):
        if peering.get("Status", {}).get("Code") in GONE:
            continue
        for side in (peering.get("RequesterVpcInfo", {}), peering.get("AccepterVpcInfo", {})):
            if side.get("VpcId") != own_vpc and "CidrBlock" in side:
                for cidr in {side["CidrBlock"], *(item["CidrBlock"] for item in side.get("CidrBlockSet", []))}:
                    yield cidr, f"the peering {peering['VpcPeeringConnectionId']}"
    for table in pages(client, "describe_route_tables", "RouteTables"):
        for route in table["Routes"]:
            if route.get("GatewayId") != "local" and "DestinationCidrBlock" in route:
                yield route["DestinationCidrBlock"], f"a route in {table['RouteTableId']}"


def _associated(vpc: dict[str, Any]) -> Iterator[str]:
    for item in vpc.get("CidrBlockAssociationSet", []):
        if item.get("CidrBlockState", {}).get("State") not in {"disassociated", "disassociating", "failed"}:
            yield item["CidrBlock"]
