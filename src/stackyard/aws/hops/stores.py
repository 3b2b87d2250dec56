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
    """The cache cluster of that id, or the replication group."""
    item = _cache_cluster(ask, identifier)
    if item is None:
        return _replication_group(ask, identifier)
    nodes = item.get("CacheNodes") or [{}]
    return _cache(item, "CacheClusterId", "CacheClusterStatus", nodes[0].get("Endpoint"), item)


def _replication_group(ask: Ask, identifier: str) -> Store | None:
    """Security groups and subnets are told of its members only, which all have the same."""
    answer = ask("elasticache", "describe_replication_groups", ReplicationGroupId=identifier)
    if not answer or not answer["ReplicationGroups"]:
        return None
    item = answer["ReplicationGroups"][0]
    shards = item.get("NodeGroups") or [{}]
    member = next(iter(item.get("MemberClusters") or ()), "")
    network = (_cache_cluster(ask, member) if member else None) or {}
    return _cache(item, "ReplicationGroupId", "Status", shards[0].get("PrimaryEndpoint"), network)


def _cache_cluster(ask: Ask, identifier: str) -> dict[str, Any] | None:
    answer = ask("elasticache", "describe_cache_clusters", CacheClusterId=identifier, ShowCacheNodeInfo=True)
    return answer["CacheClusters"][0] if answer and answer["CacheClusters"] else None


def _cache(item: dict[str, Any], name: str, status: str, endpoint: Any, network: dict[str, Any]) -> Store:
    address = item.get("ConfigurationEndpoint") or endpoint or {}
    groups, subnets = _groups(network, "SecurityGroups", "SecurityGroupId"), network.get("CacheSubnetGroupName", "")
    return Store(item[name], item[status], address.get("Address", ""), address.get("Port"), groups, subnets)


def _groups(item: dict[str, Any], name: str, key: str) -> tuple[str, ...]:
    return tuple(group[key] for group in item.get(name) or [])
