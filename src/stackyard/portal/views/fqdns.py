"""Further host names of an environment: add one, take one away. Both lead to the run that does it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.environments.fqdns import add_fqdn, remove_fqdn
from stackyard.errors import Conflict, Invalid, NotFound
from stackyard.portal.requests import Request


@require_POST
def add(request: Request, uid: str) -> HttpResponse:
    """Ask for one more name; a refusal is told on the environment's page."""
    found = _get_environment(request, uid)
    try:
        run = add_fqdn(request.user, found, request.POST.get("fqdn", ""), via="portal")
    except Invalid as error:
        messages.error(request, " ".join(problem.message for problem in error.problems))
    except Conflict as error:
        messages.error(request, str(error))
    else:
        return redirect("portal:run", run_id=run.pk)
    return redirect("portal:environment", uid=uid)


@require_POST
def remove(request: Request, uid: str) -> HttpResponse:
    """Ask for a name to be taken away; the run waits for approval."""
    found = _get_environment(request, uid)
    try:
        run = remove_fqdn(request.user, found, request.POST.get("fqdn", ""), via="portal")
    except (NotFound, Conflict) as error:
        messages.error(request, str(error))
        return redirect("portal:environment", uid=uid)
    return redirect("portal:run", run_id=run.pk)


def _get_environment(request: Request, uid: str) -> Environment:
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    return rights.find(request.user, rows, uid=uid)
