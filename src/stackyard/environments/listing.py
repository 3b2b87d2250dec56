"""Finding environments: the one query behind the page, the API and the CLI."""

import datetime as dt

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.cmdb.models.environment import GONE

SOON_DAYS = 7
"""What expires within so many days, or has expired, is shown as expiring."""


def search(
    user: User,
    *,
    text: str = "",
    status: str = "",
    product: str = "",
    sandbox: str = "",
    gone: bool = False,
    expiring: bool = False,
    baselines: bool = False,
) -> QuerySet[Environment]:
    """Environments that the person may see, newest first. Those that are gone only when asked for, or by status, and
    the common components of sandboxes only with `baselines`.

    `expiring`: only those that expire within SOON_DAYS or have expired, the next to go first.
    """
    rows = rights.visible(
        user, Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    )
    if not baselines:
        rows = rows.filter(product__isnull=False)
    if status:
        rows = rows.filter(status=status)
    elif not gone:
        rows = rows.exclude(status__in=GONE)
    if product:
        rows = rows.filter(product__name=product)
    if sandbox:
        rows = rows.filter(sandbox__name=sandbox)
    if expiring:
        soon = timezone.now() + dt.timedelta(days=SOON_DAYS)
        rows = rows.filter(expires_at__lte=soon).order_by("expires_at", "id")
    # PostgreSQL cannot hold NUL or lone surrogates in text, so nothing can be found by them.
    for word in "".join(c if c.isprintable() else " " for c in text[:200]).split()[:5]:
        rows = rows.filter(
            Q(slug__icontains=word)
            | Q(fqdn__icontains=word)
            | Q(product__title__icontains=word)
            | Q(pattern__title__icontains=word)
            | Q(sandbox__account_id__icontains=word)
        )
    return rows
