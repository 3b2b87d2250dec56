"""Address blocks: pools, and who holds which part of them. The database refuses overlaps, whatever the code does."""

import ipaddress
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Func, Value
from django.utils import timezone
from simple_history.models import HistoricalRecords

from stackyard.cmdb import validators
from stackyard.cmdb.models.environment import Environment

Network = ipaddress.IPv4Network

if TYPE_CHECKING:
    NetworkField = models.Field[Network | str, Network]
    OverlapLookup = models.Lookup[Network]
else:
    NetworkField = models.Field
    OverlapLookup = models.Lookup


class CidrField(NetworkField):
    """An IPv4 block, as `ipaddress.IPv4Network` in Python and `cidr` in PostgreSQL, which refuses host bits."""

    description = "IPv4 block"

    def db_type(self, connection: Any) -> str:
        """PostgreSQL's own type."""
        return "cidr"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Network | None:
        """psycopg already makes networks; other drivers text."""
        return None if value is None else Network(str(value))

    def to_python(self, value: Any) -> Network | None:
        """Also for forms and fixtures."""
        return None if value in (None, "") else Network(str(value))

    def get_prep_value(self, value: Any) -> str | None:
        """As text, which PostgreSQL reads."""
        return None if value in (None, "") else str(Network(str(value)))


@CidrField.register_lookup
class Overlap(OverlapLookup):
    """`block__overlap=`: blocks that have addresses in common with this one."""

    lookup_name = "overlap"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """PostgreSQL's `&&`."""
        left, before = self.process_lhs(compiler, connection)
        right, after = self.process_rhs(compiler, connection)
        return f"{left} && {right}::cidr", [*before, *after]


class AddressPool(models.Model):
    """Addresses that blocks are cut from, for the VPCs of sandboxes and for environments with subnets of their own."""

    name = models.CharField(max_length=40, unique=True, validators=[validators.dns_label])
    block = CidrField()
    # Parts that are never given: [cidr as text].
    reserved = models.JSONField(default=list, blank=True)
    # Length of the block of a VPC. AWS takes /16 to /28; the baseline needs /24 or larger.
    vpc_prefix = models.PositiveSmallIntegerField(default=20)
    # No address below this one is free: where the search for the lowest free block begins (`cmdb.addresses`).
    full_below = models.BigIntegerField(default=0, editable=False)
    history = HistoricalRecords(excluded_fields=["full_below"])

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.block})"


class AddressBlock(models.Model):
    """A block held by a baseline (its VPC) or by an environment."""

    pool = models.ForeignKey(AddressPool, on_delete=models.PROTECT, related_name="blocks")
    block = CidrField()
    environment = models.ForeignKey(
        Environment, on_delete=models.PROTECT, related_name="address_blocks", null=True, blank=True
    )
    # What it is for, or who holds it when that is not an environment of ours.
    purpose = models.CharField(max_length=120, validators=[validators.plain_text])
    created_at = models.DateTimeField(default=timezone.now)
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["block"]
        constraints = [
            # The pool as a range of one number, because btree_gist is not everywhere.
            ExclusionConstraint(
                name="no_overlap_in_a_pool",
                expressions=[
                    (Func("pool_id", "pool_id", Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (OpClass("block", name="inet_ops"), RangeOperators.OVERLAPS),
                ],
                condition=models.Q(released_at__isnull=True),
            )
        ]
        # The search for a gap reads the held blocks of one pool from an address on.
        indexes = [
            models.Index(
                fields=["pool", "block"], condition=models.Q(released_at__isnull=True), name="held_blocks_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.block}"
