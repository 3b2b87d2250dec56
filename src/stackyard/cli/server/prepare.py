"""What every server command does first: log, start the embedded database when there is no other, set Django up."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_settings import SettingsError

from stackyard.cli.server.logging import configure_logging
from stackyard.errors import Invalid, Problem, Unavailable
from stackyard.settings import Settings, get_settings


def read_settings() -> Settings:
    """The settings of this process. Raises Invalid that names the environment variables."""
    try:
        return get_settings()
    except SettingsError as error:  # text that had to be JSON and is not
        raise Invalid.field("settings", f"{error}.") from None
    except ValidationError as error:
        problems = [Problem(f"STACKYARD_{e['loc'][0]}".upper(), f"{e['msg']}.") for e in error.errors()]
        raise Invalid(problems, hint="docs/reference/settings.md lists the settings.") from None


@contextlib.contextmanager
def prepared(*, migrated: bool = True) -> Iterator[Settings]:
    """A process in which Django works. With `migrated` it is refused while the database lacks migrations."""
    settings = read_settings()
    configure_logging(settings)
    with _embedded_database(settings):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stackyard.site.settings")
        import django

        django.setup()
        missing = missing_migrations()
        if migrated and missing:
            raise Unavailable(f"The database lacks {len(missing)} migrations.", hint="Run `stackyard migrate` first.")
        yield settings


def missing_migrations() -> list[str]:
    """Names of migrations that the database does not have yet. Raises Unavailable when it does not answer."""
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        first = str(error).strip().partition("\n")[0]
        raise Unavailable(f"The database does not answer: {first}", hint="DATABASE_URL names it.") from None
    finally:
        connection.close()
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


@contextlib.contextmanager
def _embedded_database(settings: Settings) -> Iterator[None]:
    """The embedded server, for as long as any process of this data folder needs it.

    Each holds a shared lock on one file; whoever gets it exclusively at its end was the last, and stops the server.
    """
    if settings.database_url is not None:
        yield
        return
    from stackyard.database.connection import embedded

    server = embedded(settings)
    with server.hold() as users:
        try:
            server.start()
            yield
        finally:
            # Not an upgrade in one step: the kernel gives the shared lock up first anyway.
            fcntl.flock(users, fcntl.LOCK_UN)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                server.stop()
