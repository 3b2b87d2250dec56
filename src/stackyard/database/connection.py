"""Where the database is: the address from the settings, or the embedded server's."""

import os
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from psycopg.conninfo import conninfo_to_dict

from stackyard.database.embedded import EmbeddedPostgres
from stackyard.settings import Settings

TRANSACTION_SECONDS = 10
"""No transaction of a server or worker waits so long for its own process."""

KEEPALIVES = {"tcp_keepalives_idle": 30, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""After so many seconds PostgreSQL asks whether a silent client is still there, again and so often until it gives up.
Sessions over a socket of the same machine end with it anyway."""


def embedded(settings: Settings) -> EmbeddedPostgres:
    """The embedded server of this data folder; nothing is started by asking for it."""
    return EmbeddedPostgres(settings.data.resolve() / "postgres")


def database_url(settings: Settings) -> str:
    """The address in URL form, as psycopg, Django and Terraform's `pg` backend take it."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded(settings).url()


def state_url(settings: Settings) -> str:
    """The address as Terraform's `pg` backend gets it: its lock on the state is a session's.

    The session of a machine that is gone for ever ends after a minute instead of PostgreSQL's two hours, and with it
    the lock: before another machine takes the run over.
    """
    address, _, query = database_url(settings).partition("?")
    arguments = dict(parse_qsl(query, keep_blank_values=True))
    wanted = " ".join(f"-c {name}={value}" for name, value in KEEPALIVES.items())
    arguments["options"] = f"{arguments.get('options', '')} {wanted}".strip()
    return f"{address}?{urlencode(arguments, quote_via=quote)}"


def bound_transactions() -> None:
    """Let PostgreSQL end sessions of this process that stand still in the middle of a transaction.

    A process that was stopped, or whose machine was cut off, would otherwise hold its locks for as long as it sleeps,
    and nobody could take over what it did. To be called before the first connection; libpq reads the variable.
    """
    given = os.environ.get("PGOPTIONS", "")
    os.environ["PGOPTIONS"] = f"{given} -c idle_in_transaction_session_timeout={TRANSACTION_SECONDS}s".strip()


def django_database(settings: Settings) -> dict[str, Any]:
    """The entry for Django's DATABASES. Connections come from a pool, because ASGI threads come and go."""
    parts = conninfo_to_dict(database_url(settings))
    options = {k: v for k, v in parts.items() if k not in {"dbname", "user", "password", "host", "port"}}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", "stackyard"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {**options, "pool": {"min_size": 1, "max_size": 16, "timeout": 15}},
    }
