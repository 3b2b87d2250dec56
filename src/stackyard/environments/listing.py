"""Finding environments: the one query behind the page, the API and the CLI."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.cmdb.models.environment import GONE


def search(
    user: User, *, text: str = "", status: str = "", product: str = "", sandbox: str = "", gone: bool = False
) -> QuerySet[Environment]:
    """Environments that the person may see, newest first. Those that are gone only when asked for, or by status."""
    rows = rights.visible(
        user, Environment.objects.select_related("product", "sandbox__department", "pattern", "owner")
    )
    if status:
        rows = rows.filter(status=status)
    elif not gone:
        rows = rows.exclude(status__in=GONE)
    if product:
        rows = rows.filter(product__name=product)
    if sandbox:
        rows = rows.filter(sandbox__name=sandbox)
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
