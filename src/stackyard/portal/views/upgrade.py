"""Bringing an environment to the newer version of its pattern."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from stackyard.cmdb.models import Environment
from stackyard.cmdb.models.run import ACTIVE
from stackyard.environments.upgrade import upgrade
from stackyard.errors import Invalid, Problem
from stackyard.portal.requests import Request
from stackyard.portal.upgrading import TAKE, look
from stackyard.portal.views.change import changeable


@require_http_methods(["GET", "POST"])
def upgrade_environment(request: Request, uid: str) -> HttpResponse:
    """What has to be decided; or ask for the upgrade and go where the run can be watched."""
    found = changeable(request, uid)
    problems: tuple[Problem, ...] | None = None
    if request.method == "GET":
        if active := found.runs.filter(status__in=ACTIVE).first():
            messages.info(request, f"{found.slug} can be upgraded once this run has ended.")
            return redirect("portal:run", run_id=active.pk)
        posted = _earlier_choices(found, request.GET.get("run", ""))
    else:
        posted = request.POST
        _, wish, wrong = look(request.user, found, posted)
        try:
            if wrong:
                raise Invalid(wrong)
            run = upgrade(request.user, found, wish, via="portal")
            return redirect("portal:run", run_id=run.pk)
        except Invalid as error:
            problems = error.problems
    page, _, _ = look(request.user, found, posted, refused=problems)
    context = {
        "environment": found,
        "page": page,
        "problems": problems,
        "confirm": request.method == "POST" and "confirm" in posted,
    }
    return render(request, "portal/environments/upgrade.html", context, status=200 if problems is None else 422)


@require_POST
def upgrade_live(request: Request, uid: str) -> HttpResponse:
    """For htmx, while the person decides: what becomes of the code, and what is wrong beside its field."""
    found = changeable(request, uid)
    page, _, _ = look(request.user, found, request.POST)
    return render(request, "portal/environments/upgrade_live.html", {"environment": found, "page": page})


def _earlier_choices(found: Environment, run_id: str) -> QueryDict:
    """What was decided for an earlier run (`?run=`), to begin with."""
    run = found.runs.filter(pk=int(run_id)).first() if run_id.isdecimal() and len(run_id) < 10 else None
    chosen = QueryDict(mutable=True)
    for path, side in (run.request.get("take", {}) if run is not None else {}).items():
        chosen[TAKE + path] = side
    return chosen
