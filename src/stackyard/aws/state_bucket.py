"""Terraform's state in a bucket: what has to be done to it beside what Terraform does."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unavailable, shown


def forget_state(access: SandboxAccess, bucket: str, key: str) -> None:
    """Delete every version of the state and of its lock. It holds secrets of what is gone."""
    s3 = access.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        for kind in ("Versions", "DeleteMarkers"):
            for item in page.get(kind, ()):
                s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def read_state(access: SandboxAccess, bucket: str, key: str) -> str:
    """The state as Terraform wrote it; empty when there is none."""
    s3 = access.client("s3")
    try:
        text: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return ""
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(f"The state could not be read from bucket {bucket}: {shown(str(error))}") from error
    return text.decode()


def unlock_state(access: SandboxAccess, bucket: str, key: str) -> None:
    """Delete the lock beside a state (`use_lockfile` of Terraform's `s3` backend), whose holder is dead."""
    access.client("s3").delete_object(Bucket=bucket, Key=f"{key}.tflock")


def own_state(bucket: str, key: str, region: str) -> str:
    """As `read_state`, for a build that has the account's credentials in its own environment."""
    s3 = boto3.client("s3", region_name=region)
    try:
        text: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return ""
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(f"The state could not be read from bucket {bucket}: {shown(str(error))}") from error
    return text.decode()
