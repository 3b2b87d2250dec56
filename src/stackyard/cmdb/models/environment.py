"""What was asked for and what stands."""

import secrets

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from stackyard.cmdb import validators
from stackyard.cmdb.models.organisation import Department, Product
from stackyard.cmdb.models.pattern import PatternVersion
from stackyard.cmdb.models.sandbox import Sandbox


class EnvironmentStatus(models.TextChoices):
    """A function of the latest run (`runs.states.environment_status`), written in the run's own transaction."""

    CREATING = "creating", "Creating"
    READY = "ready", "Ready"
    CHANGING = "changing", "Changing"
    DESTROYING = "destroying", "Destroying"
    FAILED = "failed", "Failed"
    ATTENTION = "attention", "Needs attention"
    DESTROYED = "destroyed", "Destroyed"


GONE = (EnvironmentStatus.DESTROYED, EnvironmentStatus.FAILED)
"""Nothing of these stands in AWS: a failed environment is one whose creation was rolled back completely."""


def new_uid() -> str:
    """Eight characters that name the environment in tags, state and work folders, and are never used again."""
    return "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(8))


class Environment(models.Model):
    """A pattern built for a product in a sandbox. The row stays after destruction and says so."""

    uid = models.CharField(max_length=8, unique=True, default=new_uid, editable=False)
    # Empty: the baseline of its sandbox, which is built and kept by runs as any environment is.
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="environments", null=True, blank=True)
    name = models.CharField(max_length=24, validators=[validators.dns_label])
    # <product>-<name>: the base name of all its resources and the first label of its FQDN. `baseline-<sandbox>` else.
    slug = models.CharField(max_length=56, editable=False)
    sandbox = models.ForeignKey(Sandbox, on_delete=models.PROTECT, related_name="environments")
    pattern = models.ForeignKey(PatternVersion, on_delete=models.PROTECT, related_name="environments")
    # Only what differs from the pattern's defaults: dotted path -> value.
    settings = models.JSONField(default=dict)
    # Secret settings and made-up passwords, encrypted (`cmdb.sealing`): name -> value. Never in history.
    sealed = models.TextField(blank=True, editable=False)
    # Empty for a baseline. Further names are allocations of their own.
    fqdn = models.CharField(max_length=253, blank=True)
    status = models.CharField(max_length=12, choices=EnvironmentStatus.choices, default=EnvironmentStatus.CREATING)
    outputs = models.JSONField(default=dict)
    # What stands, from Terraform's state: [{address, type, name, module, id, depends_on}].
    resources = models.JSONField(default=list)
    # The line from FQDN to the last part, as it was last proven, or before that as it is planned:
    # [{name, title, ok, checked, found, fix, seconds, planned}].
    hops = models.JSONField(default=list)
    proven_at = models.DateTimeField(null=True, blank=True)
    commit = models.CharField(max_length=40, blank=True)
    # Where Terraform keeps its state: as the setting was when it was made.
    backend = models.CharField(max_length=4, default="pg", editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="environments")
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)
    # When it is to be destroyed by itself; empty: never.
    expires_at = models.DateTimeField(null=True, blank=True)
    # What differs between the recorded code and AWS: {checked_at, run, resources: [...]}; empty: nothing, or not asked.
    drift = models.JSONField(default=dict)
    drift_checked_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(
        excluded_fields=["resources", "hops", "proven_at", "sealed", "drift", "drift_checked_at"]
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=~models.Q(status__in=GONE), name="one_living_environment_per_name"
            ),
            models.UniqueConstraint(
                fields=["sandbox"],
                condition=models.Q(product__isnull=True) & ~models.Q(status__in=GONE),
                name="one_living_baseline_per_sandbox",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-created_at"]),
            models.Index(fields=["product", "-created_at"]),
            models.Index(fields=["-created_at", "-id"]),
            models.Index(fields=["expires_at"], condition=models.Q(expires_at__isnull=False), name="what_expires"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_gone(self) -> bool:
        """True when nothing of it stands in AWS."""
        return self.status in GONE

    @property
    def is_baseline(self) -> bool:
        """True for the common components of a sandbox."""
        return self.product_id is None

    @property
    def department(self) -> Department:
        """Who it belongs to. A sandbox takes environments of its own department only."""
        return self.sandbox.department

    @property
    def base_name(self) -> str:
        """What the names of its resources begin with."""
        return self.sandbox.name if self.is_baseline else self.slug

    @property
    def address(self) -> str:
        """Where its application answers; empty when its pattern does not take the FQDN, as a worker's does not."""
        return f"https://{self.fqdn}" if self.pattern.takes_fqdn else ""

    @property
    def record_folder(self) -> str:
        """Its folder in the git record. No product has a name with a leading underscore, so baselines stand apart."""
        if self.product is None:
            return f"{self.department.name}/_sandboxes/{self.sandbox.name}"
        return f"{self.department.name}/{self.product.name}/{self.name}"

    @property
    def state_name(self) -> str:
        """Its schema (pg) or key (s3) in Terraform's backend; from the uid, so that a name used again starts afresh."""
        return f"env_{self.uid}"

    @property
    def tags(self) -> dict[str, str]:
        """The tags on every resource of it. `stackyard:environment` is what the proof of deletion looks for."""
        return {
            "stackyard:environment": self.uid,
            "stackyard:name": self.slug,
            **({"stackyard:product": self.product.name} if self.product else {}),
            "stackyard:department": self.department.name,
        }
