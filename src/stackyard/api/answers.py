"""Every error as one shape, whatever raised it and wherever."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import RawPostDataException
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from procrastinate.exceptions import ConnectorException

from stackyard.api.auth import Unauthorised
from stackyard.api.shapes import Failure
from stackyard.errors import Conflict, Forbidden, Invalid, NotFound, Problem, StackyardError, Unavailable, shown

log = structlog.get_logger()

_KINDS: Mapping[type[StackyardError], tuple[int, str]] = {
    Invalid: (422, "invalid"),
    NotFound: (404, "not_found"),
    Forbidden: (403, "forbidden"),
    Conflict: (409, "conflict"),
    Unavailable: (503, "unavailable"),
    Unauthorised: (401, "unauthorised"),
}

ERRORS = frozenset({401, 403, 404, 409, 413, 422, 503})


def answers(status: int, shape: Any) -> dict[Any, Any]:
    """What an operation can answer, for its declaration: `shape` when it went well, else the one error shape."""
    return {status: shape, ERRORS: Failure}


def failure(status: int, code: str, message: str, *, hint: str = "", problems: Iterable[Problem] = ()) -> HttpResponse:
    """An error as a response."""
    listed = [{"field": p.field, "message": p.message} for p in problems]
    body = {"error": {"code": code, "message": message, "hint": hint, "problems": listed}}
    response = JsonResponse(body, status=status)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def told(error: Any) -> HttpResponse:
    """A StackyardError as a response."""
    # A broken pattern or installation is for platform staff to mend; to the caller the part is not available.
    status, code = next((kind for cls, kind in _KINDS.items() if isinstance(error, cls)), (503, "unavailable"))
    problems = error.problems if isinstance(error, Invalid) else ()
    return failure(status, code, error.message, hint=error.hint, problems=problems)


def install(api: NinjaAPI) -> None:
    """Let the API answer with the one shape only."""
    api.add_exception_handler(StackyardError, lambda request, error: told(error))
    api.add_exception_handler(ValidationError, lambda request, error: told(Invalid(_problems(error))))
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Http404, lambda request, error: _nothing_here(request))
    api.add_exception_handler(RequestDataTooBig, lambda request, error: _too_big())
    for unreadable in (SuspiciousOperation, MultiPartParserError, RawPostDataException):
        api.add_exception_handler(unreadable, lambda request, error: _not_json())
    for away in (OperationalError, InterfaceError, ConnectorException):
        api.add_exception_handler(away, lambda request, error: _no_database(error))
    api.add_exception_handler(Exception, _unexpected)


def one_shape(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view whose refusals outside of operations (wrong method, wrong address) have the one shape, too."""

    @functools.wraps(view)  # keeps csrf_exempt
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            return _nothing_here(request)
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response["Allow"]
            response = failure(405, "invalid", f"{request.method} is not possible here.", hint=f"Possible: {allowed}.")
            response["Allow"] = allowed
        response["Cache-Control"] = "no-store"
        return response

    return answer


def nowhere(request: HttpRequest) -> HttpResponse:
    """The view of every address below /api/ that is none."""
    return _nothing_here(request)


def _nothing_here(request: HttpRequest) -> HttpResponse:
    return failure(404, "not_found", f"There is no {shown(request.path)}.", hint="See /api/openapi.json.")


def _too_big() -> HttpResponse:
    return failure(413, "invalid", "The body is larger than 1 MB.", problems=[Problem("body", "At most 1 MB.")])


def _not_json() -> HttpResponse:
    return told(Invalid([Problem("body", "Must be JSON.")], hint="Send Content-Type: application/json."))


def _no_database(error: object) -> HttpResponse:
    log.warning("the database does not answer", error=str(error))
    return told(Unavailable("The database does not answer.", hint="Try again in a moment."))


def _unexpected(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    log.error("unexpected error", method=request.method, path=shown(request.path, 200), exc_info=error)
    hint = "The server's log says more; please tell platform staff."
    return failure(500, "internal", "Something unexpected went wrong.", hint=hint)


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    """ninja's own: nobody signed in, or a body that could not be read, with the true reason as its cause."""
    if isinstance(error, AuthenticationError):
        hint = "Send `Authorization: Bearer <token>`; a token is made in the portal."
        return told(Unauthorised("You are not signed in.", hint=hint))
    if isinstance(error.__cause__, StackyardError):
        return told(error.__cause__)
    if isinstance(error.__cause__, RequestDataTooBig):
        return _too_big()
    return _not_json()


_RULES = {
    "missing": "This is required.",
    "string_type": "Must be text.",
    "int_type": "Must be a whole number.",
    "int_parsing": "Must be a whole number.",
    "int_parsing_size": "This number is too large.",
    "int_from_float": "Must be a whole number.",
    "bool_parsing": "Must be true or false.",
    "dict_type": "Must be names with values.",
    "model_type": "Must be an object.",
    "model_attributes_type": "Must be an object.",
    "extra_forbidden": "There is no such field.",
    "string_pattern_mismatch": "Holds characters that are not possible here.",
}


def _problems(error: Any) -> list[Problem]:
    """pydantic's findings in our words. A location begins with where it was found: body, query, path or header."""
    problems = []
    for found in error.errors:
        where, *path = (str(part) for part in found["loc"])
        if where == "body":
            path = path[1:]  # the name of the function's argument
        rule = _RULES.get(found["type"], f"{found['msg']}.")
        if found["type"] == "enum":
            rule = f"Choose one of {found['ctx']['expected']}."
        problems.append(Problem(shown(".".join(path), 120) or where, rule))
    return problems
