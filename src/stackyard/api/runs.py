"""`/api/runs`."""

from django.http import HttpRequest
from ninja import Router, Status

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.paging import PageNumber, PageSize, page_of
from stackyard.api.shapes import ApproveIn, Events, Page, RowId, RunDetail, RunOut
from stackyard.cmdb import rights
from stackyard.cmdb.models import Run, RunEvent, RunKind, RunStatus
from stackyard.errors import NotFound
from stackyard.runs.approve import approve, reject
from stackyard.runs.cancel import request_cancel
from stackyard.runs.eta import Forecaster

router = Router(tags=["runs"])

EVENTS = 500
"""Lines in one answer at most."""


@router.get("", response=answers(200, Page[RunOut]), summary="List runs")
def list_runs(
    request: HttpRequest,
    environment: str = "",
    status: RunStatus | None = None,
    kind: RunKind | None = None,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[RunOut]:
    """Newest first; `environment` is a slug."""
    rows = rights.visible(person(request), Run.objects.select_related("environment__pattern", "requested_by"))
    if environment:
        # PostgreSQL cannot hold NUL in text, so nothing can be found by it.
        rows = rows.filter(environment__slug=environment) if environment.isprintable() else rows.none()
    if status:
        rows = rows.filter(status=status)
    if kind:
        rows = rows.filter(kind=kind)
    forecaster = Forecaster()
    return page_of(rows.order_by("-id"), page, size, lambda row: convert.run_out(row, forecaster))


@router.get("/{run_id}", response=answers(200, RunDetail), summary="Show a run")
def show_run(request: HttpRequest, run_id: RowId) -> RunDetail:
    """With its stages, the summary of its plan and, after a failure, the reason."""
    return convert.run_detail(_find(request, run_id))


@router.get("/{run_id}/events", response=answers(200, Events), summary="Read the log of a run")
def run_events(request: HttpRequest, run_id: RowId, after: RowId = 0) -> Events:
    """Lines after the event `after`, at most 500. To follow, ask again with `after=<next>`."""
    return events_of(_find(request, run_id), after)


@router.post("/{run_id}/cancel", response=answers(202, RunDetail), summary="Cancel a run")
def cancel_run(request: HttpRequest, run_id: RowId, keep: bool = False) -> Status[RunDetail]:
    """A waiting run ends at once; one at work is stopped in good order. A create takes back what it built, or with
    `keep=true` leaves it as it stands, to be destroyed later."""
    request_cancel(person(request), _find(request, run_id), keep=keep)
    return Status(202, convert.run_detail(_find(request, run_id)))


@router.post("/{run_id}/approve", response=answers(202, RunDetail), summary="Approve a plan")
def approve_run(request: HttpRequest, run_id: RowId, yes: ApproveIn) -> Status[RunDetail]:
    """Lets a waiting run apply the plan that it waits with, and nothing else. 409 when it does not wait."""
    approve(person(request), _find(request, run_id), confirmation=yes.confirmation, digest=yes.digest)
    return Status(202, convert.run_detail(_find(request, run_id)))


@router.post("/{run_id}/reject", response=answers(202, RunDetail), summary="Reject a plan")
def reject_run(request: HttpRequest, run_id: RowId) -> Status[RunDetail]:
    """Ends a waiting run; nothing was applied. 409 when it does not wait."""
    reject(person(request), _find(request, run_id))
    return Status(202, convert.run_detail(_find(request, run_id)))


def events_of(run: Run, after: int) -> Events:
    """A part of a run's log. `run` must have been read before: one that reads as ended has all its lines written."""
    rows = list(RunEvent.objects.filter(run_id=run.pk, id__gt=after).order_by("id")[: EVENTS + 1])
    shown = rows[:EVENTS]
    return Events(
        run=convert.run_detail(run),
        events=[convert.event_out(row) for row in shown],
        next=shown[-1].pk if shown else after,
        more=len(rows) > EVENTS,
    )


def _find(request: HttpRequest, run_id: int) -> Run:
    rows = Run.objects.select_related("environment__sandbox__department", "environment__product", "requested_by")
    try:
        return rights.find(person(request), rows, pk=run_id)
    except NotFound:
        raise NotFound(f"There is no run {run_id} that you can see.", hint="GET /api/runs lists them.") from None
