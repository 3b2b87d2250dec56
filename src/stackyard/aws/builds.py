"""Builds in a sandbox's account: a package is uploaded, CodePipeline starts CodeBuild for it, the results come back in
a bucket.

The names are those of `modules/builds`. Every call answers for itself, so that whoever has lost the thread
can take it up again with nothing but the package's key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stackyard.aws.jobs import Buckets, told, usual_name
from stackyard.aws.sessions import SandboxAccess

ENDED = frozenset({"SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"})
"""How a build of CodeBuild ends. https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html"""
PIPELINE_ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"})


@dataclass(frozen=True)
class BuildPlace(Buckets):
    """Where a sandbox's builds are: the buckets of packages and of results, and the pipeline between them."""

    pipeline: str

    @classmethod
    def of(cls, access: SandboxAccess, options: Mapping[str, Any]) -> "BuildPlace":
        """By the sandbox's options, else by the names that `modules/builds` gives."""
        return cls(
            str(options.get("packages") or f"{usual_name(access)}-jobs"),
            str(options.get("results") or f"{usual_name(access)}-results"),
            str(options.get("pipeline") or "stackyard-builds"),
        )


@dataclass(frozen=True)
class Build:
    """A build that was asked for. `key` and `version` name its package; the rest is known once it has begun.

    `token` is where reading of its log goes on.
    """

    key: str
    version: str = ""
    execution: str = ""
    build: str = ""
    group: str = ""
    stream: str = ""
    token: str = ""
    status: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing of it works any more."""
        return self.status in ENDED


def start(access: SandboxAccess, place: BuildPlace, key: str, package: Path) -> Build:
    """Upload a package; that starts its build. The same key again returns the build that was started for it."""
    s3 = access.client("s3")
    with told("start a build"):
        found = s3.list_object_versions(Bucket=place.packages, Prefix=key).get("Versions", [])
        if not any(item["Key"] == key for item in found):
            with package.open("rb") as body:
                return Build(key, s3.put_object(Bucket=place.packages, Key=key, Body=body).get("VersionId", ""))
        return Build(key, next(item["VersionId"] for item in found if item["Key"] == key))


def is_there(access: SandboxAccess, place: BuildPlace, key: str) -> bool:
    """Whether a package was uploaded, so that its build was asked for."""
    with told("look for a build"):
        found = access.client("s3").list_object_versions(Bucket=place.packages, Prefix=key).get("Versions", [])
        return any(item["Key"] == key for item in found)


def look(access: SandboxAccess, place: BuildPlace, build: Build) -> tuple[Build, list[str]]:
    """How far a build is by now, and the lines of its log since the last look."""
    with told("look at a build"):
        if not build.build:
            build = _found(access, place, build)
        if not build.build:
            return build, []
        row = access.client("codebuild").batch_get_builds(ids=[build.build])["builds"][0]
        logs = row.get("logs", {})
        build = replace(build, group=logs.get("groupName", ""), stream=logs.get("streamName", ""))
        build, lines = _lines(access, build)
        # The status first, the log after it: what was written before the end is in the log that is read now.
        return replace(build, status=row["buildStatus"]), lines


def _found(access: SandboxAccess, place: BuildPlace, build: Build) -> Build:
    """The execution that the package's version started, and its build."""
    client = access.client("codepipeline")
    if not build.execution:
        for page in client.get_paginator("list_pipeline_executions").paginate(
            pipelineName=place.pipeline, PaginationConfig={"MaxItems": 200}
        ):
            for row in page["pipelineExecutionSummaries"]:
                if any(build.version == s.get("revisionId") for s in row.get("sourceRevisions", ())):
                    build = replace(build, execution=row["pipelineExecutionId"])
    if not build.execution:
        return build
    actions = client.list_action_executions(
        pipelineName=place.pipeline, filter={"pipelineExecutionId": build.execution}
    )["actionExecutionDetails"]
    for action in actions:
        number = action.get("output", {}).get("executionResult", {}).get("externalExecutionId", "")
        if action.get("input", {}).get("actionTypeId", {}).get("provider") == "CodeBuild" and number:
            return replace(build, build=number)
    ended = client.get_pipeline_execution(pipelineName=place.pipeline, pipelineExecutionId=build.execution)
    status = ended["pipelineExecution"]["status"]
    return replace(build, status="FAILED") if status in PIPELINE_ENDED else build


def _lines(access: SandboxAccess, build: Build) -> tuple[Build, list[str]]:
    if not build.stream:
        return build, []
    logs = access.client("logs")
    lines: list[str] = []
    while True:
        more = {"nextToken": build.token} if build.token else {}
        try:
            page = logs.get_log_events(logGroupName=build.group, logStreamName=build.stream, startFromHead=True, **more)
        except logs.exceptions.ResourceNotFoundException:  # nothing was said yet
            return build, lines
        lines += [event["message"].rstrip("\n") for event in page["events"]]
        token = page["nextForwardToken"]
        if token == build.token or not page["events"]:
            return replace(build, token=token), lines
        build = replace(build, token=token)


def stop(access: SandboxAccess, place: BuildPlace, build: Build) -> bool:
    """Ask a build to stop; when it has not begun yet, its pipeline. False while nothing of it is known."""
    with told("stop a build"):
        if build.build:
            access.client("codebuild").stop_build(id=build.build)
        elif build.execution:
            access.client("codepipeline").stop_pipeline_execution(
                pipelineName=place.pipeline, pipelineExecutionId=build.execution, abandon=True
            )
    return bool(build.build or build.execution)
