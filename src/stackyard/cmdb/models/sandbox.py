"""Where it is built: AWS accounts and what their common components offer."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from stackyard.cmdb import validators
from stackyard.cmdb.models.organisation import Department
from stackyard.cmdb.naming import rule_problem


class SandboxStatus(models.TextChoices):
    """Only a ready sandbox takes new environments."""

    NEW = "new", "Not bootstrapped"
    READY = "ready", "Ready"
    RETIRED = "retired", "Retired"


class Sandbox(models.Model):
    """An AWS account of one department. `facts` are the ids of its baseline, as patterns need them."""

    name = models.CharField(max_length=40, unique=True, validators=[validators.dns_label])
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="sandboxes")
    account_id = models.CharField(max_length=12, unique=True, validators=[validators.account_id])
    region = models.CharField(max_length=30, validators=[validators.region])
    role_arn = models.CharField(max_length=600, validators=[validators.role_arn])
    external_id = models.CharField(max_length=120, blank=True, validators=[validators.plain_text])
    zone_name = models.CharField(max_length=200, unique=True, validators=[validators.zone_name])
    emulated = models.BooleanField(default=False, help_text="Lives on the bundled AWS emulator.")
    status = models.CharField(max_length=10, choices=SandboxStatus.choices, default=SandboxStatus.NEW)
    facts = models.JSONField(default=dict, blank=True)
    max_environments = models.PositiveIntegerField(default=50, validators=[MinValueValidator(1)])
    # An ALB holds 100 rules by default (AWS quota L-45DAE1EE); one rule belongs to each environment.
    max_parallel_runs = models.PositiveIntegerField(default=4, validators=[MinValueValidator(1), MaxValueValidator(50)])
    # The zone that delegates to `zone_name`, and the role by which its NS records are written; empty: by hand.
    parent_zone_id = models.CharField(max_length=40, blank=True, validators=[validators.plain_text])
    parent_role_arn = models.CharField(max_length=600, blank=True, validators=[validators.role_arn])
    parent_external_id = models.CharField(max_length=120, blank=True, validators=[validators.plain_text])
    # Where the VPC's address block comes from.
    pool = models.ForeignKey("AddressPool", on_delete=models.PROTECT, related_name="sandboxes", null=True, blank=True)
    own_baseline = models.BooleanField(default=False, help_text="The account's own components; none of ours are built.")
    # How FQDNs are made: <product>, <environment>, <department> and <zone> are filled in.
    fqdn_rule = models.CharField(
        max_length=120, default="<product>-<environment>.<zone>", validators=[validators.plain_text]
    )
    deep_names = models.BooleanField(
        default=False,
        help_text="Host names may have more labels than the wildcard certificate covers; environments get their own.",
    )
    lifetime_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Days until a new environment expires.",
    )
    max_lifetime_days = models.PositiveIntegerField(
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Days from now up to which an owner may extend.",
    )
    force_empty = models.BooleanField(
        default=True, help_text="A destroy empties buckets and repositories; otherwise they stop it."
    )
    # Who has to approve what: [{kind, types, role}] (`runs.rules`).
    approvals = models.JSONField(default=list, blank=True)
    executor = models.CharField(max_length=20, default="local")
    # Names of what the executor uses in the account, where they are not the usual ones.
    executor_options = models.JSONField(default=dict, blank=True)
    # The repository whose issues are front door and log here: owner/name, `none`, or empty: as the installation has it.
    issues = models.CharField(max_length=140, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "sandboxes"

    def __str__(self) -> str:
        return f"{self.name} ({self.account_id})"

    def clean(self) -> None:
        """The role must lie in the account that it opens; otherwise resources would land elsewhere. The rule for host
        names must make some."""
        if self.role_arn and self.account_id and f":{self.account_id}:" not in self.role_arn:
            raise ValidationError({"role_arn": f"This role is not in account {self.account_id}."})
        if problem := rule_problem(self.fqdn_rule, deep=self.deep_names):
            raise ValidationError({"fqdn_rule": problem})
