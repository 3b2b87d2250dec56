"""The API at /api/: one router per noun, tokens or the portal's session, one shape of error."""

from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, re_path
from ninja import NinjaAPI

from stackyard import __version__
from stackyard.api import (
    addresses,
    changes,
    deployment,
    environments,
    fqdns,
    organisation,
    patterns,
    proof,
    runs,
    sandboxes,
    upgrades,
)
from stackyard.api.answers import answers, install, nowhere, one_shape
from stackyard.api.auth import PortalSession, TokenAuth
from stackyard.api.parser import StrictJson
from stackyard.api.shapes import Health


class StackyardApi(NinjaAPI):
    """ninja's API, whose refusals outside of operations have the one shape, too."""

    @property
    def urls(self) -> tuple[list[Any], str, str]:
        """The addresses below /api/, for Django's URL configuration."""
        patterns, app, namespace = super().urls
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = one_shape(pattern.callback)
        return [*patterns, re_path(r"", nowhere)], app, namespace


api = StackyardApi(
    title="Stackyard",
    version=__version__,
    description="AWS environments from your own design patterns. Errors always have the shape `Failure`.",
    urls_namespace="api",
    # No page of documentation: it would need scripts from elsewhere. The schema is an operation like any other.
    openapi_url=None,
    docs_url=None,
    auth=[TokenAuth(), PortalSession()],
    parser=StrictJson(),
)
install(api)


@api.get("/health", auth=None, response=answers(200, Health), summary="Is it working?", tags=["health"])
def health(request: HttpRequest) -> Health:
    """Anybody may ask. 503 while the database does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Health(status="ok", version=__version__)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> HttpResponse:
    """This API, described for programs."""
    return JsonResponse(api.get_openapi_schema())


api.add_router("/environments", environments.router)
api.add_router("/environments", changes.router)
api.add_router("/environments", upgrades.environments)
api.add_router("/environments", proof.router)
api.add_router("/environments", deployment.router)
api.add_router("/environments", fqdns.router)
api.add_router("/runs", runs.router)
api.add_router("/patterns", patterns.router)
api.add_router("/patterns", upgrades.patterns)
api.add_router("", organisation.router)
api.add_router("/sandboxes", sandboxes.router)
api.add_router("", addresses.router)
