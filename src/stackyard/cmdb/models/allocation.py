"""What may be given only once: FQDNs and listener-rule priorities (and, with their own rules, CIDR blocks)."""

from django.db import models
from django.utils import timezone

from stackyard.cmdb.models.environment import Environment


class Allocation(models.Model):
    """One unique thing held by one environment. The database refuses a second holder, whatever the code does."""

    class Kind(models.TextChoices):
        FQDN = "fqdn", "FQDN"
        RULE_PRIORITY = "rule_priority", "Listener-rule priority"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    # Where it must be unique: "" for FQDNs (everywhere), the listener's ARN for priorities.
    scope = models.CharField(max_length=300, blank=True)
    value = models.CharField(max_length=253)
    environment = models.ForeignKey(Environment, on_delete=models.PROTECT, related_name="allocations")
    created_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["kind", "value"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "scope", "value"],
                condition=models.Q(released_at__isnull=True),
                name="given_only_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"
