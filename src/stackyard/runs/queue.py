"""Putting runs into the queue. A job is only a wake-up call; the truth is the run row."""

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.exceptions import AlreadyEnqueued

from stackyard.cmdb.models import Environment, EnvironmentStatus, Run, RunKind, RunStatus, Stage, StageStatus
from stackyard.cmdb.models.run import SCHEDULE
from stackyard.errors import Conflict
from stackyard.runs import rules
from stackyard.runs.flows import flow_of
from stackyard.runs.order import Turn, Waiting, Working, turns
from stackyard.runs.states import environment_status
from stackyard.runs.wish import Wish
from stackyard.settings import get_settings

if TYPE_CHECKING:
    from django.contrib.auth.models import User


GIVES_WAY = Q(kind=RunKind.DRIFT, status=RunStatus.QUEUED, via=SCHEDULE)
"""A look that nobody waits for and that has not begun: any other run of the environment takes its place."""


def enqueue(
    environment: Environment, kind: RunKind, user: "User", *, via: str, wish: Wish | None = None, priority: int = 0
) -> Run:
    """Write a queued run with its stages and call for a worker, in the caller's transaction.

    `wish`: what a change is to do. `priority`: lower goes first; 0 is for what a person waits for.

    Raises Conflict while another run of this environment is active (a database constraint decides, not a look).
    """
    if kind != RunKind.DRIFT or via != SCHEDULE:
        waiting = Run.objects.filter(GIVES_WAY, environment=environment)
        Stage.objects.filter(run__in=waiting).update(status=StageStatus.SKIPPED)
        waiting.update(status=RunStatus.CANCELLED, finished_at=timezone.now(), error="Something else was asked for.")
    try:
        with transaction.atomic():
            run = Run.objects.create(
                environment=environment,
                sandbox=environment.sandbox,
                kind=kind,
                requested_by=user,
                via=via,
                request=wish.as_dict() if wish else {},
                status_before=environment.status,
                priority=priority,
            )
    except IntegrityError:
        raise Conflict(
            f"Another run of {environment.slug} is going on.", hint="Wait until it has finished, or cancel it."
        ) from None
    Stage.objects.bulk_create(
        Stage(run=run, position=position, name=stage.name, title=stage.title)
        for position, stage in enumerate(flow_of(kind, asks=_asks(environment, kind)).forward)
    )
    if kind != RunKind.DRIFT:  # it leaves the status what it is, and no line in the history
        environment.status = environment_status(kind, RunStatus.QUEUED, EnvironmentStatus(environment.status))
        environment.save(update_fields=["status"])
    wake(run.pk)
    return run


def _asks(environment: Environment, kind: RunKind) -> bool:
    """Whether a rule of the sandbox or the pattern could want this run to be approved."""
    of_pattern = rules.parse(environment.pattern.manifest.get("approvals"))
    return rules.may_ask((*rules.parse(environment.sandbox.approvals), *of_pattern), kind)


def wake(run_id: int) -> None:
    """Call for a worker. A second call while the first still waits is the same call."""
    from stackyard.runs.tasks import execute  # tasks import the walker, which imports this module

    try:
        with transaction.atomic():
            execute.configure(queueing_lock=f"run:{run_id}").defer(run_id=run_id)
    except AlreadyEnqueued:
        pass


def wake_next() -> None:
    """Call for a worker for the run whose turn it is, if there is a place for one. Whoever takes it calls for the
    next, so that no call is made in vain and none is missing."""
    following = next(iter(line()), None)
    if following is not None and following.now:
        wake(following.run)


def line(slots: int | None = None) -> tuple[Turn, ...]:
    """All queued runs in the order in which they start. One query. `slots`: how many runs all workers together can
    carry, where that matters; without it as if there were workers enough."""
    now = timezone.now()
    waiting, working = [], []
    caps: dict[int, int] = {}
    rows = Run.objects.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING)).order_by()
    for pk, status, priority, not_before, sandbox, department, cap in rows.values_list(
        "pk", "status", "priority", "not_before", "sandbox", "sandbox__department", "sandbox__max_parallel_runs"
    ):
        caps[sandbox] = cap
        if status == RunStatus.RUNNING:
            working.append(Working(sandbox, department))
        else:
            waiting.append(Waiting(pk, sandbox, department, priority, not_before is not None and not_before > now))
    limits = [limit for limit in (get_settings().max_parallel_runs or None, slots) if limit is not None]
    return turns(waiting, working, caps, min(limits, default=None))
