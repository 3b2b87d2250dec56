"""The two kinds of PostgreSQL that Stackyard works with: its own on a socket, and one that somebody else runs."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stackyard.database.embedded import OWNER, EmbeddedPostgres


class TcpPostgres(EmbeddedPostgres):
    """A server as an external one is: reached over TCP, on this machine's loopback, without the socket."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def dsn(self, dbname: str = OWNER) -> str:
        """As libpq keywords."""
        return f"host=127.0.0.1 port={self.port} user={OWNER} dbname={dbname}"

    def url(self, dbname: str = OWNER) -> str:
        """As a URL."""
        return f"postgresql://{OWNER}@127.0.0.1:{self.port}/{dbname}?sslmode=disable"

    def _run(self, program: str, *arguments: str) -> None:
        own = [
            a.replace("listen_addresses=''", "listen_addresses=127.0.0.1").replace("port=5432", f"port={self.port}")
            for a in arguments
        ]
        super()._run(program, *own)


@contextlib.contextmanager
def server(kind: str) -> Iterator[tuple[str, Path]]:
    """A new server, `embedded` or `external`, and a data folder beside it: (address, folder). Settings of this process
    name them, too, and its Django is set up on it."""
    with tempfile.TemporaryDirectory(prefix="stackyard-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = (TcpPostgres if kind == "external" else EmbeddedPostgres)(folder / "postgres")
        made.start()
        os.environ.update(
            DATABASE_URL=made.url(),
            STACKYARD_DATA=str(folder / "data"),
            DJANGO_SETTINGS_MODULE="stackyard.site.settings",
        )
        (folder / "data").mkdir()
        try:
            yield made.url(), folder / "data"
        finally:
            made.stop()
