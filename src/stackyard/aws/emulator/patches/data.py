"""ElastiCache and SQS."""

import json
import re
from typing import Any

from stackyard.aws.emulator.patches.tools import Wrapped, add, need, wrap

NEWEST_CACHES = {"redis": "7.1.0", "valkey": "8.0.1", "memcached": "1.6.22"}
"""What AWS takes when a cache cluster names no version."""


def cache_clusters_answer_like_aws() -> None:
    """ElastiCache: a cluster has a full engine version and lists its security groups and its nodes.

    AWS takes `7.x`, or nothing, and answers `7.1.0`; moto answers what it was given, which the provider cannot parse,
    so that it can neither make nor destroy the cluster. moto leaves `SecurityGroups` out of the answer, so that every
    plan would want to set them again, and `CacheNodes`, so that nobody learns at which address the cache answers.
    """
    from moto.elasticache.models import ElastiCacheBackend

    def answer(original: Wrapped) -> Wrapped:
        def created(self: Any, *args: Any, **kwargs: Any) -> Any:
            cluster = original(self, *args, **kwargs)
            version = cluster.engine_version or NEWEST_CACHES.get(cluster.engine, "1.0.0")
            cluster.engine_version = re.sub(r"\.x$", ".1.0", version)
            cluster.security_groups = [
                {"SecurityGroupId": group, "Status": "active"} for group in cluster.security_group_ids
            ]
            cluster.cache_nodes = _nodes(cluster)
            return cluster

        return created

    wrap(ElastiCacheBackend, "create_cache_cluster", answer)


def _nodes(cluster: Any) -> list[dict[str, Any]]:
    region = cluster.arn.split(":")[3]
    zone = cluster.preferred_availability_zone or f"{region}a"
    return [
        {
            "CacheNodeId": f"{number:04}",
            "CacheNodeStatus": "available",
            "CustomerAvailabilityZone": zone,
            "Endpoint": {
                "Address": f"{cluster.cache_cluster_id}.emulated.{number:04}.{region}.cache.amazonaws.com",
                "Port": cluster.port,
            },
        }
        for number in range(1, getattr(cluster, "num_cache_nodes", 1) + 1)
    ]


def cache_clusters_go_when_deleted() -> None:
    """ElastiCache: a deleted cluster is gone.

    moto leaves it in status `deleting` for ever, and Terraform waits for its end.
    """
    from moto.elasticache.models import ElastiCacheBackend

    def remove(original: Wrapped) -> Wrapped:
        def removed(self: Any, cache_cluster_id: str) -> Any:
            cluster = original(self, cache_cluster_id)
            self.cache_clusters.pop(cache_cluster_id, None)
            return cluster

        return removed

    wrap(ElastiCacheBackend, "delete_cache_cluster", remove)


def cache_subnet_groups_can_be_deleted() -> None:
    """ElastiCache: a subnet group can be deleted; moto does not know the action at all."""
    from moto.core.responses import EmptyResult
    from moto.elasticache.models import ElastiCacheBackend
    from moto.elasticache.responses import ElastiCacheResponse as Response

    need(ElastiCacheBackend, "create_cache_subnet_group")

    def delete_cache_subnet_group(self: Any) -> Any:
        self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
        return EmptyResult()

    add(Response, "delete_cache_subnet_group", delete_cache_subnet_group)


def redrive_policies_are_compact() -> None:
    """SQS: a redrive policy comes back without spaces.

    AWS answers with compact JSON, as Terraform sends it. moto parses it and writes it anew with spaces, and the
    provider waits until it reads exactly what it has sent.
    """
    from moto.sqs.models import Queue

    def compact(original: Any) -> Any:
        def attributes(self: Any) -> dict[str, Any]:
            answer: dict[str, Any] = original.__get__(self)
            if self.redrive_policy:
                answer["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
            return answer

        return property(attributes)

    wrap(Queue, "attributes", compact)
