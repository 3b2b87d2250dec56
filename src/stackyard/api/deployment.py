"""`/api/environments/{environment}/workflow`: how the application gets there."""

from django.http import HttpRequest
from ninja import Router

from stackyard.api.answers import answers
from stackyard.api.environments import find_environment
from stackyard.api.shapes import WorkflowOut
from stackyard.environments.deployment import deploy_workflow

router = Router(tags=["environments"])


@router.get("/{environment}/workflow", response=answers(200, WorkflowOut), summary="A workflow that deploys to it")
def show_workflow(request: HttpRequest, environment: str) -> WorkflowOut:
    """For GitHub Actions, in the application's repository. 409, with what to do, when there is no service to deploy to,
    or no role to deploy with."""
    made = deploy_workflow(find_environment(request, environment))
    return WorkflowOut(name=made.name, text=made.text)
