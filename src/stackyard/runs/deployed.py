"""What deployments of the application leave in the environment's name and Terraform's state does not know."""

from stackyard.aws.sessions import SandboxAccess


def forget_revisions(access: SandboxAccess, family: str) -> list[str]:
    """Deregister every revision of the task definition `family`; returns their ARNs.

    The application's own pipeline registers a revision per deployment, and only the first one is Terraform's.
    """
    ecs = access.client("ecs")
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status="ACTIVE")
    # The prefix of a family is also the beginning of others.
    own = [arn for page in pages for arn in page["taskDefinitionArns"] if arn.split("/")[-1].split(":")[0] == family]
    for arn in own:
        ecs.deregister_task_definition(taskDefinition=arn)
    return own
