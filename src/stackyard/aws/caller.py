"""Who this process is towards AWS."""

import re

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_ASSUMED = re.compile(r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")


def own_principal(region: str) -> str:
    """The ARN of the role or user that this process is, as trust policies name it; empty when it has no credentials or
    AWS does not answer within seconds. A role that lies below a path is named without it."""
    try:
        client = boto3.client(
            "sts", region_name=region, config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 1})
        )
        arn = str(client.get_caller_identity()["Arn"])
    except (ClientError, BotoCoreError):
        return ""
    assumed = _ASSUMED.fullmatch(arn)
    return f"arn:{assumed['partition']}:iam::{assumed['account']}:role/{assumed['role']}" if assumed else arn
