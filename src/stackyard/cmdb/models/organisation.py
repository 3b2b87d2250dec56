"""Who asks: departments, their products, the people in them and the tokens of their scripts."""

import hashlib
import secrets

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from stackyard.cmdb import validators


class Department(models.Model):
    """A part of the company that owns products and one or more sandboxes."""

    name = models.CharField(max_length=40, unique=True, validators=[validators.dns_label])
    title = models.CharField(max_length=80, validators=[validators.plain_text])
    contact = models.CharField(max_length=120, blank=True, validators=[validators.plain_text])
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class Product(models.Model):
    """An application. Its name is the first part of every FQDN of its environments, so it is unique company-wide."""

    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="products")
    # 32 characters is the limit of an ALB target group's name, which is <product>-<environment>.
    name = models.CharField(max_length=24, unique=True, validators=[validators.dns_label])
    title = models.CharField(max_length=80, validators=[validators.plain_text])
    description = models.TextField(blank=True, max_length=2000, validators=[validators.plain_text])
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title


class Role(models.TextChoices):
    """What a person may do. Platform staff see and do everything; the other two belong to one department."""

    VIEWER = "viewer", "Viewer"
    REQUESTER = "requester", "Requester"
    PLATFORM = "platform", "Platform staff"


class Membership(models.Model):
    """A person's role: in one department (viewer, requester) or everywhere (platform, department empty)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, null=True, blank=True, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "department"], name="one_role_per_department", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=models.Q(role=Role.PLATFORM, department__isnull=True)
                | (~models.Q(role=Role.PLATFORM) & models.Q(department__isnull=False)),
                name="platform_is_everywhere_others_in_a_department",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} in {self.department or 'all departments'}"


class ApiToken(models.Model):
    """A person's key for the API. Only its SHA-256 is kept; the token itself is shown once, when it is made."""

    PREFIX = "sy_"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=80, validators=[validators.plain_text])
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @staticmethod
    def hash(token: str) -> str:
        """The digest under which a token is looked up. 256 random bits need no salt and no slow hash."""
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(cls, user: User, name: str) -> tuple["ApiToken", str]:
        """Make a token for `user`; returns the row and the token in clear, which is not kept."""
        clear = cls.PREFIX + secrets.token_urlsafe(32)
        return cls.objects.create(user=user, name=name, digest=cls.hash(clear)), clear
