"""Sandboxes."""

from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from stackyard.cmdb import rights
from stackyard.cmdb.models import Sandbox
from stackyard.cmdb.models.environment import GONE
from stackyard.environments import listing
from stackyard.portal.forms.cmdb import SandboxForm
from stackyard.portal.history import changes_of
from stackyard.portal.requests import Request
from stackyard.portal.views.register import Noun, form_page, list_page

SANDBOX = Noun("sandbox", "sandboxes", SandboxForm, ("name", "account_id", "zone_name", "department__title"))


@require_GET
def sandboxes(request: Request) -> HttpResponse:
    """The list, with how full each is."""
    living = Count("environments", filter=~Q(environments__status__in=GONE))
    return list_page(request, SANDBOX, Sandbox.objects.select_related("department").annotate(living=living))


@require_GET
def sandbox(request: Request, name: str) -> HttpResponse:
    """One sandbox with its facts, environments and changes."""
    found = _get_sandbox(request, name)
    context = {
        "sandbox": found,
        "environments": listing.search(request.user, sandbox=found.name)[:10],
        "facts": sorted(found.facts.items()),
        "changes": changes_of(found.history),
    }
    return render(request, "portal/cmdb/sandbox.html", context)


def _get_sandbox(request: Request, name: str) -> Sandbox:
    return rights.find(request.user, Sandbox.objects.select_related("department"), name=name)


@require_http_methods(["GET", "POST"])
def new_sandbox(request: Request) -> HttpResponse:
    """Add one."""
    return form_page(request, SANDBOX)


@require_http_methods(["GET", "POST"])
def edit_sandbox(request: Request, name: str) -> HttpResponse:
    """Change one."""
    return form_page(request, SANDBOX, _get_sandbox(request, name))
