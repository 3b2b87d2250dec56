"""Where moto answers otherwise than AWS in a way that Terraform's provider trips over, it is mended here.

Each patch first looks whether what it changes is still there, and refuses to start the emulator when moto has changed:
a patch that silently does nothing would show up much later as a Terraform run that hangs.
"""

import copy
import json
import re
import threading
from collections.abc import Callable
from typing import Any

from stackyard.errors import Unusable

Wrapped = Callable[..., Any]

NEWEST_CACHES = {"redis": "7.1.0", "valkey": "8.0.1", "memcached": "1.6.22"}
"""What AWS takes when a cache cluster names no version."""


def apply_patches() -> None:
    """Mend moto in this process. Unusable when moto no longer has what a patch changes."""
    services_run_at_once()
    services_keep_their_grace_period()
    deleted_records_can_be_made_again()
    cache_clusters_answer_like_aws()
    cache_clusters_go_when_deleted()
    cache_subnet_groups_can_be_deleted()
    accounts_share_managed_policies()
    deleted_groups_lose_their_tags()
    scaling_policies_are_found_by_name()


def services_run_at_once() -> None:
    """ECS: all tasks of a service run as soon as it is created or updated.

    moto starts no tasks and leaves every service at 0 running, so Terraform's `wait_for_steady_state` would wait for
    ever; and after an update the deployment still shows the task definition before it.
    """
    from moto.ecs.models import EC2ContainerServiceBackend as Backend

    def settle(original: Wrapped) -> Wrapped:
        def settled(self: Any, *args: Any, **kwargs: Any) -> Any:
            service = original(self, *args, **kwargs)
            service.running_count, service.pending_count = service.desired_count, 0
            for deployment in service.deployments:
                deployment.update(
                    desiredCount=service.desired_count,
                    runningCount=service.desired_count,
                    pendingCount=0,
                    rolloutState="COMPLETED",
                    taskDefinition=service.task_definition,
                )
            return service

        return settled

    _wrap(Backend, "create_service", settle)
    _wrap(Backend, "update_service", settle)


def services_keep_their_grace_period() -> None:
    """ECS: a service answers with the health check grace period that it was created with.

    moto forgets it on creation (an update keeps it), so that every plan would want to set it again.
    """
    from moto.ecs.responses import EC2ContainerServiceResponse as Response

    def keep(original: Wrapped) -> Wrapped:
        def kept(self: Any) -> Any:
            answer = original(self)
            seconds = self._get_param("healthCheckGracePeriodSeconds")
            if seconds is not None:
                answer.result["service"].health_check_grace_period_seconds = int(seconds)
            return answer

        return kept

    _wrap(Response, "create_service", keep)


def deleted_records_can_be_made_again() -> None:
    """Route 53: a record that was deleted can be created again.

    moto looks for an earlier creation in the zone's journal, deletions or not, and then for any record that sorts at
    or after the name; with a later-sorting record in the zone it refuses, as if the deleted record were still there.
    """
    from moto.route53.models import ChangeList

    def look(original: Wrapped) -> Wrapped:
        def stands(self: Any, item: Any) -> bool:
            if not original(self, item):
                return False
            key = _record_key(item)
            last = next(change["Action"] for change in reversed(self) if _record_key(change) == key)
            return bool(last != "DELETE")

        return stands

    _wrap(ChangeList, "__contains__", look)


def _record_key(change: Any) -> tuple[str, str, str]:
    record = change["ResourceRecordSet"]
    return record["Name"].strip("."), record["Type"], record.get("SetIdentifier", "")


def cache_clusters_answer_like_aws() -> None:
    """ElastiCache: a cluster has a full engine version and lists its security groups.

    AWS takes `7.x`, or nothing, and answers `7.1.0`; moto answers what it was given, which the provider cannot parse,
    so that it can neither make nor destroy the cluster. moto leaves `SecurityGroups` out of the answer, so that every
    plan would want to set them again.
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
            return cluster

        return created

    _wrap(ElastiCacheBackend, "create_cache_cluster", answer)


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

    _wrap(ElastiCacheBackend, "delete_cache_cluster", remove)


def cache_subnet_groups_can_be_deleted() -> None:
    """ElastiCache: a subnet group can be deleted; moto does not know the action at all."""
    from moto.core.responses import EmptyResult
    from moto.elasticache.models import ElastiCacheBackend
    from moto.elasticache.responses import ElastiCacheResponse as Response

    if hasattr(Response, "delete_cache_subnet_group"):
        raise _moto_changed(Response, "delete_cache_subnet_group", "is there now")
    _need(ElastiCacheBackend, "create_cache_subnet_group")

    def delete_cache_subnet_group(self: Any) -> Any:
        self.elasticache_backend.cache_subnet_groups.pop(self._get_param("CacheSubnetGroupName"), None)
        return EmptyResult()

    setattr(Response, "delete_cache_subnet_group", delete_cache_subnet_group)  # noqa: B010  (moto has no such name)


def deleted_groups_lose_their_tags() -> None:
    """EC2: the tags of a security group go with it; moto goes on to tell of them, as if the group were still there."""
    from moto.ec2.models.security_groups import SecurityGroupBackend as Backend

    def forget(original: Wrapped) -> Wrapped:
        def deleted(self: Any, vpc_id: str | None, group_id: str) -> Any:
            answer = original(self, vpc_id, group_id)
            self.tags.pop(group_id, None)
            return answer

        return deleted

    _wrap(Backend, "_delete_security_group", forget)


def scaling_policies_are_found_by_name() -> None:
    """Application Auto Scaling: asked for policies by name, only these are answered.

    moto answers all of the target's; the provider takes the first, and deletes another policy than it was told to.
    """
    from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response

    def choose(original: Wrapped) -> Wrapped:
        def chosen(self: Any) -> str:
            answer = json.loads(original(self))
            names = self._get_param("PolicyNames")
            if names:
                answer["ScalingPolicies"] = [p for p in answer["ScalingPolicies"] if p["PolicyName"] in names]
            return json.dumps(answer)

        return chosen

    _wrap(Response, "describe_scaling_policies", choose)


def accounts_share_managed_policies() -> None:
    """IAM: AWS's own policies are read once, and not for each account.

    moto parses all 1,300 of them for every account that is used: a second, and 50 MB, each. Their documents never
    change, so accounts share them; what differs, who they are attached to, stays with the account.
    """
    from moto.iam.models import IAMBackend

    def share(original: Wrapped) -> Wrapped:
        lock, first = threading.Lock(), {}

        def shared(self: Any) -> list[Any]:
            with lock:
                if self.region_name not in first:
                    first[self.region_name] = original(self)
            policies = [copy.copy(policy) for policy in first[self.region_name]]
            for policy in policies:
                policy.account_id, policy.attachment_count = self.account_id, 0
            return policies

        return shared

    _wrap(IAMBackend, "_init_aws_policies", share)


def _wrap(owner: type, name: str, wrapper: Callable[[Wrapped], Wrapped]) -> None:
    _need(owner, name)
    setattr(owner, name, wrapper(getattr(owner, name)))


def _need(owner: type, name: str) -> None:
    if name not in vars(owner):
        raise _moto_changed(owner, name, "is not there any more")


def _moto_changed(owner: type, name: str, how: str) -> Unusable:
    return Unusable(
        f"moto has changed: {owner.__module__}.{owner.__name__}.{name} {how}.",
        hint="Install the moto release named in the lock file, or mend stackyard/aws/emulator/patches.py.",
    )
