"""The path of an environment, proven again."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.environments.proof import verify
from stackyard.portal.requests import Request, wants_fragment


@require_POST
def prove_again(request: Request, uid: str) -> HttpResponse:
    """Ask AWS about each hop now; for htmx the card with the path, to put in its place."""
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    found = rights.find(request.user, rows, uid=uid)
    hops = verify(request.user, found)
    if wants_fragment(request):
        context = {"environment": found, "may_act": True, "proven_now": True}
        return render(request, "portal/environments/part_path.html", context)
    broken = next((hop for hop in hops if hop.ok is False), None)
    if broken is None:
        messages.success(request, "Every hop holds.")
    else:
        messages.error(request, f"{broken.title}: {broken.found}")
    return redirect("portal:environment", uid=uid)
