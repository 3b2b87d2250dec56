"""A person's own API tokens."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from stackyard.cmdb.models import ApiToken
from stackyard.errors import NotFound
from stackyard.portal.forms.people import TokenForm
from stackyard.portal.requests import Request


@never_cache
@require_http_methods(["GET", "POST"])
def tokens(request: Request) -> HttpResponse:
    """List; or make one. The answer to the POST is the only page that ever shows it."""
    form = TokenForm(request.POST or None)
    clear = ""
    if request.method == "POST" and form.is_valid():
        _, clear = ApiToken.issue(request.user, form.cleaned_data["name"])
        form = TokenForm()
    context = {
        "form": form,
        "clear": clear,
        "tokens": ApiToken.objects.filter(user=request.user)[:200],
        "address": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "portal/tokens/page.html", context, status=422 if form.errors else 200)


@require_POST
def revoke(request: Request, token_id: int) -> HttpResponse:
    """Make a token worthless, at once."""
    token = ApiToken.objects.filter(user=request.user, pk=token_id).first()
    if token is None:
        raise NotFound("You have no such token.")
    token.delete()
    messages.success(request, f"{token.name} is revoked.")
    return redirect("portal:tokens")
