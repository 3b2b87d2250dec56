"""What a sandbox's role needs beside its policies when builds elsewhere do Terraform's part of runs."""

from stackyard.aws.jobs import usual_name
from stackyard.aws.policies import VERSION, Policy, allow
from stackyard.aws.sessions import SandboxAccess

BUILDERS = ("stackyard-builds-build", "stackyard-github")
"""Roles that builds run as, by the names that `modules/builds` gives them."""

_OBJECTS = "DeleteObject DeleteObjectVersion GetObject GetObjectVersion PutObject"
_BUCKETS = "GetBucketNotification ListBucket ListBucketVersions PutBucketNotification"
_SERVICES = {"build": "codebuild", "pipeline": "codepipeline", "start": "events"}
_ROLE_ACTIONS = (
    "CreateRole DeleteRole DeleteRolePolicy PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole "
    "UpdateRoleDescription"
)


def trust_of_builds(account_id: str, external_id: str) -> Policy:
    """The statement of the role's trust policy that lets the account's own builds take it, with the sandbox's external
    id if it has one. By name and not as principals, which would have to be there before the role:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    builders = [f"arn:aws:iam::{account_id}:role/{name}" for name in BUILDERS]
    condition: Policy = {"ArnEquals": {"aws:PrincipalArn": builders}}
    if external_id:
        condition["StringEquals"] = {"sts:ExternalId": external_id}
    return {
        "Sid": "Builds",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }


def build_policy(access: SandboxAccess) -> Policy:
    """What the role may do with builds: hand jobs over, follow, stop and clear them, and make, change and delete what
    `modules/builds` has, all by its usual names."""
    account, region, name = access.account_id, access.region, "stackyard-builds"
    buckets = [f"arn:aws:s3:::{usual_name(access)}-{use}" for use in ("jobs", "results")]
    pipeline = f"arn:aws:codepipeline:{region}:{account}:{name}"
    role = f"arn:aws:iam::{account}:role"
    return {
        "Version": VERSION,
        "Statement": [
            allow(_of("s3", _BUCKETS), buckets),
            allow(_of("s3", _OBJECTS), [f"{bucket}/*" for bucket in buckets]),
            allow(
                _of(
                    "codepipeline",
                    "CreatePipeline DeletePipeline GetPipeline GetPipelineExecution GetPipelineState "
                    "ListActionExecutions ListPipelineExecutions ListTagsForResource StopPipelineExecution "
                    "TagResource UntagResource UpdatePipeline",
                ),
                [pipeline, f"{pipeline}/*"],
            ),
            allow(
                _of("codebuild", "BatchGetBuilds BatchGetProjects CreateProject DeleteProject StopBuild UpdateProject"),
                [f"arn:aws:codebuild:{region}:{account}:project/{name}"],
            ),
            allow(
                _of(
                    "events",
                    "DeleteRule DescribeRule ListTagsForResource ListTargetsByRule PutRule PutTargets RemoveTargets "
                    "TagResource UntagResource",
                ),
                [f"arn:aws:events:{region}:{account}:rule/{name}-package"],
            ),
            allow(["logs:GetLogEvents"], [f"arn:aws:logs:{region}:{account}:log-group:/aws/codebuild/{name}:*"]),
            allow(_of("iam", _ROLE_ACTIONS), [f"{role}/{name}-*", f"{role}/stackyard-github"]),
            *(
                allow(
                    ["iam:PassRole"],
                    [f"{role}/{name}-{step}"],
                    {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
                )
                for step, service in _SERVICES.items()
            ),
        ],
    }


def _of(service: str, names: str) -> list[str]:
    return [f"{service}:{name}" for name in names.split()]
