"""The same request sent twice is done once."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from stackyard.cmdb.models import IdempotencyKey, Run
from stackyard.errors import Conflict


def once(user: User, key: str, body: Any, make: Callable[[], Run]) -> Run:
    """The run that `make` starts; with a key that this person used before, the run of that time.

    `body`: what is asked for, as JSON can hold it; the same key with another body is a Conflict. Without a key `make`
    is simply called.
    """
    if not key:
        return make()
    # Keyed, because a secret among the settings could be guessed from a plain digest.
    digest = salted_hmac("idempotency", json.dumps(body, sort_keys=True, default=str), algorithm="sha256").hexdigest()
    if known := _known(user, key, digest):
        return known
    with transaction.atomic():
        with connection.cursor() as cursor:
            name = f"idempotency:{user.pk}:{key}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if known := _known(user, key, digest):
            return known
        run = make()
        IdempotencyKey.objects.create(user=user, key=key, digest=digest, run=run)
    return run


def _known(user: User, key: str, digest: str) -> Run | None:
    known = IdempotencyKey.objects.filter(user=user, key=key).select_related("run__environment").first()
    if known is None:
        return None
    if known.digest != digest:
        raise Conflict("This idempotency key was used for another request.", hint="Use a new key for a new request.")
    return known.run
