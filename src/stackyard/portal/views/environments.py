"""Environments: the list, one of them, and taking it away."""

from typing import Any

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, EnvironmentStatus, Product, Run, RunStatus, Sandbox
from stackyard.environments import listing
from stackyard.environments.deployment import deployable
from stackyard.environments.destroy import destroy
from stackyard.environments.upgrade import newer_version
from stackyard.portal.diagram import draw
from stackyard.portal.outputs import titled_outputs, titled_settings
from stackyard.portal.paging import page_of
from stackyard.portal.patterns import catalogue, manifest_of
from stackyard.portal.progress import progress_of
from stackyard.portal.requests import Request, wants_fragment

RUNS_SHOWN = 10
NOT_LISTED = ("settings", "outputs", "resources", "hops", "sandbox__facts")
"""JSON that a list would read and parse for nothing."""


@require_GET
def environments(request: Request) -> HttpResponse:
    """The list, or for htmx its rows. Filters that name nothing known are as if they were not there."""
    products = list(rights.visible(request.user, Product.objects.order_by("name")).values_list("name", "title"))
    sandboxes = list(rights.visible(request.user, Sandbox.objects.order_by("name")).values_list("name", flat=True))
    given = request.GET
    chosen = {
        "text": given.get("q", "")[:200],
        "status": _known(given.get("status"), EnvironmentStatus.values),
        "product": _known(given.get("product"), [name for name, _ in products]),
        "sandbox": _known(given.get("sandbox"), sandboxes),
        "expiring": _known(given.get("expiring"), ["yes"]),
    }
    found = listing.search(
        request.user,
        text=chosen["text"],
        status=chosen["status"],
        product=chosen["product"],
        sandbox=chosen["sandbox"],
        expiring=bool(chosen["expiring"]),
    )
    waiting = Run.objects.filter(environment=OuterRef("pk"), status=RunStatus.WAITING)
    # Each pattern once, not once per row: its manifest tells whether there is an address.
    rows = (
        found.select_related(None).select_related("product", "sandbox__department", "owner").prefetch_related("pattern")
    )
    page = page_of(request, rows.defer(*NOT_LISTED).annotate(waits=Exists(waiting)))
    context = {
        "page": page,
        "chosen": chosen,
        "filtered": any(chosen.values()),
        "statuses": EnvironmentStatus.choices,
        "products": products,
        "sandboxes": sandboxes,
        "moving": any(e.status in ("creating", "changing", "destroying") for e in page.rows),
    }
    name = "rows" if wants_fragment(request) else "list"
    response = render(request, f"portal/environments/{name}.html", context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


def _known(value: str | None, known: Any) -> str:
    return value if value in known and value is not None else ""


@require_GET
def environment(request: Request, uid: str) -> HttpResponse:
    """One environment; for htmx what changes while a run goes on, to put in its place. With `?seen=` a run, nothing
    while that is the latest one, else that and the new run."""
    found = _get_environment(request, uid)
    if found.is_baseline:
        return redirect("portal:sandbox", name=found.sandbox.name)
    seen = request.GET.get("seen") if wants_fragment(request) else None
    latest = Run.objects.filter(environment=found).values_list("pk", flat=True).first() if seen is not None else None
    if seen is not None and str(latest or 0) == seen:
        return HttpResponse(status=204)
    context = {**_context(request, found), "another_run": seen is not None}
    if wants_fragment(request):
        return render(request, "portal/environments/parts.html", {**context, "oob": True})
    return render(request, "portal/environments/page.html", context)


def _get_environment(request: Request, uid: str) -> Environment:
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    return rights.find(request.user, rows, uid=uid)


def _context(request: Request, found: Environment) -> dict[str, Any]:
    runs = list(Run.objects.filter(environment=found).select_related("requested_by")[:RUNS_SHOWN])
    for run in runs:
        run.environment = found
    found.waits = bool(runs) and runs[0].status == RunStatus.WAITING  # type: ignore[attr-defined]
    manifest = manifest_of(found.pattern)
    return {
        "environment": found,
        "runs": runs,
        "progress": progress_of(runs[0]) if runs else None,
        "now": timezone.now(),
        "may_act": rights.may_act_on(request.user, found),
        "newer": newer_version(found, catalogue()),
        "deployable": deployable(found),
        "outputs": titled_outputs(found.outputs, manifest.get("outputs") or {}),
        "settings": titled_settings(found.settings, manifest.get("parameters") or {}),
        "diagram": draw(found.resources, manifest.get("components") or {}),
    }


@require_http_methods(["GET", "POST"])
def destroy_environment(request: Request, uid: str) -> HttpResponse:
    """Ask for the name, then take it away."""
    found = _get_environment(request, uid)
    rights.require_act_on(request.user, found)
    problem = ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip() == found.slug:
            destroy(request.user, found, via="portal")
            messages.info(request, f"{found.slug} is being taken away.")
            return redirect("portal:environment", uid=uid)
        problem = f"Type {found.slug} to confirm."
    context = {"environment": found, "problem": problem}
    return render(request, "portal/environments/destroy.html", context, status=422 if problem else 200)
