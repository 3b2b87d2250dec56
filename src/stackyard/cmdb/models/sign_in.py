"""Wrong passwords, counted."""

from django.db import models
from django.utils import timezone


class FailedSignIn(models.Model):
    """One wrong password: the name that was typed, in lower case, and the address that it came from."""

    name = models.CharField(max_length=150)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["name", "at"], name="failures_by_name"),
            models.Index(fields=["address", "at"], name="failures_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.name} from {self.address or 'nowhere'}"
