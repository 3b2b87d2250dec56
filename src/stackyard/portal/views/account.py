"""Signing in and out, the front door, and a person's own account."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from stackyard.cmdb.guessing import address_of, seconds_to_wait
from stackyard.portal.forms.people import OwnPasswordForm
from stackyard.portal.requests import Request
from stackyard.portal.templatetags.portal import duration


class SignInForm(AuthenticationForm):
    """Django's own, with words that say what to do."""

    error_messages = {
        "invalid_login": "User name and password do not fit together. Both are case-sensitive. "
        "Platform staff can set a new password.",
        "inactive": "This account is switched off. Ask platform staff.",
    }

    def clean(self) -> dict[str, Any]:
        """Tells how long to wait, when there were too many wrong passwords."""
        if wait := seconds_to_wait(self.cleaned_data.get("username", ""), address_of(self.request)):
            raise ValidationError(f"Too many wrong passwords. The next one is looked at in {duration(wait)}.")
        return super().clean()


class SignIn(LoginView):
    """Who is signed in already goes on."""

    template_name = "portal/account/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """By POST only, so that no picture or link elsewhere can sign a person out."""


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The environments are what people come for."""
    return redirect("portal:environments")


@require_http_methods(["GET", "POST"])
def account(request: Request) -> HttpResponse:
    """Who one is here, and a new password. The session goes on; all others of this person end."""
    form = OwnPasswordForm(request.user, request.POST or None) if request.user.has_usable_password() else None
    if request.method == "POST" and form is not None and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, "Your password is changed. You are signed out everywhere else.")
        return redirect("portal:account")
    context = {"form": form, "roles": request.user.memberships.select_related("department").order_by("pk")}
    return render(request, "portal/account/page.html", context, status=422 if form and form.errors else 200)
