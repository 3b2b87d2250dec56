"""Changing an environment that stands: the form with what the record holds, and the ways on after a run."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, Run, RunStatus
from stackyard.cmdb.models.run import ACTIVE
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.environments.upgrade import UpgradeRequest, upgrade
from stackyard.errors import Conflict, Invalid, Problem
from stackyard.portal.forms.settings import changed_settings, settings_form
from stackyard.portal.recorded import ChangePreview, Recorded, by_field, preview_change, recorded, wished
from stackyard.portal.requests import Request
from stackyard.runs.wish import Wish


@require_http_methods(["GET", "POST"])
def change_environment(request: Request, uid: str) -> HttpResponse:
    """The form; or ask for the change and go where the run can be watched."""
    found = changeable(request, uid)
    if request.method == "GET":
        if active := found.runs.filter(status__in=ACTIVE).first():
            messages.info(request, f"{found.slug} can be changed once this run has ended.")
            return redirect("portal:run", run_id=active.pk)
        return _page(request, found, recorded(found))
    held = recorded(found, request.POST.get("seen", ""))
    wish, problems = _wish(held, request.POST)
    try:
        if problems:
            raise Invalid([*problems, *changes.preview(request.user, found, wish).problems])
        run = changes.change(request.user, found, wish, via="portal")
    except Invalid as error:
        return _page(request, found, held, error.problems)
    return redirect("portal:run", run_id=run.pk)


@require_POST
def change_live(request: Request, uid: str) -> HttpResponse:
    """For htmx, while the person fills in the form: what becomes of the file, and what is wrong beside its field."""
    found = changeable(request, uid)
    held = recorded(found, request.POST.get("seen", ""))
    wish, problems = _wish(held, request.POST)
    preview = preview_change(request.user, found, wish)
    errors, elsewhere = by_field((*problems, *preview.problems), held.parameters)
    settings = settings_form(held.parameters, request.POST, errors, held.values, held.written)
    context = {"environment": found, "preview": preview, "settings": settings, "elsewhere": elsewhere}
    return render(request, "portal/environments/change_live.html", context)


def changeable(request: Request, uid: str) -> Environment:
    """The environment that this person may change. NotFound, Forbidden, or Conflict when it is gone."""
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    found: Environment = rights.find(request.user, rows, uid=uid)
    rights.require_act_on(request.user, found)
    if found.is_gone:
        raise Conflict(f"{found.slug} is gone: {found.get_status_display().lower()}.", hint="Make it again.")
    return found


def _wish(held: Recorded, posted: QueryDict) -> tuple[ChangeRequest, list[Problem]]:
    """Only what the person changed against the commit that the form was filled with."""
    wanted, unset, problems = changed_settings(held.parameters, posted, held.values)
    return ChangeRequest(wanted, unset, plan_only=posted.get("do") == "plan", confirm="confirm" in posted), problems


def _page(
    request: Request, found: Environment, held: Recorded, problems: tuple[Problem, ...] | None = None
) -> HttpResponse:
    """The form, empty of wishes, with those of an earlier run (`?run=`), or as it was sent and refused."""
    posted = request.POST if problems is not None else None
    errors, elsewhere = by_field(problems or (), held.parameters)
    earlier = _earlier_wish(found, request.GET.get("run", "")) if posted is None else {}
    again = wished(held.values, earlier, held.parameters)
    preview: ChangePreview | None = None
    if posted is not None:
        preview = preview_change(request.user, found, _wish(held, posted)[0])
    elif earlier:
        wish = ChangeRequest(earlier.get("set", {}), tuple(earlier.get("unset", ())))
        preview = preview_change(request.user, found, wish)
    context = {
        "environment": found,
        "held": held,
        "settings": settings_form(held.parameters, posted, errors, held.values, held.written, again),
        "preview": preview,
        "problems": problems,
        "elsewhere": elsewhere,
        "confirm": posted is not None and "confirm" in posted,
    }
    return render(request, "portal/environments/change.html", context, status=200 if problems is None else 422)


def _earlier_wish(found: Environment, run_id: str) -> Mapping[str, Any]:
    run = found.runs.filter(pk=int(run_id)).first() if run_id.isdecimal() and len(run_id) < 10 else None
    return dict(run.request) if run is not None else {}


@require_POST
def repeat(request: Request, run_id: int) -> HttpResponse:
    """Ask once more for what a run of a change was asked for; what was only planned is applied this time."""
    earlier = _get_run(request, run_id)
    rights.require_act_on(request.user, earlier.environment)
    if earlier.kind != "change":
        raise Conflict("Only a change can be asked for again.", hint="Make the environment again, or destroy it.")
    wish = Wish.from_dict(earlier.request)
    if wish.commit:
        run = changes.back_to_last_good(request.user, earlier.environment, via="portal")
    elif wish.upgrade and not earlier.commit:
        only = wish.plan_only and earlier.status != RunStatus.SUCCEEDED
        wanted = UpgradeRequest(wish.take, wish.set, wish.unset, plan_only=only, confirm=wish.confirm)
        run = upgrade(request.user, earlier.environment, wanted, via="portal")
    elif earlier.commit:
        run = changes.retry(request.user, earlier.environment, via="portal")
    else:
        only = wish.plan_only and earlier.status != RunStatus.SUCCEEDED
        again = ChangeRequest(wish.set, wish.unset, plan_only=only, confirm=wish.confirm)
        run = changes.change(request.user, earlier.environment, again, via="portal")
    return redirect("portal:run", run_id=run.pk)


@require_POST
def back(request: Request, uid: str) -> HttpResponse:
    """Go back to the code of the last run that succeeded."""
    run = changes.back_to_last_good(request.user, changeable(request, uid), via="portal")
    return redirect("portal:run", run_id=run.pk)


def _get_run(request: Request, run_id: int) -> Run:
    rows = Run.objects.select_related(
        "environment__product", "environment__pattern", "environment__sandbox__department"
    )
    return rights.find(request.user, rows, pk=run_id)
