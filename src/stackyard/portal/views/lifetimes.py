"""How long an environment lives, what differs from its code, and the notices about both."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.environments import drift
from stackyard.environments.lifetimes import extend, keep
from stackyard.environments.notices import dismiss, open_notices
from stackyard.errors import Invalid
from stackyard.portal.paging import page_of
from stackyard.portal.requests import Request


@require_http_methods(["GET", "POST"])
def extend_environment(request: Request, uid: str) -> HttpResponse:
    """Ask how much longer, and let it live that long."""
    found = _find(request, uid)
    rights.require_act_on(request.user, found)
    problems: dict[str, str] = {}
    if request.method == "POST":
        try:
            kept = _extend(request, found)
        except Invalid as error:
            problems = {p.field: p.message for p in reversed(error.problems)}
        else:
            until = f"expires on {kept.expires_at:%Y-%m-%d}" if kept.expires_at else "does not expire any more"
            messages.success(request, f"{kept.slug} {until}.")
            return redirect("portal:environment", uid=uid)
    context = {"environment": found, "problems": problems, "given": request.POST}
    return render(request, "portal/environments/extend.html", context, status=422 if problems else 200)


def _extend(request: Request, found: Environment) -> Environment:
    choice = request.POST.get("how", "days")
    if choice == "never":
        return keep(request.user, found)
    if choice == "until":
        return extend(request.user, found, until=request.POST.get("until", ""))
    days = request.POST.get("days", "").strip()
    if not days.isascii() or not days.isdecimal() or len(days) > 6:
        raise Invalid.field("days", "Must be a whole number.")
    return extend(request.user, found, days=int(days))


@require_POST
def look_for_drift(request: Request, uid: str) -> HttpResponse:
    """Compare what was applied with what AWS has."""
    drift.look(request.user, _find(request, uid), via="portal")
    return redirect("portal:environment", uid=uid)


@require_POST
def repair_drift(request: Request, uid: str) -> HttpResponse:
    """Apply the recorded code again."""
    drift.repair(request.user, _find(request, uid), via="portal")
    return redirect("portal:environment", uid=uid)


@require_POST
def accept_drift(request: Request, uid: str) -> HttpResponse:
    """Let what the person saw count as applied."""
    drift.accept(request.user, _find(request, uid), via="portal", seen=request.POST.get("seen", ""))
    return redirect("portal:environment", uid=uid)


@require_GET
def notices(request: Request) -> HttpResponse:
    """What this person has to be told."""
    return render(request, "portal/notices/list.html", {"page": page_of(request, open_notices(request.user))})


@require_POST
def dismiss_notice(request: Request, notice_id: int) -> HttpResponse:
    """Put one aside."""
    dismiss(request.user, notice_id)
    return redirect("portal:notices")


def _find(request: Request, uid: str) -> Environment:
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    return rights.find(request.user, rows, uid=uid)
