"""`/api/environments`."""

from django.http import HttpRequest
from ninja import Router, Status
from ninja.params.functions import Header

from stackyard.api import convert
from stackyard.api.answers import answers
from stackyard.api.auth import person
from stackyard.api.paging import PageNumber, PageSize, page_of
from stackyard.api.runs import events_of
from stackyard.api.shapes import (
    Accepted,
    AcceptIn,
    CreateIn,
    DriftOut,
    EnvironmentDetail,
    EnvironmentOut,
    Events,
    ExtendIn,
    Name,
    Page,
    RowId,
)
from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment, EnvironmentStatus, Run
from stackyard.cmdb.models.environment import GONE
from stackyard.environments import drift
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.lifetimes import extend, keep
from stackyard.environments.listing import search
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Invalid, NotFound, shown

router = Router(tags=["environments"])

# Visible ASCII: what a header can hold, and PostgreSQL, too.
IDEMPOTENCY_KEY: str = Header("", alias="Idempotency-Key", max_length=200, pattern=r"^[\x21-\x7e]*$")


@router.get("", response=answers(200, Page[EnvironmentOut]), summary="List environments")
def list_environments(
    request: HttpRequest,
    text: str = "",
    status: EnvironmentStatus | None = None,
    product: Name = "",
    sandbox: Name = "",
    gone: bool = False,
    expiring: bool = False,
    baselines: bool = False,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> Page[EnvironmentOut]:
    """Newest first. `text` is searched in slug, FQDN, titles and account id. Those that are gone only with `gone`,
    or by their status. `expiring`: those that expire within 7 days or have expired, the next to go first. `baselines`:
    also the common components of sandboxes."""
    rows = search(
        person(request),
        text=text,
        status=status or "",
        product=product,
        sandbox=sandbox,
        gone=gone,
        expiring=expiring,
        baselines=baselines,
    )
    return page_of(rows.defer("resources", "hops", "outputs"), page, size, convert.environment_out)


@router.post("", response=answers(202, Accepted), summary="Create an environment")
def create_environment(
    request: HttpRequest, wish: CreateIn, idempotency_key: str = IDEMPOTENCY_KEY
) -> Status[Accepted]:
    """Everything is checked before anything is built; 422 lists every problem. With an `Idempotency-Key` (up to 200
    visible ASCII characters) the same request can be sent again safely: the first answer's run comes back."""
    asked = CreateRequest(
        product=wish.product,
        pattern=wish.pattern,
        name=wish.name,
        sandbox=wish.sandbox,
        settings=wish.settings,
        expires=wish.expires,
    )
    return accepted(create(person(request), asked, via="api", idempotency_key=idempotency_key))


@router.get("/{environment}", response=answers(200, EnvironmentDetail), summary="Show an environment")
def show_environment(request: HttpRequest, environment: str) -> EnvironmentDetail:
    """By slug, or by uid. A slug that was used more than once names the youngest."""
    row = find_environment(request, environment)
    return convert.environment_detail(row, _latest_run(row))


@router.delete("/{environment}", response=answers(202, Accepted), summary="Destroy an environment")
def destroy_environment(request: HttpRequest, environment: str) -> Status[Accepted]:
    """Destroys everything it is made of, from the code that built it. 409 while another run is going on, or when it
    is gone already."""
    return accepted(destroy(person(request), find_environment(request, environment), via="api"))


@router.post("/{environment}/extend", response=answers(200, EnvironmentOut), summary="Extend an environment's life")
def extend_environment(request: HttpRequest, environment: str, wish: ExtendIn) -> EnvironmentOut:
    """A requester may extend up to the sandbox's limit, counted from now. A destroy that waits because the environment
    has expired is called off; 409 when it has begun."""
    user, row = person(request), find_environment(request, environment)
    if wish.never and (wish.days, wish.until) != (None, None):
        raise Invalid.field("never", "Goes with neither days nor until.")
    kept = keep(user, row) if wish.never else extend(user, row, days=wish.days, until=wish.until)
    return convert.environment_out(kept)


@router.get("/{environment}/drift", response=answers(200, DriftOut), summary="What differs in AWS")
def show_drift(request: HttpRequest, environment: str) -> DriftOut:
    """As it was found when somebody, or the schedule, last looked."""
    return convert.drift_out(find_environment(request, environment))


@router.post("/{environment}/drift", response=answers(202, Accepted), summary="Look for drift")
def look_for_drift(request: HttpRequest, environment: str) -> Status[Accepted]:
    """A run that compares what was applied with what AWS has, and changes neither. GET tells what it found."""
    return accepted(drift.look(person(request), find_environment(request, environment), via="api"))


@router.post("/{environment}/drift/repair", response=answers(202, Accepted), summary="Put back what differs")
def repair_drift(request: HttpRequest, environment: str) -> Status[Accepted]:
    """A change that applies the recorded code again, so that AWS has what it says, also what was accepted before."""
    return accepted(drift.repair(person(request), find_environment(request, environment), via="api"))


@router.post("/{environment}/drift/accept", response=answers(202, Accepted), summary="Accept what differs")
def accept_drift(request: HttpRequest, environment: str, wish: AcceptIn) -> Status[Accepted]:
    """What AWS has counts as applied from now on; nothing changes there. The next change of the code puts it back."""
    return accepted(drift.accept(person(request), find_environment(request, environment), via="api", seen=wish.digest))


@router.get("/{environment}/logs", response=answers(200, Events), summary="Read the log of the latest run")
def environment_logs(request: HttpRequest, environment: str, after: RowId = 0) -> Events:
    """Lines after the event `after`, at most 500. To follow, ask again with `after=<next>`."""
    row = find_environment(request, environment)
    run = _latest_run(row)
    if run is None:
        raise NotFound(f"{row.slug} has no run yet.")
    return events_of(run, after)


def find_environment(request: HttpRequest, name: str) -> Environment:
    """By slug or uid, if the person may see it: a slug always holds a hyphen, a uid never."""
    rows = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    try:
        return rights.find(person(request), rows.order_by("-created_at", "-id"), **{_column(name): name})
    except NotFound:
        near = rights.nearest(person(request), Environment.objects.exclude(status__in=GONE), "slug", name)
        hint = f"{near} GET /api/environments lists them.".strip()
        raise NotFound(f"There is no environment '{shown(name)}' that you can see.", hint=hint) from None


def _column(name: str) -> str:
    return "slug" if "-" in name else "uid"


def _latest_run(row: Environment) -> Run | None:
    return row.runs.select_related("environment", "requested_by").order_by("-id").first()


def accepted(run: Run) -> Status[Accepted]:
    """202 with the environment and its new run."""
    full = Run.objects.select_related("environment", "requested_by").get(pk=run.pk)
    environment = Environment.objects.select_related("product", "sandbox__department", "pattern", "owner").get(
        pk=full.environment_id
    )
    return Status(202, Accepted(environment=convert.environment_out(environment), run=convert.run_out(full)))
