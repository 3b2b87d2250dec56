"""The request form: product, pattern, name, sandbox, settings; and its live parts."""

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from stackyard.cmdb import rights
from stackyard.cmdb.models import Product, Sandbox, SandboxStatus
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Forbidden, Invalid, NotFound, Problem, StackyardError
from stackyard.patterns.catalogue import Pattern
from stackyard.portal import naming
from stackyard.portal.forms.settings import PREFIX, parse_settings, settings_form
from stackyard.portal.patterns import catalogue
from stackyard.portal.preview import NewPreview, preview_new
from stackyard.portal.requests import Request
from stackyard.runs.eta import usual_seconds

BASICS = ("product", "pattern", "name", "sandbox", "expires")


@dataclass
class Draft:
    """What the form holds so far, and why it was refused."""

    products: list[Product]
    product: Product | None
    pattern: Pattern | None
    name: str
    sandbox: str
    expires: str = ""
    posted: QueryDict | None = None
    problems: tuple[Problem, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)


@require_http_methods(["GET", "POST"])
def new_environment(request: Request) -> HttpResponse:
    """Show the form; or create and go where the run can be watched."""
    if not rights.may_request(request.user):
        raise Forbidden(
            "Your role does not allow to make environments.", hint="Ask platform staff for the role of requester."
        )
    if request.method == "GET":
        return _page(request, _draft(request, request.GET))
    try:
        run = create(request.user, _wish(request.POST), via="portal")
    except Invalid as error:
        draft = _draft(request, request.POST)
        draft.posted = request.POST if _settings_belong(request.POST, draft.pattern) else None
        draft.problems = error.problems
        draft.errors = {p.field: p.message for p in reversed(error.problems)}
        return _page(request, draft, status=422)
    return redirect("portal:environment", uid=run.environment.uid)


def _draft(request: Request, data: QueryDict) -> Draft:
    rows = rights.visible(request.user, Product.objects.select_related("department").order_by("title"))
    products = [p for p in rows if rights.may_request(request.user, p.department)]
    product = next((p for p in products if p.name == data.get("product")), None)
    if not data.get("product") and len(products) == 1:
        product = products[0]
    pattern = _pattern(data.get("pattern", ""))
    return Draft(products, product, pattern, data.get("name", ""), data.get("sandbox", ""), data.get("expires", ""))


def _pattern(name: str) -> Pattern | None:
    """The pattern asked for; without one, the only one there is."""
    if not name:
        usable = catalogue().list()
        return usable[0] if len(usable) == 1 else None
    try:
        return catalogue().get(name)
    except StackyardError:
        return None


def _wish(data: QueryDict) -> CreateRequest:
    """The request that the form holds. Settings count only for the pattern that they were shown for."""
    settings: dict[str, Any] = {}
    basics = {name: data.get(name, "") for name in BASICS}
    missing = [Problem(field, f"Choose a {field}.") for field in ("product", "pattern") if not basics[field]]
    if missing:
        raise Invalid(missing)
    try:
        pattern = catalogue().get(basics["pattern"])
    except NotFound:
        pattern = None  # `create` says so, with all other problems
    if pattern is not None and _settings_belong(data, pattern):
        settings, problems = parse_settings(pattern.parameters, data)
        if problems:
            raise Invalid(problems)
    return CreateRequest(**basics, settings=settings)


def _settings_belong(data: QueryDict, pattern: Pattern | None) -> bool:
    return pattern is not None and data.get("settings-of") == pattern.name


def _page(request: Request, draft: Draft, status: int = 200) -> HttpResponse:
    context = _live_context(draft)
    context |= {
        "patterns": catalogue().list(),
        "preview": _preview(draft, context["chosen_sandbox"]),
        # Said at the top only when there is no field to say it at.
        "elsewhere": [p for p in draft.problems if p.field not in BASICS and not p.field.startswith(PREFIX)],
    }
    return render(request, "portal/environments/new.html", context, status=status)


def _live_context(draft: Draft) -> dict[str, Any]:
    sandboxes = (
        list(Sandbox.objects.filter(department=draft.product.department_id).exclude(status=SandboxStatus.RETIRED))
        if draft.product
        else []
    )
    if draft.sandbox not in {s.name for s in sandboxes}:
        draft.sandbox = ""
    ready = [s for s in sandboxes if s.status == SandboxStatus.READY]
    usual = usual_seconds(draft.pattern.name, "create") if draft.pattern else {}
    return {
        "draft": draft,
        "addressed": draft.pattern is None or "environment.fqdn" in draft.pattern.manifest.fills.values(),
        "sandboxes": sandboxes,
        "chosen_sandbox": next((s for s in ready if s.name == draft.sandbox or len(ready) == 1), None),
        "check": naming.check(draft.product, draft.name, draft.sandbox),
        "settings": settings_form(draft.pattern.parameters, draft.posted, draft.errors) if draft.pattern else None,
        "usual": sum(usual.values()) or None,
    }


def _preview(draft: Draft, sandbox: Sandbox | None) -> NewPreview | None:
    if draft.pattern is None:
        return None
    return preview_new(draft.pattern, draft.posted, draft.product, draft.name, sandbox)


@require_GET
def live_parts(request: Request) -> HttpResponse:
    """For htmx, while the person fills in the form: the address and the sandboxes that there are."""
    return render(request, "portal/environments/new_live.html", {**_live_context(_allowed(request)), "oob": True})


@require_GET
def settings_part(request: Request) -> HttpResponse:
    """For htmx: the settings of the pattern just chosen; once they are shown, the preview comes anew."""
    response = render(request, "portal/environments/new_settings.html", _live_context(_allowed(request)))
    return trigger_client_event(response, "settings-shown", after="settle")


@require_POST
def preview_part(request: Request) -> HttpResponse:
    """For htmx, while the person fills in the form: what becomes of the code, and what is wrong beside its field."""
    draft = _allowed(request)
    draft.posted = request.POST if _settings_belong(request.POST, draft.pattern) else None
    context = _live_context(draft)
    preview = _preview(draft, context["chosen_sandbox"])
    context |= {"preview": preview, "oob": True}
    if draft.pattern is not None and preview is not None:
        errors = {p.field: p.message for p in reversed(preview.problems)}
        context["settings"] = settings_form(draft.pattern.parameters, draft.posted, errors)
    return render(request, "portal/environments/new_preview_live.html", context)


def _allowed(request: Request) -> Draft:
    if not rights.may_request(request.user):
        raise Forbidden("Your role does not allow to make environments.")
    return _draft(request, request.POST if request.method == "POST" else request.GET)
