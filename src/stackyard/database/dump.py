"""The whole database in one file, and back: by PostgreSQL's own programs, which come with the embedded server."""

import os
import subprocess
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from stackyard.database.embedded import programs
from stackyard.errors import Unavailable

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def dump(url: str, file: Path) -> None:
    """Write all schemas of the database at `url` into `file`, as of one moment. Raises Unavailable with its reason."""
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def restore(url: str, file: Path) -> None:
    """Bring what `dump` wrote into the empty database at `url`: all of it, or with Unavailable nothing."""
    database = str(conninfo_to_dict(url).get("dbname", ""))
    _run("pg_restore", url, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
         f"--dbname={database}", str(file))  # fmt: skip


def _run(program: str, url: str, *arguments: str) -> None:
    """The address goes by environment variables: arguments are seen by everybody on the machine."""
    given = conninfo_to_dict(url)
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
    environment |= {variable: str(given[name]) for name, variable in _VARIABLES.items() if given.get(name)}
    try:
        done = subprocess.run(
            [str(programs() / program), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise Unavailable(
            f"{program} could not be started: {error.strerror}.", hint="Run `make setup` again."
        ) from None
    if done.returncode:
        words = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise Unavailable(
            f"{program} failed: {words}",
            hint="A server that is newer than PostgreSQL 18 needs its own pg_dump; docs/operations.md tells how.",
        )
