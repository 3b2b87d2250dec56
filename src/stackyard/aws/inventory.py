"""The proof of deletion: what of an environment is still in its account."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.listers import containers, data, identity, network
from stackyard.aws.listers.search import Leftover, Lister, Search
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unavailable

__all__ = ["LISTERS", "Leftover", "leftovers"]

LISTERS: dict[str, Lister] = {
    "ECS": containers.ecs,
    "ECR": containers.ecr,
    "Application Auto Scaling": containers.autoscaling,
    "Elastic Load Balancing": network.load_balancing,
    "EC2": network.ec2,
    "Route 53": network.route53,
    "CloudFront": network.cloudfront,
    "WAF": network.waf,
    "RDS": data.rds,
    "ElastiCache": data.elasticache,
    "S3": data.s3,
    "Secrets Manager": data.secrets,
    "SQS": data.sqs,
    "CloudWatch alarms": data.alarms,
    "CloudWatch Logs": data.logs,
    "IAM": identity.iam,
    "the tagging API": identity.tagged,
}
"""Each service that is asked, by its name, and who asks it."""


def leftovers(
    access: SandboxAccess,
    *,
    tag_key: str,
    tag_value: str,
    name: str,
    fqdn: str = "",
    zone_id: str = "",
    further_names: Sequence[str] = (),
) -> list[Leftover]:
    """What is still there of the environment whose resources have the tag `tag_key = tag_value` and names that contain
    `name`, and which answered to `fqdn` and `further_names` in the hosted zone `zone_id`. Empty: nothing. Untagged
    resources count when their name is exactly `name`. Unavailable when a service cannot be asked, because then nothing
    is proven."""
    search = Search(access, tag_key, tag_value, name, fqdn, zone_id, tuple(further_names))
    with ThreadPoolExecutor(max_workers=len(LISTERS)) as pool:
        asked = {service: pool.submit(lambda ask: list(ask(search)), lister) for service, lister in LISTERS.items()}
    found: list[Leftover] = []
    for service, answer in asked.items():
        try:
            found += answer.result()
        except (ClientError, BotoCoreError) as error:
            raise Unavailable(
                f"{service} could not be asked what is left in account {access.account_id}: {error}",
                hint=f"The role {access.role_arn} must be allowed to list and describe what its patterns build.",
            ) from error
    return found


def kept_snapshots(access: SandboxAccess, *, tag_key: str, tag_value: str, name: str) -> list[Leftover]:
    """The snapshots that stay because somebody asked for them; no leftovers, but they are paid for. Unavailable when
    AWS cannot be asked."""
    try:
        return list(data.final_snapshots(Search(access, tag_key, tag_value, name)))
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"RDS could not be asked for snapshots in account {access.account_id}: {error}",
            hint=f"The role {access.role_arn} must be allowed to describe snapshots.",
        ) from error
