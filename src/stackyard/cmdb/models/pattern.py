"""Which pattern an environment was built from."""

from django.db import models
from django.utils import timezone


class PatternVersion(models.Model):
    """A version of a pattern as it was when it was first used; `digest` covers every file of it and its modules."""

    name = models.CharField(max_length=60)
    version = models.CharField(max_length=40)
    digest = models.CharField(max_length=64)
    title = models.CharField(max_length=120)
    manifest = models.JSONField(default=dict)
    # The files that tell its settings and their defaults: name -> text.
    interface = models.JSONField(default=dict)
    # When `stackyard pattern test` last passed on exactly this content, and what it reported.
    tested_at = models.DateTimeField(null=True, blank=True)
    test_report = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version", "digest"], name="one_row_per_pattern_content")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def takes_fqdn(self) -> bool:
        """Whether what it builds answers at the environment's FQDN."""
        return "environment.fqdn" in self.manifest.get("fills", {}).values()
