"""Requests that were already answered."""

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from stackyard.cmdb.models.run import Run


class IdempotencyKey(models.Model):
    """A client's key for one create request: the same key and body give the same run, another body is refused."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    run = models.ForeignKey(Run, on_delete=models.CASCADE)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return self.key
