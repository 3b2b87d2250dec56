"""CodePipeline and CodeBuild: builds that really build (`aws.emulator.builds`)."""

import json
import os
from collections.abc import Mapping
from typing import Any

import boto3

from stackyard.aws.emulator.builds import Build, milliseconds
from stackyard.aws.emulator.patches.tools import Wrapped, add, wrap
from stackyard.aws.sessions import EMULATED_CREDENTIALS

BUILD_ACTION = {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"}
_builds: dict[str, Build] = {}


def events_start_pipelines() -> None:
    """EventBridge: a rule whose target is a pipeline starts it, with what its input transformer makes of the event.

    moto knows no such target; its exception drops the rules that come after it.
    """
    from moto.events.models import Rule
    from moto.utilities.arns import parse_arn

    def starting(original: Wrapped) -> Wrapped:
        def send_to_targets(self: Any, event: Any, *arguments: Any, **more: Any) -> None:
            pipelines = [t for t in self.targets if parse_arn(t["Arn"]).service == "codepipeline"]
            if pipelines and self.state == "ENABLED" and self.event_pattern.matches_event(event):
                for target in pipelines:
                    _start_pipeline(parse_arn(target["Arn"]), _transformed(target, event))
            everything, self.targets = self.targets, [t for t in self.targets if t not in pipelines]
            try:
                original(self, event, *arguments, **more)
            finally:
                self.targets = everything

        return send_to_targets

    wrap(Rule, "send_to_targets", starting)


def _transformed(target: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """The input that a target gets.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html"""
    transformer = target.get("InputTransformer") or {}
    text = str(transformer.get("InputTemplate") or "{}")
    for name, path in (transformer.get("InputPathsMap") or {}).items():
        value: Any = event
        for part in str(path).removeprefix("$.").split("."):
            value = value[part]
        text = text.replace(f"<{name}>", json.dumps(value)[1:-1] if isinstance(value, str) else json.dumps(value))
    found: dict[str, Any] = json.loads(text)
    return found


def executions_name_their_source() -> None:
    """CodePipeline: an execution tells its source revision and how its build goes; its actions can be listed."""
    from moto.codepipeline.models import PipelineExecution
    from moto.codepipeline.responses import CodePipelineResponse

    def with_source(original: Wrapped) -> Wrapped:
        def to_summary_dict(self: Any) -> dict[str, Any]:
            return {**original(self), "sourceRevisions": getattr(self, "source_revisions", [])}

        return to_summary_dict

    wrap(PipelineExecution, "to_summary_dict", with_source)

    def list_action_executions(self: Any) -> str:
        wanted = (self._get_param("filter") or {}).get("pipelineExecutionId")
        pipeline = self.codepipeline_backend.pipelines[self._get_param("pipelineName")]
        found = [e for e in pipeline.executions.values() if wanted in (None, e.pipeline_execution_id)]
        details = [
            {
                "pipelineExecutionId": execution.pipeline_execution_id,
                "actionName": "Build",
                "status": execution.status,
                "input": {"actionTypeId": BUILD_ACTION},
                "output": {"executionResult": {"externalExecutionId": execution.build_id}},
            }
            for execution in found
            if hasattr(execution, "build_id")
        ]
        return json.dumps({"actionExecutionDetails": details})

    add(CodePipelineResponse, "list_action_executions", list_action_executions)


def a_pipeline_is_source_enough() -> None:
    """CodeBuild: a project that a pipeline gives its source has no location of one, and no artifacts of its own."""
    from moto.codebuild import responses

    def lenient(original: Wrapped) -> Wrapped:
        return lambda source: None if source.get("type") == "CODEPIPELINE" else original(source)

    wrap(responses, "_validate_required_params_source", lenient)
    wrap(responses, "_validate_required_params_artifacts", lenient)


def builds_tell_how_they_are() -> None:
    """CodeBuild: what is told of a build is what it does, and StopBuild stops it."""
    from moto.codebuild.models import CodeBuildBackend

    def honest(original: Wrapped) -> Wrapped:
        def batch_get_builds(self: Any, ids: list[str]) -> list[dict[str, Any]]:
            others = [number for number in ids if number not in _builds]
            return [_builds[n].row for n in ids if n in _builds] + (original(self, others) if others else [])

        return batch_get_builds

    def stopping(original: Wrapped) -> Wrapped:
        def stop_build(self: Any, build_id: str) -> Any:
            if build_id not in _builds:
                return original(self, build_id)
            _builds[build_id].stop()
            return _builds[build_id].row

        return stop_build

    wrap(CodeBuildBackend, "batch_get_builds", honest)
    wrap(CodeBuildBackend, "stop_build", stopping)


def _start_pipeline(arn: Any, wish: Mapping[str, Any]) -> None:
    """As StartPipelineExecution: the source is the object, and its version, that the wish names."""
    from moto.codepipeline.models import codepipeline_backends
    from moto.s3.models import s3_backends

    name = arn.resource_id
    pipelines = codepipeline_backends[arn.account][arn.region]
    actions = [a for stage in pipelines.pipelines[name].pipeline["stages"] for a in stage["actions"]]
    source = next(a["configuration"] for a in actions if a["actionTypeId"]["provider"] == "S3")
    named = {r["revisionType"]: r["revisionValue"] for r in wish.get("sourceRevisions", ())}
    key = source["S3ObjectKey"]
    if source.get("AllowOverrideForS3ObjectKey") == "true":
        key = named.get("S3_OBJECT_KEY", key)
    found = s3_backends[arn.account]["aws"].get_object(source["S3Bucket"], key, named.get("S3_OBJECT_VERSION_ID"))
    project = next(a["configuration"]["ProjectName"] for a in actions if a["actionTypeId"]["provider"] == "CodeBuild")
    if found is not None:  # else the execution fails at its source, and there is no build
        _start_build(arn.account, arn.region, pipelines, name, project, found)


def _start_build(account: str, region: str, pipelines: Any, pipeline: str, project: str, key: Any) -> None:
    from moto.codebuild.models import codebuild_backends
    from moto.logs.models import logs_backends

    execution = pipelines.pipelines[pipeline].executions[pipelines.start_pipeline_execution(pipeline, None)]
    builds, logs = codebuild_backends[account][region], logs_backends[account][region]
    made = builds.codebuild_projects[project].project_metadata
    row = builds.start_build(project, key.version_id)
    group = (made.get("logsConfig") or {}).get("cloudWatchLogs", {}).get("groupName") or f"/aws/codebuild/{project}"
    stream = row["id"].partition(":")[2]
    row["logs"] = {"groupName": group, "streamName": stream}
    execution.status, execution.build_id = "InProgress", row["id"]
    execution.source_revisions = [{"actionName": "Source", "revisionId": key.version_id}]
    if group not in logs.groups:
        logs.create_log_group(group, {})
    logs.create_log_stream(group, stream)

    def say(line: str) -> None:
        logs.put_log_events(group, stream, [{"timestamp": milliseconds(), "message": line}])

    def ended(status: str) -> None:
        execution.status = {"SUCCEEDED": "Succeeded", "STOPPED": "Stopped"}.get(status, "Failed")

    given = {v["name"]: v["value"] for v in made["environment"].get("environmentVariables") or []}
    endpoint = f"http://127.0.0.1:{os.environ['MOTO_PORT']}"
    own = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
    }

    def variables() -> dict[str, str]:
        return {**given, **own, **_credentials(made["serviceRole"], region, endpoint)}

    build = Build(row, key.value, variables, made["source"]["buildspec"], say, ended)
    _builds[row["id"]] = build
    build.start()


def _credentials(role: str, region: str, endpoint: str) -> dict[str, str]:
    """Those of the project's role: they say in whose account the build is."""
    sts = boto3.client(
        "sts",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=EMULATED_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=EMULATED_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    made = sts.assume_role(RoleArn=role, RoleSessionName="codebuild")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }
