"""Terraform's state in a bucket: what has to be done to it beside what Terraform does."""

from contextlib import suppress
from typing import Any

import boto3

from stackyard.aws.jobs import told
from stackyard.aws.sessions import SandboxAccess


def forget_state(access: SandboxAccess, bucket: str, key: str) -> None:
    """Delete every version of the state and of its lock. It holds secrets of what is gone. Without its bucket there is
    none. Raises Unavailable."""
    s3 = access.client("s3")
    with told(f"delete the state in bucket {bucket}"), suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            for kind in ("Versions", "DeleteMarkers"):
                for item in page.get(kind, ()):
                    s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def read_state(access: SandboxAccess, bucket: str, key: str) -> str:
    """The state as Terraform wrote it; empty when there is none. Raises Unavailable, and Unusable when there is no such
    bucket."""
    return _read(access.client("s3"), bucket, key)


def unlock_state(access: SandboxAccess, bucket: str, key: str) -> None:
    """Delete the lock beside a state (`use_lockfile` of Terraform's `s3` backend), whose holder is dead."""
    with told(f"unlock the state in bucket {bucket}"):
        access.client("s3").delete_object(Bucket=bucket, Key=f"{key}.tflock")


def own_state(bucket: str, key: str, region: str) -> str:
    """As `read_state`, for a build that has the account's credentials in its own environment."""
    return _read(boto3.client("s3", region_name=region), bucket, key)


def _read(s3: Any, bucket: str, key: str) -> str:
    with told(f"read the state in bucket {bucket}"):
        try:
            text: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return ""
    return text.decode()
