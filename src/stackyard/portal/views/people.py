"""People and their roles; for platform staff only."""

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from stackyard.cmdb import rights
from stackyard.cmdb.models import Membership, Role
from stackyard.errors import Conflict, Forbidden, NotFound
from stackyard.portal.forms.people import NewPersonForm, PasswordForm, PersonForm, RoleForm
from stackyard.portal.history import changes_of
from stackyard.portal.paging import page_of
from stackyard.portal.requests import Request, wants_fragment


@require_GET
def people(request: Request) -> HttpResponse:
    """Everybody with their roles."""
    rights.require_platform(request.user)
    text = request.GET.get("q", "")[:200]
    rows = User.objects.prefetch_related("memberships__department").order_by("username")
    for word in "".join(c if c.isprintable() else " " for c in text).split()[:5]:
        rows = rows.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )
    context = {"page": page_of(request, rows), "text": text}
    response = render(request, f"portal/people/{'rows' if wants_fragment(request) else 'list'}.html", context)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


@require_GET
def person(request: Request, user_id: int) -> HttpResponse:
    """One person: roles, and how these changed."""
    found = _get_person(request, user_id)
    context = {
        "person": found,
        "roles": found.memberships.select_related("department").order_by("department__title"),
        "changes": changes_of(Membership.history.filter(user=found)),
    }
    return render(request, "portal/people/page.html", context)


def _get_person(request: Request, user_id: int) -> User:
    rights.require_platform(request.user)
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such person.")
    return found


@require_http_methods(["GET", "POST"])
def new_person(request: Request) -> HttpResponse:
    """Add somebody; the role comes next."""
    rights.require_platform(request.user)
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, f"{saved.username} can sign in. Now give a role.")
        return redirect("portal:new-role", user_id=saved.pk)
    return _form(request, "New person", form)


@require_http_methods(["GET", "POST"])
def edit_person(request: Request, user_id: int) -> HttpResponse:
    """Names, address, and whether they may sign in."""
    found = _get_person(request, user_id)
    form = PersonForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        if found == request.user and not form.cleaned_data["is_active"]:
            raise Conflict("You cannot switch off your own account.")
        form.save()
        messages.success(request, f"{found.username} is saved.")
        return redirect("portal:person", user_id=found.pk)
    return _form(request, f"Edit {found.username}", form, found)


@require_http_methods(["GET", "POST"])
def set_password(request: Request, user_id: int) -> HttpResponse:
    """A new password; ends the person's sessions and tokens, whoever may have made them. That of Django's superuser is
    set by a superuser alone: it opens more than the platform role."""
    found = _get_person(request, user_id)
    if found.is_superuser and not request.user.is_superuser:
        raise Forbidden("Only a superuser sets a superuser's password.")
    form = PasswordForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        found.api_tokens.all().delete()
        messages.success(request, f"{found.username} has a new password; all API tokens are revoked.")
        return redirect("portal:person", user_id=found.pk)
    return _form(request, f"New password for {found.username}", form, found)


@require_http_methods(["GET", "POST"])
def new_role(request: Request, user_id: int) -> HttpResponse:
    """One more role."""
    found = _get_person(request, user_id)
    form = RoleForm(request.POST or None, instance=Membership(user=found))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "The role is given.")
        return redirect("portal:person", user_id=found.pk)
    return _form(request, f"Role for {found.username}", form, found)


@require_POST
def remove_role(request: Request, user_id: int, role_id: int) -> HttpResponse:
    """Take a role away; nobody locks themselves out."""
    found = _get_person(request, user_id)
    role = found.memberships.filter(pk=role_id).first()
    if role is None:
        raise NotFound("There is no such role.")
    if found == request.user and role.role == Role.PLATFORM:
        raise Conflict("You cannot take your own platform role away.", hint="Ask another of the platform staff.")
    role.delete()
    messages.success(request, "The role is taken away.")
    return redirect("portal:person", user_id=found.pk)


def _form(request: Request, title: str, form: object, person: User | None = None) -> HttpResponse:
    context = {"title": title, "form": form, "person": person}
    status = 422 if getattr(form, "errors", None) else 200
    return render(request, "portal/people/form.html", context, status=status)
