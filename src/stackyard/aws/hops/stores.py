"""Databases and caches as AWS describes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Ask = Callable[..., Any]
"""`ask(service, operation, **arguments)`: the answer of an AWS action, None when there is no such thing."""


@dataclass(frozen=True)
class Store:
    """What RDS instances, Aurora clusters and caches have in common. `groups`: ids of security groups; `port` and
    `endpoint` are unknown until it has been made. `writer`: status of the instance of a cluster that writes; empty:
    there is none; None: it is no cluster."""

    id: str
    status: str
    endpoint: str
    port: int | None
    groups: tuple[str, ...]
    subnet_group: str
    writer: str | None = None


def find_database(ask: Ask, identifier: str) -> Store | None:
    """The Aurora cluster or RDS instance of that identifier."""
    cluster = ask("rds", "describe_db_clusters", DBClusterIdentifier=identifier)
    if cluster and cluster["DBClusters"]:
        item = cluster["DBClusters"][0]
        return Store(
            item["DBClusterIdentifier"],
            item["Status"],
            item.get("Endpoint", ""),
            item.get("Port"),
            _groups(item, "VpcSecurityGroups", "VpcSecurityGroupId"),
            item.get("DBSubnetGroup", ""),
            _writer(ask, item),
        )
    instance = ask("rds", "describe_db_instances", DBInstanceIdentifier=identifier)
    if instance and instance["DBInstances"]:
        item = instance["DBInstances"][0]
        address = item.get("Endpoint", {})
        return Store(
            item["DBInstanceIdentifier"],
            item["DBInstanceStatus"],
            address.get("Address", ""),
            address.get("Port"),
            _groups(item, "VpcSecurityGroups", "VpcSecurityGroupId"),
            item.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
        )
    return None


def _writer(ask: Ask, cluster: dict[str, Any]) -> str:
    members = cluster.get("DBClusterMembers", [])
    writer = next((item["DBInstanceIdentifier"] for item in members if item.get("IsClusterWriter")), "")
    answer = ask("rds", "describe_db_instances", DBInstanceIdentifier=writer) if writer else None
    return str(answer["DBInstances"][0]["DBInstanceStatus"]) if answer and answer["DBInstances"] else ""


def find_cache(ask: Ask, identifier: str) -> Store | None:
    """The cache cluster of that id."""
    answer = ask("elasticache", "describe_cache_clusters", CacheClusterId=identifier, ShowCacheNodeInfo=True)
    if not answer or not answer["CacheClusters"]:
        return None
    item = answer["CacheClusters"][0]
    nodes = item.get("CacheNodes") or [{}]
    address = item.get("ConfigurationEndpoint") or nodes[0].get("Endpoint") or {}
    return Store(
        item["CacheClusterId"],
        item["CacheClusterStatus"],
        address.get("Address", ""),
        address.get("Port"),
        _groups(item, "SecurityGroups", "SecurityGroupId"),
        item.get("CacheSubnetGroupName", ""),
    )


def _groups(item: dict[str, Any], name: str, key: str) -> tuple[str, ...]:
    return tuple(group[key] for group in item.get(name) or [])
