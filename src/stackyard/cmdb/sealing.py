"""Secrets at rest: passwords that Stackyard makes up, and settings that a pattern calls sensitive, encrypted.

The key comes from Django's secret key, so a copy of the database alone tells nothing, and all servers and workers of
one installation need the same STACKYARD_SECRET_KEY.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from stackyard.errors import Unusable


def seal(values: Mapping[str, Any]) -> str:
    """The values (whatever JSON can hold, by name) as text that only this installation reads; empty for none."""
    return _box().encrypt(json.dumps(dict(values)).encode()).decode() if values else ""


def unseal(text: str) -> dict[str, Any]:
    """The opposite of `seal`. Unusable when it was sealed under another secret key."""
    if not text:
        return {}
    try:
        values: dict[str, Any] = json.loads(_box().decrypt(text.encode()))
    except InvalidToken:
        raise Unusable(
            "The secrets of this environment were kept under another secret key.",
            hint="Give this process the STACKYARD_SECRET_KEY (or the file secret-key) of the one that wrote them.",
        ) from None
    return values


def _box() -> Fernet:
    digest = hashlib.sha256(b"stackyard sealing\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
