"""Which room answers which address."""

from django.contrib import admin
from django.urls import include, path

from stackyard.api.health import alive, ready
from stackyard.api.metrics import metrics
from stackyard.api.routes import api
from stackyard.github.webhook import webhook

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("healthz", alive),
    path("readyz", ready),
    path("metrics", metrics),
    path("github/webhook", webhook),
    path("", include("stackyard.portal.urls")),
]
