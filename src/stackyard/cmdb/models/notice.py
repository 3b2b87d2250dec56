"""What people have to be told without having asked."""

from django.db import models
from django.utils import timezone

from stackyard.cmdb.models.environment import Environment


class Notice(models.Model):
    """One sentence about an environment, for its owner or for platform staff, until it is settled."""

    class Kind(models.TextChoices):
        EXPIRY = "expiry", "Expires soon"
        EXPIRED = "expired", "Expired"
        DESTROY_FAILED = "destroy_failed", "Could not be destroyed"
        DRIFT = "drift", "Differs from its code"
        APPROVAL = "approval", "Waits for approval"

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # So that the same thing is told once: the days left, the run.
    about = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=400)
    for_platform = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "kind", "about"], name="told_once"),
        ]

    def __str__(self) -> str:
        return self.message
