"""`/healthz` and `/readyz`: for whoever starts, restarts and balances servers. They tell what anybody may know."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from stackyard.runs.watch import workers_alive
from stackyard.settings import get_settings


@require_GET
def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers at all; the database is not asked: a restart would not bring it back."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@require_GET
def ready(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served: the database answers and has all migrations. Without a worker pages work as
    well, so that is told but is no reason to take the server out: `worker` is false then."""
    found = {"database": False, "migrations": False, "worker": False}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        found["database"] = True
        executor = MigrationExecutor(connection)
        found["migrations"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        found["worker"] = found["migrations"] and workers_alive(get_settings().lease_seconds) > 0
    except DatabaseError:
        pass
    fine = found["database"] and found["migrations"]
    answer = {"status": "ok" if fine else "not ready", **found}
    return JsonResponse(answer, status=200 if fine else 503, headers={"Cache-Control": "no-store"})
