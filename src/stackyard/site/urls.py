"""Which room answers which address."""

from django.contrib import admin
from django.urls import include, path

from stackyard.api.routes import api

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    path("", include("stackyard.portal.urls")),
]
