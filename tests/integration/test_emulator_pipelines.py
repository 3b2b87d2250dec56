"""From a package in a bucket to a build that really builds: what moto lacks, and the emulator does not. Each test fails
without its patch."""

import io
import json
import time
import zipfile
from itertools import count
from typing import Any

import pytest

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.sessions import SandboxAccess

ACCOUNTS = count(510000000001)
SPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - '{command}'\n"
CREATED = {"source": ["aws.s3"], "detail-type": ["Object Created"]}


@pytest.fixture
def access(emulator: Emulator) -> SandboxAccess:
    account = str(next(ACCOUNTS))
    return SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)


def bucket(access: SandboxAccess) -> str:
    return f"packages-{access.account_id}"


def stacked(access: SandboxAccess, **pipeline: Any) -> None:
    """A stack with a bucket that keeps versions and tells EventBridge, and, if wanted, a pipeline."""
    properties = {
        "BucketName": bucket(access),
        "VersioningConfiguration": {"Status": "Enabled"},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
    }
    resources: dict[str, Any] = {"Packages": {"Type": "AWS::S3::Bucket", "Properties": properties}}
    if pipeline:
        resources["Pipeline"] = {"Type": "AWS::CodePipeline::Pipeline", "Properties": pipeline}
    body = json.dumps({"Resources": resources})
    access.client("cloudformation").create_stack(StackName="builds", TemplateBody=body)


def role(access: SandboxAccess) -> str:
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codepipeline.amazonaws.com"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    made = access.client("iam").create_role(RoleName="builds", AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])


def piped(access: SandboxAccess, command: str = "true") -> None:
    """All of it: bucket, project, pipeline and the rule between them. A build does one command."""
    arn = role(access)
    access.client("codebuild").create_project(
        name="builds",
        source={"type": "CODEPIPELINE", "buildspec": SPEC.format(command=command)},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "none", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=arn,
    )
    kinds = {"Source": ("S3", {"S3Bucket": bucket(access), "S3ObjectKey": "jobs/none.zip"})}
    kinds["Source"][1]["AllowOverrideForS3ObjectKey"] = "true"
    kinds["Build"] = ("CodeBuild", {"ProjectName": "builds"})
    stages = [
        {
            "Name": name,
            "Actions": [
                {
                    "Name": name,
                    "ActionTypeId": {"Category": name, "Owner": "AWS", "Provider": provider, "Version": "1"},
                    "Configuration": configuration,
                }
            ],
        }
        for name, (provider, configuration) in kinds.items()
    ]
    store = {"Type": "S3", "Location": bucket(access)}
    stacked(access, Name="builds", RoleArn=arn, PipelineType="V2", ArtifactStore=store, Stages=stages)
    events, here = access.client("events"), f"eu-central-1:{access.account_id}"
    pattern = {**CREATED, "detail": {"object": {"key": [{"prefix": "jobs/"}]}}}
    events.put_rule(Name="package", EventPattern=json.dumps(pattern))
    told = [
        {"actionName": "Source", "revisionType": "S3_OBJECT_KEY", "revisionValue": "<key>"},
        {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "<version>"},
    ]
    transformer = {
        "InputPathsMap": {"key": "$.detail.object.key", "version": "$.detail.object.version-id"},
        "InputTemplate": json.dumps({"sourceRevisions": told}),
    }
    target = {"Id": "pipeline", "Arn": f"arn:aws:codepipeline:{here}:builds", "RoleArn": arn}
    events.put_targets(Rule="package", Targets=[{**target, "InputTransformer": transformer}])


