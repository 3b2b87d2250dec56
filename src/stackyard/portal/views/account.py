"""Signing in and out, and the front door."""

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET


class SignInForm(AuthenticationForm):
    """Django's own, with words that say what to do."""

    error_messages = {
        "invalid_login": "User name and password do not fit together. Both are case-sensitive. "
        "Platform staff can set a new password.",
        "inactive": "This account is switched off. Ask platform staff.",
    }


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
