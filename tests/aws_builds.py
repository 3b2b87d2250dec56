"""What the executor `codebuild` needs in an account: buckets, a project with the shipped buildspec, a pipeline."""

import json
from pathlib import Path

from stackyard.aws.builds import BuildPlace
from stackyard.aws.sessions import SandboxAccess

BUILDSPEC = Path(__file__).parents[1] / "pipeline" / "aws" / "buildspec.yml"


def make_builds(access: SandboxAccess, **variables: str) -> None:
    """Make all of it, by its usual names. `variables`: of the project's environment."""
    place = BuildPlace.of(access, {})
    s3 = access.client("s3")
    for bucket in (place.packages, place.results):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": access.region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    roles = {name: made_role(access, name) for name in ("codepipeline", "codebuild")}
    machine = {"type": "LINUX_CONTAINER", "image": "none", "computeType": "BUILD_GENERAL1_SMALL"}
    access.client("codebuild").create_project(
        name="stackyard-builds",
        source={"type": "CODEPIPELINE", "buildspec": BUILDSPEC.read_text()},
        artifacts={"type": "CODEPIPELINE"},
        environment={**machine, "environmentVariables": [{"name": n, "value": v} for n, v in variables.items()]},
        serviceRole=roles["codebuild"],
    )
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": {"S3Bucket": place.packages, "S3ObjectKey": "jobs/none.zip"},
        "outputArtifacts": [{"name": "job"}],
    }
    build = {
        "name": "Build",
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "stackyard-builds"},
        "inputArtifacts": [{"name": "job"}],
    }
    access.client("codepipeline").create_pipeline(
        pipeline={
            "name": place.pipeline,
            "roleArn": roles["codepipeline"],
            "artifactStore": {"type": "S3", "location": place.results},
            "stages": [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [build]}],
        }
    )


def made_role(access: SandboxAccess, service: str) -> str:
    """A role that a service takes; its ARN."""
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    made = access.client("iam").create_role(RoleName=service, AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])
