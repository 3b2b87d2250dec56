"""Runs: what happens now, what waits, what was."""

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import PatternVersion, Run, RunEvent, RunKind, RunStatus
from stackyard.errors import Invalid
from stackyard.portal.decision import decision_of
from stackyard.portal.paging import page_of
from stackyard.portal.patterns import manifest_of
from stackyard.portal.plans import plan_parts, total
from stackyard.portal.progress import progress_of
from stackyard.portal.requests import Request, wants_fragment
from stackyard.runs.approve import approve as approve_run
from stackyard.runs.approve import reject as reject_run
from stackyard.runs.cancel import request_cancel
from stackyard.runs.eta import Forecaster

MAX_LOG_LINES = 20_000


@require_GET
def runs(request: Request) -> HttpResponse:
    """All runs that the person may see, newest first, and the queue in front of them."""
    status, kind = request.GET.get("status", ""), request.GET.get("kind", "")
    chosen = {
        "status": status if status in RunStatus.values else "",
        "kind": kind if kind in RunKind.values else "",
        "text": request.GET.get("q", "")[:200],
    }
    rows = rights.visible(request.user, _runs())
    rows = rows.filter(**{name: chosen[name] for name in ("status", "kind") if chosen[name]})
    for word in "".join(c if c.isprintable() else " " for c in chosen["text"]).split()[:5]:
        rows = rows.filter(Q(environment__slug__icontains=word) | Q(requested_by__username__icontains=word))
    page = page_of(request, rows)
    forecaster = Forecaster()
    for run in page.rows:
        run.position = forecaster.position(run)  # type: ignore[attr-defined]
    context = {
        "page": page,
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "statuses": RunStatus.choices,
        "kinds": RunKind.choices,
        "moving": any(r.is_active for r in page.rows),
    }
    response = render(request, f"portal/runs/{'rows' if wants_fragment(request) else 'list'}.html", context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


def _runs() -> "QuerySet[Run, Run]":
    return Run.objects.select_related("environment__product", "environment__pattern", "sandbox", "requested_by")


@require_GET
def run(request: Request, run_id: int) -> HttpResponse:
    """One run, live while it works."""
    context = _context(request, _get_run(request, run_id))
    if wants_fragment(request):
        return render(request, "portal/runs/parts.html", {**context, "oob": True})
    return render(request, "portal/runs/page.html", context)


def _version(found: Run) -> PatternVersion:
    """The version whose components the plan is about: in an upgrade the one that it leads to."""
    standing: PatternVersion = found.environment.pattern
    digest = found.request.get("upgrade", "")
    return PatternVersion.objects.filter(name=standing.name, digest=digest).first() or standing if digest else standing


def _context(request: Request, found: Run) -> dict[str, Any]:
    plan = plan_parts(found.plan, manifest_of(_version(found)).get("components") or {})
    return {
        "run": found,
        "environment": found.environment,
        "progress": progress_of(found),
        "now": timezone.now(),
        "may_act": rights.may_act_on(request.user, found.environment),
        "plan": plan,
        "plan_counts": total(plan),
        "own_page": True,
        "planned_path": found.planned_path,
        "decision": decision_of(request.user, found),
    }


@require_GET
def outlook(request: Request, run_id: int) -> HttpResponse:
    """How long one run will take, asked again while it waits in line."""
    return render(request, "portal/runs/part_outlook.html", {"progress": progress_of(_get_run(request, run_id))})


def _get_run(request: Request, run_id: int) -> Run:
    rows = _runs().select_related("environment__sandbox__department", "environment__product")
    return rights.find(request.user, rows, pk=run_id)


@require_http_methods(["GET", "POST"])
def cancel(request: Request, run_id: int) -> HttpResponse:
    """Ask a run to stop; back to it. Who opens the page is asked what shall become of what stands."""
    found = _get_run(request, run_id)
    rights.require_act_on(request.user, found.environment)
    keep, problem = request.POST.get("keep") == "yes", ""
    try:
        stopped = request_cancel(request.user, found, keep=keep) if request.method == "POST" else None
    except Invalid as error:
        stopped, problem = None, error.problems[0].message
    if stopped is None:
        context = {"run": found, "environment": found.environment, "keep": keep, "problem": problem}
        return render(request, "portal/runs/cancel.html", context, status=422 if problem else 200)
    messages.info(request, "The run is cancelled." if not stopped.is_active else "The run was asked to stop.")
    return redirect("portal:run", run_id=run_id)


@require_POST
def approve(request: Request, run_id: int) -> HttpResponse:
    """Let a waiting run go on with the plan that the person saw; back to the run."""
    found = _get_run(request, run_id)
    try:
        approve_run(
            request.user,
            found,
            confirmation=request.POST.get("confirm", "").strip(),
            digest=request.POST.get("digest", ""),
        )
    except Invalid as error:
        context = {**_context(request, found), "problem": error.problems[0].message}
        return render(request, "portal/runs/page.html", context, status=422)
    return redirect("portal:run", run_id=run_id)


@require_POST
def reject(request: Request, run_id: int) -> HttpResponse:
    """End a waiting run with nothing done; back to the run."""
    reject_run(request.user, _get_run(request, run_id))
    messages.info(request, "The plan was rejected: nothing was applied.")
    return redirect("portal:run", run_id=run_id)


@require_GET
def log_text(request: Request, run_id: int) -> HttpResponse:
    """The whole log as plain text, to keep or to send."""
    found = _get_run(request, run_id)
    events = RunEvent.objects.filter(run=found).order_by("id")[:MAX_LOG_LINES]
    lines = [
        f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S} {stage:<10} {level:<7} {message}\n"
        for at, stage, level, message in events.values_list("at", "stage", "level", "message")
    ]
    response = HttpResponse(lines, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.environment.slug}-run-{found.pk}.log"'
    return response
