"""Sandboxes: the list, one of them, and what platform staff do with it."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import AddressBlock, Allocation, Environment, Run, RunStatus, Sandbox, StageStatus
from stackyard.environments import sandboxes as service
from stackyard.environments.change import ChangeRequest
from stackyard.environments.issues import repository_of
from stackyard.environments.occupancy import ENVIRONMENTS
from stackyard.environments.upgrade import newer_version
from stackyard.errors import Invalid, Problem
from stackyard.portal.forms.sandboxes import NetworkForm, SandboxForm
from stackyard.portal.forms.settings import PREFIX, parse_settings, settings_form
from stackyard.portal.history import changes_of
from stackyard.portal.outputs import titled_outputs, titled_settings
from stackyard.portal.patterns import catalogue, manifest_of
from stackyard.portal.requests import Request, wants_fragment
from stackyard.portal.views.register import Noun, list_page

SANDBOX = Noun("sandbox", "sandboxes", None, ("name", "account_id", "zone_name", "department__title"))
RUNS_SHOWN = 5
ENVIRONMENTS_SHOWN = 10
RULES = 100
"""Rules that a load balancer takes unless AWS was asked for more (ELBv2 quotas)."""


@require_GET
def sandboxes(request: Request) -> HttpResponse:
    """The list, with how full each is."""
    living = Count("environments", filter=ENVIRONMENTS)
    return list_page(request, SANDBOX, Sandbox.objects.select_related("department").annotate(living=living))


@require_GET
def sandbox(request: Request, name: str) -> HttpResponse:
    """One sandbox; for htmx the card of its common components, and the whole page once their run has ended."""
    found = _find(request, name)
    if not wants_fragment(request):
        return _page(request, found)
    context = {"sandbox": found, **_components(found)}
    response = render(request, "portal/cmdb/sandbox_components.html", context)
    if not (context["run"] and context["run"].is_active):
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
def check(request: Request, name: str) -> HttpResponse:
    """Ask AWS what is missing; for htmx the findings alone."""
    found = _find(request, name)
    before = found.status
    findings = service.check(request.user, found)
    if not wants_fragment(request):
        return _page(request, found, findings)
    response = render(request, "portal/cmdb/sandbox_findings.html", {"sandbox": found, "findings": findings})
    if found.status != before:  # the account's own components are known now, or are not whole any more
        messages.info(request, f"{found.name}: {found.get_status_display().lower()}.")
        response.headers["HX-Refresh"] = "true"
    return response


def _find(request: Request, name: str) -> Sandbox:
    return rights.find(request.user, Sandbox.objects.select_related("department", "pool"), name=name)


def _page(request: Request, found: Sandbox, findings: Any = None) -> HttpResponse:
    living = service.living(found).select_related("pattern")
    titles = catalogue().baseline().manifest.outputs
    context = {
        "sandbox": found,
        "findings": findings,
        "issues": repository_of(found),
        "environments": living[:ENVIRONMENTS_SHOWN],
        "bars": _bars(found, living.count()),
        "facts": titled_outputs(found.facts, titles),
        "changes": changes_of(found.history),
        **_components(found),
    }
    return render(request, "portal/cmdb/sandbox.html", context)


def _components(found: Sandbox) -> dict[str, Any]:
    """What the card of the common components shows: the baseline, the block of its network, its latest runs."""
    baseline = service.baseline_of(found)
    runs = Run.objects.filter(environment__sandbox=found, environment__product=None).select_related("requested_by")
    latest = runs.first()
    held = AddressBlock.objects.filter(environment=baseline, released_at=None).select_related("pool")
    manifest = manifest_of(baseline.pattern) if baseline else {}
    return {
        "baseline": baseline,
        "network": held.first() if baseline else None,
        "run": latest,
        "stage": latest.stages.filter(status=StageStatus.RUNNING).first() if latest else None,
        "runs": runs[:RUNS_SHOWN],
        "settings": titled_settings(baseline.settings, manifest.get("parameters") or {}) if baseline else [],
        "newer": newer_version(baseline, catalogue()) if baseline else None,
    }


def _bars(found: Sandbox, living: int) -> list[dict[str, Any]]:
    """How much of what is limited is used."""
    listener = found.facts.get("https_listener_arn")
    held = Allocation.objects.filter(kind=Allocation.Kind.RULE_PRIORITY, scope=listener or "", released_at=None)
    working = Run.objects.filter(sandbox=found, status=RunStatus.RUNNING)
    return [
        {"title": "Environments", "used": living, "limit": found.max_environments},
        *([{"title": "Rules of the load balancer", "used": held.count(), "limit": RULES}] if listener else []),
        {"title": "Runs at the same time", "used": working.count(), "limit": found.max_parallel_runs},
    ]


@require_http_methods(["GET", "POST"])
def new_sandbox(request: Request) -> HttpResponse:
    """Add one."""
    rights.require_platform(request.user)
    form = SandboxForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = service.add(request.user, form.request())
        except Invalid as error:
            form.tell(error)
        else:
            messages.success(request, f"{made.name} is saved. Now create its role, and check it.")
            return redirect("portal:sandbox", name=made.name)
    return _form(request, form, None)


@require_http_methods(["GET", "POST"])
def edit_sandbox(request: Request, name: str) -> HttpResponse:
    """Change one."""
    found = _find(request, name)
    rights.require_platform(request.user)
    form = SandboxForm(request.POST or None, sandbox=found)
    if request.method == "POST" and form.is_valid():
        try:
            changed = service.update(request.user, found, form.request())
        except Invalid as error:
            form.tell(error)
        else:
            messages.success(request, f"{changed.name} is saved.")
            return redirect("portal:sandbox", name=changed.name)
    return _form(request, form, found)


def _form(request: Request, form: SandboxForm, found: Sandbox | None) -> HttpResponse:
    context = {"form": form, "name": found.name if found else ""}
    return render(request, "portal/cmdb/sandbox_form.html", context, status=422 if form.errors else 200)


@require_GET
def policies(request: Request, name: str) -> HttpResponse:
    """What is to be created in AWS by hand, for copying."""
    found = _find(request, name)
    rights.require_platform(request.user)
    context = {"sandbox": found, "policies": service.policies_for(found)}
    return render(request, "portal/cmdb/sandbox_policies.html", context)


@require_http_methods(["GET", "POST"])
def bootstrap(request: Request, name: str) -> HttpResponse:
    """The settings of the common components; then build them, and go where the run can be watched."""
    found = _find(request, name)
    rights.require_platform(request.user)
    pattern = catalogue().baseline()
    form = NetworkForm(request.POST or None)
    problems: tuple[Problem, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            values, wrong = parse_settings(pattern.parameters, request.POST)
            if wrong:
                raise Invalid(wrong)
            wanted = form.cleaned_data["vpc_cidr"].strip() or None
            run = service.bootstrap(request.user, found, values, vpc_cidr=wanted, via="portal")
        except Invalid as error:
            problems = error.problems
            form.tell(Invalid(p for p in problems if not p.field.startswith(PREFIX)))
        else:
            return redirect("portal:run", run_id=run.pk)
    refused = bool(problems or form.errors)
    errors = {p.field: p.message for p in reversed(problems)}
    context = {
        "sandbox": found,
        "pattern": pattern,
        "form": form,
        "refused": refused,
        "settings": settings_form(pattern.parameters, request.POST if refused else None, errors),
        "standing": service.baseline_of(found),
    }
    return render(request, "portal/cmdb/sandbox_bootstrap.html", context, status=422 if refused else 200)


@require_POST
def apply_baseline(request: Request, name: str) -> HttpResponse:
    """Apply what is recorded of the common components again, as after a run that did not come to its end."""
    run = service.change_baseline(request.user, _find(request, name), ChangeRequest(), via="portal")
    return redirect("portal:run", run_id=run.pk)


@require_http_methods(["GET", "POST"])
def destroy_baseline(request: Request, name: str) -> HttpResponse:
    """Ask for the name, then take the common components away."""
    found = _find(request, name)
    rights.require_platform(request.user)
    baseline = service.require_baseline(found)
    if _confirmed(request, found):
        run = service.destroy_baseline(request.user, found, via="portal")
        return redirect("portal:run", run_id=run.pk)
    return _confirm(request, found, "destroy", baseline)


@require_http_methods(["GET", "POST"])
def retire(request: Request, name: str) -> HttpResponse:
    """Ask for the name, then take the sandbox out of use."""
    found = _find(request, name)
    rights.require_platform(request.user)
    if _confirmed(request, found):
        service.retire(request.user, found)
        messages.success(request, f"{found.name} is retired.")
        return redirect("portal:sandbox", name=found.name)
    return _confirm(request, found, "retire", service.baseline_of(found))


@require_POST
def reinstate(request: Request, name: str) -> HttpResponse:
    """Take a retired sandbox back."""
    found = _find(request, name)
    service.reinstate(request.user, found)
    messages.success(request, f"{found.name} is back. Check it next.")
    return redirect("portal:sandbox", name=found.name)


def _confirmed(request: Request, found: Sandbox) -> bool:
    return request.method == "POST" and request.POST.get("confirm", "").strip() == found.name


def _confirm(request: Request, found: Sandbox, what: str, baseline: Environment | None) -> HttpResponse:
    context = {
        "sandbox": found,
        "what": what,
        "baseline": baseline,
        "living": service.living(found)[:ENVIRONMENTS_SHOWN],
        "problem": f"Type {found.name} to confirm." if request.method == "POST" else "",
    }
    return render(request, "portal/cmdb/sandbox_confirm.html", context, status=422 if context["problem"] else 200)
