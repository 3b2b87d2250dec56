"""What a view gets once the person is known."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """A request behind `login_required` and the htmx middleware."""

    user: User
    htmx: HtmxDetails


def wants_fragment(request: Request) -> bool:
    """True when htmx asks for a part of the page. When it restores its history it needs the whole one."""
    return bool(request.htmx) and not request.htmx.history_restore_request
