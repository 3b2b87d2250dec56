"""Who is asking: the bearer of a token, or the session of the portal in the same browser."""

from datetime import timedelta
from typing import NoReturn

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from ninja.security import APIKeyCookie, HttpBearer

from stackyard.cmdb.models import ApiToken
from stackyard.errors import Forbidden, StackyardError

USE_IS_NOTED_EVERY = timedelta(minutes=1)
"""`last_used_at` is for people who tidy up; a write for each request would be a high price."""


class Unauthorised(StackyardError):
    """Nobody, or nobody any more, is behind this request."""


class TokenAuth(HttpBearer):
    """`Authorization: Bearer sy_...`."""

    def authenticate(self, request: HttpRequest, token: str) -> User:
        """The token's owner. A wrong token is refused even when a session would do: it shows a mistake."""
        row = ApiToken.objects.select_related("user").filter(digest=ApiToken.hash(token)).first()
        now = timezone.now()
        if row is None or not row.user.is_active:
            raise Unauthorised("This token is not valid.", hint="Make a new one in the portal.")
        if row.expires_at is not None and row.expires_at <= now:
            raise Unauthorised("This token has expired.", hint="Make a new one in the portal.")
        if row.last_used_at is None or row.last_used_at < now - USE_IS_NOTED_EVERY:
            ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
        request.user = row.user  # the history of rows takes the person from here
        return row.user


class PortalSession(APIKeyCookie):
    """The portal's session cookie; whatever changes something needs the CSRF token too."""

    param_name = "sessionid"

    def __call__(self, request: HttpRequest) -> User | None:
        """The signed-in person, or None."""
        if not isinstance(request.user, User):
            return None
        _check_csrf(request)
        return request.user

    def authenticate(self, request: HttpRequest, key: str | None) -> None:
        """Not used: the session middleware has read the cookie already."""


class _Csrf(CsrfViewMiddleware):
    """Django's check, which answers with a page; here it raises."""

    def _reject(self, request: HttpRequest, reason: str) -> NoReturn:
        raise Forbidden("The CSRF token is missing or wrong.", hint="Send it as X-CSRFToken, or use an API token.")


def _check_csrf(request: HttpRequest) -> None:
    check = _Csrf(lambda _: HttpResponse())
    check.process_request(request)
    request.csrf_processing_done = False  # type: ignore[attr-defined]  # the middleware in front exempts the API
    check.process_view(request, lambda _: HttpResponse(), (), {})


def person(request: HttpRequest) -> User:
    """The person behind an authenticated request."""
    if not isinstance(request.user, User):
        raise Unauthorised("You are not signed in.")
    return request.user
