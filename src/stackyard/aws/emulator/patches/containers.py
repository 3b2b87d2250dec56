"""ECS and the scaling of its services."""

import json
from typing import Any

from stackyard.aws.emulator.patches.tools import Wrapped, add, need, wrap


def services_run_at_once() -> None:
    """ECS: all tasks of a service run as soon as it is created or updated.

    moto starts no tasks and leaves every service at 0 running, so Terraform's `wait_for_steady_state` would wait for
    ever; and after an update the deployment still shows the task definition before it.
    """
    from moto.ecs.models import EC2ContainerServiceBackend as Backend

    def settle(original: Wrapped) -> Wrapped:
        def settled(self: Any, *args: Any, **kwargs: Any) -> Any:
            service = original(self, *args, **kwargs)
            service.running_count, service.pending_count = service.desired_count, 0
            for deployment in service.deployments:
                deployment.update(
                    desiredCount=service.desired_count,
                    runningCount=service.desired_count,
                    pendingCount=0,
                    rolloutState="COMPLETED",
                    taskDefinition=service.task_definition,
                )
            return service

        return settled

    wrap(Backend, "create_service", settle)
    wrap(Backend, "update_service", settle)


def services_keep_what_they_were_given() -> None:
    """ECS: a service answers with the settings that it was created with.

    moto forgets some of them on creation (an update keeps them), so that every plan would want to set them again.
    """
    from moto.ecs.responses import EC2ContainerServiceResponse as Response

    forgotten = {
        "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds",
        "enableExecuteCommand": "enable_execute_command",
        "enableECSManagedTags": "enable_ecs_managed_tags",
    }

    def keep(original: Wrapped) -> Wrapped:
        def kept(self: Any) -> Any:
            answer = original(self)
            for parameter, attribute in forgotten.items():
                value = self._get_param(parameter)
                if value is not None:
                    setattr(answer.result["service"], attribute, value)
            return answer

        return kept

    wrap(Response, "create_service", keep)


def services_name_their_revision_by_its_arn() -> None:
    """ECS: a service that was updated to `family:revision`, or to the newest of a `family`, answers with the ARN.

    moto answers with the words of the update. The provider takes the text behind the last slash for the revision, and
    ends in a panic where there is no slash.
    """
    from moto.ecs.models import EC2ContainerServiceBackend as Backend

    def resolve(original: Wrapped) -> Wrapped:
        def updated(self: Any, service_properties: dict[str, Any]) -> Any:
            wanted = service_properties.get("task_definition")
            if wanted:
                service_properties["task_definition"] = self.describe_task_definition(wanted).arn
            return original(self, service_properties)

        return updated

    wrap(Backend, "update_service", resolve)


def settings_of_a_cluster_can_change() -> None:
    """ECS: the settings of a cluster, as Container Insights, can be changed; moto does not know the action at all."""
    from moto.core.responses import ActionResult
    from moto.ecs.models import EC2ContainerServiceBackend as Backend
    from moto.ecs.responses import EC2ContainerServiceResponse as Response

    need(Backend, "update_cluster")

    def update_cluster_settings(self: Any) -> Any:
        cluster = self.ecs_backend.update_cluster(
            cluster_name=self._get_param("cluster"),
            cluster_settings=self._get_param("settings"),
            configuration=None,
            service_connect_defaults=None,
        )
        return ActionResult({"cluster": cluster})

    add(Response, "update_cluster_settings", update_cluster_settings)


def scaling_policies_are_found_by_name() -> None:
    """Application Auto Scaling: asked for policies by name, only these are answered.

    moto answers all of the target's; the provider takes the first, and deletes another policy than it was told to.
    """
    from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse as Response

    def choose(original: Wrapped) -> Wrapped:
        def chosen(self: Any) -> str:
            answer = json.loads(original(self))
            names = self._get_param("PolicyNames")
            if names:
                answer["ScalingPolicies"] = [p for p in answer["ScalingPolicies"] if p["PolicyName"] in names]
            return json.dumps(answer)

        return chosen

    wrap(Response, "describe_scaling_policies", choose)
