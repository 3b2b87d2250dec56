"""Builds in a sandbox's account: a package is uploaded, CodePipeline starts CodeBuild for it, the results come back in
a bucket.

The names are those of the outputs of `pipeline/aws`. Every call answers for itself, so that whoever has lost the thread
can take it up again with nothing but the package's key.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unavailable, shown

ENDED = frozenset({"SUCCEEDED", "FAILED", "FAULT", "TIMED_OUT", "STOPPED"})
"""How a build of CodeBuild ends. https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html"""
PIPELINE_ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"})


@dataclass(frozen=True)
class BuildPlace:
    """Where a sandbox's builds are: the buckets of packages and of results, and the pipeline between them."""

    packages: str
    results: str
    pipeline: str

    @classmethod
    def of(cls, access: SandboxAccess, options: Mapping[str, Any]) -> "BuildPlace":
        """By the sandbox's options, else by the names that `pipeline/aws` gives."""
        name = f"stackyard-builds-{access.account_id}-{access.region}"
        return cls(
            str(options.get("packages") or f"{name}-jobs"),
            str(options.get("results") or f"{name}-results"),
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
    with _told("start a build"):
        found = s3.list_object_versions(Bucket=place.packages, Prefix=key).get("Versions", [])
        if not any(item["Key"] == key for item in found):
            with package.open("rb") as body:
                return Build(key, s3.put_object(Bucket=place.packages, Key=key, Body=body).get("VersionId", ""))
        return Build(key, next(item["VersionId"] for item in found if item["Key"] == key))


def is_there(access: SandboxAccess, place: BuildPlace, key: str) -> bool:
    """Whether a package was uploaded, so that its build was asked for."""
    with _told("look for a build"):
        found = access.client("s3").list_object_versions(Bucket=place.packages, Prefix=key).get("Versions", [])
        return any(item["Key"] == key for item in found)


def look(access: SandboxAccess, place: BuildPlace, build: Build) -> tuple[Build, list[str]]:
    """How far a build is by now, and the lines of its log since the last look."""
    with _told("look at a build"):
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


def stop(access: SandboxAccess, place: BuildPlace, build: Build) -> None:
    """Ask a build to stop; when it has not begun yet, its pipeline."""
    with _told("stop a build"):
        if build.build:
            access.client("codebuild").stop_build(id=build.build)
        elif build.execution:
            access.client("codepipeline").stop_pipeline_execution(
                pipelineName=place.pipeline, pipelineExecutionId=build.execution, abandon=True
            )


def results_of(key: str) -> str:
    """Where in the bucket of results those of a package are."""
    return f"results/{key}/"


def collect(access: SandboxAccess, place: BuildPlace, build: Build, folder: Path) -> bool:
    """Write the results of an ended build into `folder`. False when it left none."""
    s3, prefix = access.client("s3"), results_of(build.key)
    folder.mkdir(parents=True, exist_ok=True)
    with _told("fetch the results of a build"):
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=place.results, Prefix=prefix).get("Contents", [])]
        for key in keys:
            s3.download_file(place.results, key, str(folder / Path(key).name))
    return f"{prefix}result.json" in keys


def clear(access: SandboxAccess, place: BuildPlace, build: Build) -> None:
    """Delete every version of package and results: a saved plan holds values in clear."""
    s3 = access.client("s3")
    with _told("delete the package of a build"):
        for bucket, prefix in ((place.packages, build.key), (place.results, results_of(build.key))):
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                    s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])


def hand_over(access: SandboxAccess, name: str, secrets: Mapping[str, str]) -> None:
    """Put secrets where the build alone reads them: a secret of the account, as a JSON object."""
    client, text = access.client("secretsmanager"), json.dumps(dict(secrets))
    with _told("hand secrets over to a build"):
        try:
            client.create_secret(Name=name, SecretString=text)
        except client.exceptions.ResourceExistsException:
            client.put_secret_value(SecretId=name, SecretString=text)


def take_back(access: SandboxAccess, name: str) -> None:
    """Delete such a secret for good. Nothing when there is none."""
    client = access.client("secretsmanager")
    with _told("take secrets back from a build"):
        try:
            client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        except client.exceptions.ResourceNotFoundException:
            return


@contextmanager
def _told(what: str) -> Iterator[None]:
    """AWS errors as one sentence: what we wanted, and what AWS said."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"AWS did not let us {what}: {shown(str(error))}",
            hint="docs/executors.md tells what an account needs for builds.",
        ) from error


def secrets_given(name: str) -> dict[str, str]:
    """For the build itself, with its own role: what was handed over to it. Raises Unavailable."""
    with _told(f"read the secret {name}"):
        text: str = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    return {str(key): str(value) for key, value in json.loads(text).items()}


def deliver(folder: Path, results: str) -> None:
    """For the build itself: bring what a job left to `s3://bucket/prefix/`, the result last. Raises Unavailable."""
    bucket, _, prefix = results.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3")
    files = sorted((f for f in folder.iterdir() if f.is_file()), key=lambda f: f.name == "result.json")
    with _told(f"bring the results to {results}"):
        for file in files:
            s3.upload_file(str(file), bucket, f"{prefix}{file.name}")
