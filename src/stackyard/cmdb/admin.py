"""Django's admin, for superusers: the last resort when a row has to be mended by hand. Every change leaves history."""

from django.contrib import admin
from simple_history.admin import SimpleHistoryAdmin

from stackyard.cmdb.models import (
    Allocation,
    Department,
    Environment,
    GithubLogin,
    Membership,
    PatternVersion,
    Product,
    Run,
    Sandbox,
)

admin.site.site_header = "Stackyard"
admin.site.register([Department, Product, Membership, Sandbox, GithubLogin], SimpleHistoryAdmin)


@admin.register(Environment)
class EnvironmentAdmin(SimpleHistoryAdmin):
    """Environments; what is computed can only be read."""

    list_display = ("slug", "status", "sandbox", "pattern", "created_at")
    list_filter = ("status", "sandbox")
    search_fields = ("slug", "fqdn", "uid")
    readonly_fields = ("uid", "slug", "fqdn", "resources", "hops", "outputs")


@admin.register(Run)
class RunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Runs; read, rarely written."""

    list_display = ("id", "kind", "environment", "status", "worker", "created_at")
    list_filter = ("status", "kind")


@admin.register(Allocation)
class AllocationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Allocations, given and released."""

    list_display = ("kind", "value", "environment", "created_at", "released_at")
    list_filter = ("kind",)


@admin.register(PatternVersion)
class PatternVersionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Pattern versions in use."""

    list_display = ("name", "version", "digest", "created_at")
