"""Patterns: what can be built."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from stackyard.cmdb import rights
from stackyard.environments.impact import impact
from stackyard.environments.versions import tested_at
from stackyard.errors import NotFound, Unusable
from stackyard.portal.forms.settings import settings_form
from stackyard.portal.markdown import to_html
from stackyard.portal.patterns import catalogue
from stackyard.portal.requests import Request
from stackyard.runs.eta import usual_seconds


@require_GET
def patterns(request: Request) -> HttpResponse:
    """All usable patterns; platform staff also see those that are broken, and why."""
    found = catalogue().list()
    tested = tested_at(found)
    context = {
        "patterns": [(p, tested.get(p.name)) for p in found],
        "broken": catalogue().broken() if rights.is_platform(request.user) else {},
    }
    return render(request, "portal/patterns/list.html", context)


@require_GET
def pattern(request: Request, name: str) -> HttpResponse:
    """One pattern: its README, its settings, its parts."""
    try:
        found = catalogue().get(name)
    except Unusable as error:
        if rights.is_platform(request.user):
            raise
        raise NotFound(f"There is no usable pattern '{name}'.") from error
    usual = usual_seconds(found.name, "create")
    context = {
        "pattern": found,
        "tested_at": tested_at([found]).get(found.name),
        "readme": to_html(found.readme),
        "form": settings_form(found.parameters),
        "modules": [path.name for path in found.modules],
        "usual": sum(usual.values()) or None,
    }
    return render(request, "portal/patterns/page.html", context)


@require_GET
def pattern_impact(request: Request, name: str) -> HttpResponse:
    """For htmx: what the pattern as it is now means for the environments that have an older content of it."""
    found = catalogue().baseline() if name == "baseline" else catalogue().get(name)
    impacts = impact(request.user, found)
    context = {"pattern": found, "impacts": impacts, "breaks": sum(not i.clean for i in impacts)}
    return render(request, "portal/patterns/impact.html", context)
