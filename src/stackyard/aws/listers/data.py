"""Databases, caches, buckets, secrets, queues, alarms and logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from botocore.exceptions import ClientError

from stackyard.aws.listers.search import Leftover, Search, pages, tag_map


@dataclass(frozen=True)
class _Kind:
    """One kind of RDS or ElastiCache: how it is listed (operation, its items, their names and ARNs) and deleted."""

    title: str
    operation: str
    items: str
    name: str
    arn: str
    delete: str
    only: Mapping[str, str] = field(default_factory=dict)


_RDS = (
    _Kind(
        "database",
        "describe_db_instances",
        "DBInstances",
        "DBInstanceIdentifier",
        "DBInstanceArn",
        "delete-db-instance --skip-final-snapshot --db-instance-identifier",
    ),
    _Kind(
        "database cluster",
        "describe_db_clusters",
        "DBClusters",
        "DBClusterIdentifier",
        "DBClusterArn",
        "delete-db-cluster --skip-final-snapshot --db-cluster-identifier",
    ),
    _Kind(
        "snapshot",
        "describe_db_snapshots",
        "DBSnapshots",
        "DBSnapshotIdentifier",
        "DBSnapshotArn",
        "delete-db-snapshot --db-snapshot-identifier",
        {"SnapshotType": "manual"},
    ),
    _Kind(
        "cluster snapshot",
        "describe_db_cluster_snapshots",
        "DBClusterSnapshots",
        "DBClusterSnapshotIdentifier",
        "DBClusterSnapshotArn",
        "delete-db-cluster-snapshot --db-cluster-snapshot-identifier",
        {"SnapshotType": "manual"},
    ),
    _Kind(
        "subnet group",
        "describe_db_subnet_groups",
        "DBSubnetGroups",
        "DBSubnetGroupName",
        "DBSubnetGroupArn",
        "delete-db-subnet-group --db-subnet-group-name",
    ),
    _Kind(
        "parameter group",
        "describe_db_parameter_groups",
        "DBParameterGroups",
        "DBParameterGroupName",
        "DBParameterGroupArn",
        "delete-db-parameter-group --db-parameter-group-name",
    ),
)

_ELASTICACHE = (
    _Kind(
        "replication group",
        "describe_replication_groups",
        "ReplicationGroups",
        "ReplicationGroupId",
        "ARN",
        "delete-replication-group --replication-group-id",
    ),
    _Kind(
        "cache cluster",
        "describe_cache_clusters",
        "CacheClusters",
        "CacheClusterId",
        "ARN",
        "delete-cache-cluster --cache-cluster-id",
    ),
    _Kind(
        "subnet group",
        "describe_cache_subnet_groups",
        "CacheSubnetGroups",
        "CacheSubnetGroupName",
        "ARN",
        "delete-cache-subnet-group --cache-subnet-group-name",
    ),
)


def rds(search: Search) -> Iterator[Leftover]:
    """Instances, clusters, snapshots, subnet and parameter groups; not the snapshot that was asked for."""
    yield from (item for item in _kinds(search, "rds", _RDS) if not _is_final_snapshot(search, item))


def final_snapshots(search: Search) -> Iterator[Leftover]:
    """The snapshot that was asked for when the database was made: it stays, and is nothing left behind."""
    snapshots = tuple(kind for kind in _RDS if kind.only)
    yield from (item for item in _kinds(search, "rds", snapshots) if _is_final_snapshot(search, item))


def _is_final_snapshot(search: Search, item: Leftover) -> bool:
    return item.kind.endswith("snapshot") and item.id == search.final_snapshot


def elasticache(search: Search) -> Iterator[Leftover]:
    """Clusters, replication groups and subnet groups."""
    yield from _kinds(search, "elasticache", _ELASTICACHE)


def _kinds(search: Search, service: str, kinds: tuple[_Kind, ...]) -> Iterator[Leftover]:
    client = search.client(service)
    for kind in kinds:
        for item in pages(client, kind.operation, kind.items, **kind.only):
            name = item[kind.name]
            if search.may_own(name) and search.owns(
                name, tag_map(client.list_tags_for_resource(ResourceName=item[kind.arn])["TagList"])
            ):
                yield Leftover(service, kind.title, name, f"aws {service} {kind.delete} {name}")


def s3(search: Search) -> Iterator[Leftover]:
    """Buckets."""
    client = search.client("s3")
    for bucket in client.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if not search.may_own(name):
            continue
        try:
            tags = tag_map(client.get_bucket_tagging(Bucket=name)["TagSet"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchBucket":
                continue
            if error.response["Error"]["Code"] != "NoSuchTagSet":
                raise
            tags = {}
        if search.owns(name, tags):
            yield Leftover(
                "s3", "bucket", name, f"Empty it, all versions included, then: aws s3api delete-bucket --bucket {name}"
            )


def secrets(search: Search) -> Iterator[Leftover]:
    """Secrets, those that wait for their deletion too: their name cannot be used again before."""
    client = search.client("secretsmanager")
    for secret in pages(client, "list_secrets", "SecretList", IncludePlannedDeletion=True):
        if search.owns(secret["Name"], tag_map(secret.get("Tags", []))):
            waiting = " (waits for its deletion)" if secret.get("DeletedDate") else ""
            yield Leftover(
                "secretsmanager",
                f"secret{waiting}",
                secret["Name"],
                f"aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {secret['Name']}",
            )


def sqs(search: Search) -> Iterator[Leftover]:
    """Queues."""
    client = search.client("sqs")
    for url in pages(client, "list_queues", "QueueUrls"):
        name = url.rpartition("/")[2]
        if search.may_own(name) and search.owns(name, client.list_queue_tags(QueueUrl=url).get("Tags", {})):
            yield Leftover("sqs", "queue", name, f"aws sqs delete-queue --queue-url {url}")


def alarms(search: Search) -> Iterator[Leftover]:
    """CloudWatch alarms."""
    client = search.client("cloudwatch")
    for alarm in pages(client, "describe_alarms", "MetricAlarms"):
        name = alarm["AlarmName"]
        if search.may_own(name) and search.owns(
            name, tag_map(client.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"])
        ):
            yield Leftover("cloudwatch", "alarm", name, f"aws cloudwatch delete-alarms --alarm-names {name}")


def logs(search: Search) -> Iterator[Leftover]:
    """Log groups. One whose last part is the environment's name is its own even without tags: a late writer makes a
    deleted group anew."""
    client = search.client("logs")
    for group in pages(client, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        if not search.may_own(name):
            continue
        tags = client.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*")).get("tags", {})
        if search.owns(name.rpartition("/")[2], tags):
            yield Leftover("logs", "log group", name, f"aws logs delete-log-group --log-group-name {name}")
