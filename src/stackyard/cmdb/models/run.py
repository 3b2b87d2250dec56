"""What happened: runs, their stages and their log."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from stackyard.cmdb.models.environment import Environment
from stackyard.cmdb.models.sandbox import Sandbox


class RunKind(models.TextChoices):
    """What a run does to its environment."""

    CREATE = "create", "Create"
    CHANGE = "change", "Change"
    DESTROY = "destroy", "Destroy"
    DRIFT = "drift", "Look for drift"


class RunStatus(models.TextChoices):
    """Where a run stands. Transitions are in `runs.states`."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting for approval"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    ATTENTION = "attention", "Needs attention"


SCHEDULE = "schedule"
"""`via` of a run that nobody asked for; its environment's owner stands in `requested_by`."""

_VIA = {"github": " in an issue", "api": " over the API"}


ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
"""The environment belongs to such a run: no other may begin."""


class Run(models.Model):
    """One operation on an environment. `token` is the lease: a write without the present token changes nothing."""

    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="runs")
    sandbox = models.ForeignKey(Sandbox, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=10, choices=RunKind.choices)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    # Lower goes first: 0 for what a person waits for, 10 for what a schedule asked for.
    priority = models.SmallIntegerField(default=0)
    # Not to be started before: the pause before another try.
    not_before = models.DateTimeField(null=True, blank=True)
    # How often a stage was tried again in this run because AWS asked for patience.
    tries = models.PositiveIntegerField(default=0)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="runs")
    via = models.CharField(max_length=10, default="portal")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # What was asked of a change (`runs.wish.Wish`).
    request = models.JSONField(default=dict)
    # The environment's status when the run was asked for: what it goes back to when the run did nothing.
    status_before = models.CharField(max_length=12, blank=True)
    # Who let the plan be applied that is now in `plan`; empty again once it is planned anew.
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="approved_runs")
    approved_at = models.DateTimeField(null=True, blank=True)
    # Who may approve (a role) and until when; after that it ends as if rejected.
    approval_role = models.CharField(max_length=10, blank=True)
    approval_until = models.DateTimeField(null=True, blank=True)

    token = models.UUIDField(null=True, blank=True, editable=False)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    takeovers = models.PositiveIntegerField(default=0)
    # The operating-system process of Terraform that belongs to this run, while there is one (terraform.process).
    process = models.JSONField(null=True, blank=True)
    # Jobs that were done elsewhere: key, executor, step, and links by title.
    builds = models.JSONField(default=list)

    # True once it failed and takes back what it applied; a run that is taken over goes on from there.
    rolling_back = models.BooleanField(default=False)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # A cancelled create keeps what it has built so far; otherwise that is taken back.
    keep = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    # Settings that Terraform or AWS refused: [{field, message}], with fields as in `settings.<path>`.
    problems = models.JSONField(default=list)
    plan = models.JSONField(default=dict)
    commit = models.CharField(max_length=40, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    # What is still there after a destroy or a rollback: [{service, kind, id, how_to_clear}].
    leftovers = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment"],
                condition=models.Q(status__in=ACTIVE),
                name="one_active_run_per_environment",
            )
        ]
        indexes = [models.Index(fields=["status", "lease_until"]), models.Index(fields=["sandbox", "status", "id"])]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def is_active(self) -> bool:
        """True while it waits, for a worker or for approval, or works."""
        return self.status in ACTIVE

    @property
    def asked_by(self) -> str:
        """Who or what asked for it, in words that follow "by"."""
        if self.via == SCHEDULE:
            why = "as it had expired" if self.kind == RunKind.DESTROY else "to look for drift"
            return f"the schedule, {why}"
        return self.requested_by.get_username() + _VIA.get(self.via, "")

    @property
    def planned_path(self) -> list[dict[str, Any]]:
        """Of a create, until the path is proven: its hops by the plan (`Environment.hops`)."""
        return [hop for hop in self.environment.hops if hop.get("planned")] if self.kind == RunKind.CREATE else []


class StageStatus(models.TextChoices):
    """Where a stage stands."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"


class Stage(models.Model):
    """One step of a run, with its times."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stages")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    title = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=StageStatus.choices, default=StageStatus.PENDING)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="one_stage_per_position")]

    def __str__(self) -> str:
        return self.name

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken so far; None before it starts."""
        if self.started_at is None:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()


class RunEvent(models.Model):
    """One line of a run's log. Ids of one run grow in the order of commit: it has one writer at a time."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    stage = models.CharField(max_length=20, blank=True)
    level = models.CharField(max_length=8, default="info")
    message = models.TextField()
    address = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "id"])]

    def __str__(self) -> str:
        return self.message
