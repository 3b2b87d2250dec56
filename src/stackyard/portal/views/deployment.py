"""How the application gets to its environment."""

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.environments.deployment import deploy_workflow
from stackyard.portal.requests import Request


@require_GET
def workflow(request: Request, uid: str) -> HttpResponse:
    """A workflow for GitHub Actions, as a file."""
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern")
    made = deploy_workflow(rights.find(request.user, rows, uid=uid))
    response = HttpResponse(made.text, content_type="text/yaml; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response
