"""Around every page: what a browser may load, what a person sees when something goes wrong, how long it took."""

import time
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, StackyardError, Unavailable

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # data: for the small pictures inside Tabler's own style sheet
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

STATUS: dict[type[StackyardError], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    Forbidden: (403, "Not allowed"),
    Conflict: (409, "Not now"),
    Invalid: (422, "Refused"),
    Unavailable: (503, "A part does not answer"),
}
OTHER = (500, "Something is broken")

Next = Callable[[HttpRequest], HttpResponse]
log = structlog.get_logger()


class ContentSecurityPolicy:
    """Scripts, styles and connections only from this server: a text that slips through as HTML cannot act."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._next(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class ServerTiming:
    """How long a page took here, without network and browser, in the header that browsers show (W3C Server Timing)."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begin = time.perf_counter()
        response = self._next(request)
        response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - begin) * 1000:.1f}"
        return response


class PeopleErrors:
    """Errors that Stackyard raises on purpose become a page, or for htmx a fragment, with message and hint."""

    def __init__(self, get_response: Next) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django calls this with what a view raised; everything unexpected stays Django's (500.html, logged)."""
        if not isinstance(error, StackyardError):
            return None
        status, title = next((known for kind, known in STATUS.items() if isinstance(error, kind)), OTHER)
        if status >= 500:
            log.error("a page could not be shown", path=request.path, error=error.message)
        template = "portal/errors/fragment.html" if getattr(request, "htmx", False) else "portal/errors/page.html"
        context = {"status": status, "title": title, "message": error.message, "hint": error.hint}
        if isinstance(error, Invalid):
            context["problems"] = error.problems
        return render(request, template, context, status=status)