def put(access: SandboxAccess, key: str) -> str:
    """A package with one file; its version."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("name", key)
    made = access.client("s3").put_object(Bucket=bucket(access), Key=key, Body=body.getvalue())
    return str(made["VersionId"])


def executions(access: SandboxAccess) -> list[dict[str, Any]]:
    """The executions of the pipeline, when all have ended."""
    client, end = access.client("codepipeline"), time.monotonic() + 30
    while True:
        found: list[dict[str, Any]] = client.list_pipeline_executions(pipelineName="builds")[
            "pipelineExecutionSummaries"
        ]
        if all(row["status"] != "InProgress" for row in found):
            return found
        assert time.monotonic() < end, found
        time.sleep(0.1)


def build_of(access: SandboxAccess, execution: str) -> dict[str, Any]:
    """The build of an execution."""
    wanted = {"pipelineExecutionId": execution}
    actions = access.client("codepipeline").list_action_executions(pipelineName="builds", filter=wanted)
    (action,) = actions["actionExecutionDetails"]
    number = action["output"]["executionResult"]["externalExecutionId"]
    (row,) = access.client("codebuild").batch_get_builds(ids=[number])["builds"]
    return dict(row)


def log_of(access: SandboxAccess, build: dict[str, Any]) -> list[str]:
    logs = build["logs"]
    found = access.client("logs").get_log_events(logGroupName=logs["groupName"], logStreamName=logs["streamName"])
    return [event["message"] for event in found["events"]]


def tapped(access: SandboxAccess) -> str:
    """A queue that a rule sends each object's event to."""
    sqs, events = access.client("sqs"), access.client("events")
    url = str(sqs.create_queue(QueueName="tap")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="tap", EventPattern=json.dumps(CREATED))
    events.put_targets(Rule="tap", Targets=[{"Id": "tap", "Arn": arn}])
    return url


def told(access: SandboxAccess, queue: str) -> list[dict[str, Any]]:
    """The objects that events in the queue tell of."""
    found = access.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", [])
    return [json.loads(message["Body"])["detail"]["object"] for message in found]


def test_a_bucket_of_a_stack_keeps_versions_and_tells_of_its_objects(access: SandboxAccess) -> None:
    stacked(access)
    url = tapped(access)
    assert access.client("s3").get_bucket_versioning(Bucket=bucket(access))["Status"] == "Enabled"
    version = put(access, "jobs/1.zip")
    assert [(event["key"], event["version-id"]) for event in told(access, url)] == [("jobs/1.zip", version)]


def test_a_pipeline_of_a_stack_is_there_and_goes_with_it(access: SandboxAccess) -> None:
    piped(access)
    client = access.client("codepipeline")
    made = client.get_pipeline(name="builds")["pipeline"]
    assert [stage["name"] for stage in made["stages"]] == ["Source", "Build"]
    assert made["stages"][1]["actions"][0]["configuration"] == {"ProjectName": "builds"}
    access.client("cloudformation").delete_stack(StackName="builds")
    assert client.list_pipelines()["pipelines"] == []


def test_only_what_the_rule_says_starts_a_build_of_that_very_version(access: SandboxAccess) -> None:
    piped(access, "cat name")
    put(access, "builds/artifact.zip")
    versions = [put(access, "jobs/1.zip"), put(access, "jobs/2.zip"), put(access, "jobs/1.zip")]
    found = executions(access)
    assert sorted(row["sourceRevisions"][0]["revisionId"] for row in found) == sorted(versions)
    said = [log_of(access, build_of(access, row["pipelineExecutionId"])) for row in found]
    assert sorted(lines[-1] for lines in said) == ["jobs/1.zip", "jobs/1.zip", "jobs/2.zip"]


@pytest.mark.parametrize(("command", "status"), [("true", "SUCCEEDED"), ("exit 3", "FAILED")])
def test_a_build_tells_what_its_commands_did(access: SandboxAccess, command: str, status: str) -> None:
    piped(access, command)
    put(access, "jobs/1.zip")
    (row,) = executions(access)
    assert row["status"] == status.capitalize()
    assert build_of(access, row["pipelineExecutionId"])["buildStatus"] == status


def test_a_build_that_is_stopped_ends(access: SandboxAccess) -> None:
    piped(access, "sleep 60")
    put(access, "jobs/1.zip")
    (row,) = access.client("codepipeline").list_pipeline_executions(pipelineName="builds")["pipelineExecutionSummaries"]
    access.client("codebuild").stop_build(id=build_of(access, row["pipelineExecutionId"])["id"])
    assert [found["status"] for found in executions(access)] == ["Stopped"]


def test_a_rule_for_a_pipeline_holds_up_no_other_rule(access: SandboxAccess) -> None:
    piped(access)
    url = tapped(access)
    put(access, "jobs/1.zip")
    assert [event["key"] for event in told(access, url)] == ["jobs/1.zip"]
    assert len(executions(access)) == 1
