"""Terraform's state in a bucket: what has to be done to it beside what Terraform does."""

from stackyard.aws.sessions import SandboxAccess


def forget_state(access: SandboxAccess, bucket: str, key: str) -> None:
    """Delete every version of the state and of its lock. It holds secrets of what is gone."""
    s3 = access.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for kind in ("Versions", "DeleteMarkers"):
            for item in page.get(kind, ()):
                s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
