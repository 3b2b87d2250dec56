"""Where moto does the same work again for each request, or for each account. No answer is another one by these."""

from functools import cache
from typing import Any

from stackyard.aws.emulator.patches.tools import Wrapped, wrap


def requests_find_their_account() -> None:
    """Each request belongs to the account of its access key, which moto looks for in every partition of every account,
    and makes those partitions, with 1,300 policies each, to look into them. Here it is remembered, and only what
    exists is looked at."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.iam import models

    known: dict[str, Any] = {}

    def find(original: Wrapped) -> Wrapped:
        def found(access_key: str) -> str:
            accounts: dict[str, Any] = models.iam_backends
            if access_key in known and _has(accounts, known[access_key], access_key):
                return str(known[access_key].account_id)
            for account in list(accounts.values()):
                made: list[Any] = list(account.values())
                for backend in made:
                    if access_key in backend.access_keys:
                        known[access_key] = backend
                        return str(backend.account_id)
            return DEFAULT_ACCOUNT_ID

        return found

    wrap(models, "get_account_id_from", find)


def _has(accounts: dict[str, Any], backend: Any, access_key: str) -> bool:
    """Whether the key is still that account's: a reset makes all accounts anew."""
    account: dict[str, Any] = accounts.get(backend.account_id) or {}
    return access_key in backend.access_keys and account.get(backend.region_name) is backend


def modules_are_listed_once() -> None:
    """Twice for each request moto lists the folder that it is installed in."""
    from moto import backends

    wrap(backends, "list_of_moto_modules", lambda original: cache(lambda: tuple(original())))


def actions_are_listed_once() -> None:
    """For each request moto lists the methods of the class that answers it."""
    from moto.core import responses

    wrap(responses, "method_names_from_class", cache)


def certificates_share_a_key() -> None:
    """ACM: a key for each certificate takes a tenth of a second to make and to read. No one gets to see it, and it
    guards nothing."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from moto.acm.models import CertBundle

    keys: dict[bytes, Any] = {}

    def validate(original: Wrapped) -> Wrapped:
        def validated(self: Any) -> Any:
            if self.key not in keys:
                keys[self.key] = original(self)
            return keys[self.key]

        return validated

    wrap(rsa, "generate_private_key", cache)
    wrap(CertBundle, "validate_pk", validate)
