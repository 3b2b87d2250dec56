"""What was asked for and what stands."""

import secrets

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from stackyard.cmdb import validators
from stackyard.cmdb.models.organisation import Product
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
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="environments")
    name = models.CharField(max_length=24, validators=[validators.dns_label])
    # <product>-<name>: the base name of all its resources and the first label of its FQDN.
    slug = models.CharField(max_length=32, editable=False)
    sandbox = models.ForeignKey(Sandbox, on_delete=models.PROTECT, related_name="environments")
    pattern = models.ForeignKey(PatternVersion, on_delete=models.PROTECT, related_name="environments")
    # Only what differs from the pattern's defaults: dotted path -> value.
    settings = models.JSONField(default=dict)
    fqdn = models.CharField(max_length=253)
    status = models.CharField(max_length=12, choices=EnvironmentStatus.choices, default=EnvironmentStatus.CREATING)
    outputs = models.JSONField(default=dict)
    # What stands, from Terraform's state: [{address, type, name, module, id, depends_on}].
    resources = models.JSONField(default=list)
    # The line from FQDN to the last part, as it was last proven: [{name, title, ok, checked, found, fix, seconds}].
    hops = models.JSONField(default=list)
    commit = models.CharField(max_length=40, blank=True)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="environments")
    created_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords(excluded_fields=["resources", "hops"])

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=~models.Q(status__in=GONE), name="one_living_environment_per_name"
            )
        ]
        indexes = [
            models.Index(fields=["status", "-created_at"]),
            models.Index(fields=["product", "-created_at"]),
            models.Index(fields=["-created_at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_gone(self) -> bool:
        """True when nothing of it stands in AWS."""
        return self.status in GONE

    @property
    def record_folder(self) -> str:
        """Its folder in the git record."""
        return f"{self.product.department.name}/{self.product.name}/{self.name}"

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
            "stackyard:product": self.product.name,
            "stackyard:department": self.product.department.name,
        }
