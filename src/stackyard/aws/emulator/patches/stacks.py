"""CloudFormation: what stacks make."""

from collections.abc import Mapping
from typing import Any

from stackyard.aws.emulator.patches.tools import Wrapped, wrap


def buckets_are_as_stacks_say() -> None:
    """S3: a bucket of a stack has versions, and tells EventBridge of its objects, when the stack says so.

    moto makes the bucket and forgets both, so that nothing starts when a package comes.
    """
    from moto.s3.models import FakeBucket, s3_backends
    from moto.utilities.utils import get_partition

    def with_more(original: Wrapped) -> Wrapped:
        def create_from_cloudformation_json(
            cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **more: Any
        ) -> Any:
            bucket = original(resource_name, cloudformation_json, account_id, region_name, **more)
            wanted = cloudformation_json.get("Properties", {})
            backend = s3_backends[account_id][get_partition(region_name)]
            if status := wanted.get("VersioningConfiguration", {}).get("Status"):
                backend.put_bucket_versioning(bucket.name, status)
            if wanted.get("NotificationConfiguration", {}).get("EventBridgeConfiguration"):
                backend.put_bucket_notification_configuration(bucket.name, {"EventBridgeConfiguration": {}})
            return bucket

        made: Any = classmethod(create_from_cloudformation_json)
        return made  # type: ignore[no-any-return]

    wrap(FakeBucket, "create_from_cloudformation_json", with_more)


def stacks_make_pipelines() -> None:
    """CodePipeline: a stack can have a pipeline, which moto passes over. The class below is found by being there."""
    from moto.codepipeline.models import codepipeline_backends
    from moto.core.common_models import CloudFormationModel

    class Pipeline(CloudFormationModel):
        def __init__(self, name: str) -> None:
            self.name = self.physical_resource_id = name

        @staticmethod
        def cloudformation_name_type() -> str:
            return "Name"

        @staticmethod
        def cloudformation_type() -> str:
            return "AWS::CodePipeline::Pipeline"

        @classmethod
        def create_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_more: Any
        ) -> "Pipeline":
            pipeline = _as_api(cloudformation_json["Properties"])
            codepipeline_backends[account_id][region_name].create_pipeline(pipeline, [])
            return cls(pipeline["name"])

        @classmethod
        def delete_from_cloudformation_json(
            cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
        ) -> None:
            codepipeline_backends[account_id][region_name].delete_pipeline(resource_name)

    _kept.append(Pipeline)


_kept: list[type] = []
"""moto finds classes among the subclasses of its own, which are forgotten when nobody holds them."""


def _as_api(value: Any, parent: str = "") -> Any:
    """Names as the API has them: a small letter first, but for those of configurations, which are data."""
    if isinstance(value, Mapping):
        keep = parent == "Configuration"
        return {(k if keep else k[0].lower() + k[1:]): _as_api(v, k) for k, v in value.items()}
    return [_as_api(item) for item in value] if isinstance(value, list) else value
