"""The record keeps what built an environment, with real git and a real remote."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stackyard.errors import Conflict, NotFound, Unavailable
from stackyard.record.repository import Passport, Record

FOLDER = Path("commerce/shop/dev")


def passport(run: int = 1, **changes: object) -> Passport:
    values: dict[str, object] = {
        "environment": "shop-dev",
        "uid": "abcdefgh",
        "product": "shop",
        "department": "commerce",
        "pattern": "ecs-service 1.0.0",
        "pattern_digest": "0" * 64,
        "sandbox": "commerce-dev",
        "account_id": "111122223333",
        "region": "eu-central-1",
        "fqdn": "shop-dev.example.com",
        "settings": {"container.cpu": 512},
        "run": run,
    }
    return Passport(**{**values, **changes})  # type: ignore[arg-type]


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def code(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        folder = tmp_path / "code"
        (folder / "modules" / "m").mkdir(parents=True, exist_ok=True)
        (folder / "main.tf").write_text(text)
        (folder / "modules" / "m" / "m.tf").write_text("# module\n")
        (folder / ".terraform.lock.hcl").write_text("# lock\n")
        (folder / ".terraform").mkdir(exist_ok=True)
        (folder / ".terraform" / "big").write_text("x")
        return folder

    return write


def test_what_was_committed_comes_back_with_the_lock_file_and_without_working_files(
    tmp_path: Path, code: Callable[[str], Path]
) -> None:
    record = Record(tmp_path / "record")
    commit = record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    record.commit(FOLDER, code("a = 2\n"), passport(run=2), "change")

    record.fetch(FOLDER, commit, tmp_path / "back")

    assert (tmp_path / "back" / "main.tf").read_text() == "a = 1\n"
    assert (tmp_path / "back" / ".terraform.lock.hcl").exists()
    assert not (tmp_path / "back" / ".terraform").exists()
    assert "container.cpu: 512" in (tmp_path / "back" / "environment.yaml").read_text()


def test_a_stage_that_is_done_again_adds_no_commit(tmp_path: Path, code: Callable[[str], Path]) -> None:
    record = Record(tmp_path / "record")
    first = record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    assert record.commit(FOLDER, code("a = 1\n"), passport(), "create") == first


def test_trailers_name_run_and_environment(tmp_path: Path, code: Callable[[str], Path]) -> None:
    record = Record(tmp_path / "record")
    record.commit(FOLDER, code("a = 1\n"), passport(run=7), "create")
    message = git(tmp_path / "record", "log", "-1", "--format=%B")
    assert message.startswith("Create shop-dev")
    assert "Run: 7" in message
    assert "Environment: abcdefgh" in message


def test_a_removed_environment_leaves_its_history(tmp_path: Path, code: Callable[[str], Path]) -> None:
    record = Record(tmp_path / "record")
    commit = record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    record.remove(FOLDER, "shop-dev", 2)
    assert not (tmp_path / "record" / FOLDER).exists()
    record.fetch(FOLDER, commit, tmp_path / "back")
    assert (tmp_path / "back" / "main.tf").exists()


@pytest.mark.parametrize("commit", ["", "0" * 40, "--upload-pack=x"])
def test_an_unknown_commit_is_said_in_words(tmp_path: Path, commit: str) -> None:
    with pytest.raises(NotFound, match="The record has no"):
        Record(tmp_path / "record").fetch(FOLDER, commit, tmp_path / "back")


def test_two_machines_push_to_one_remote_and_nothing_is_lost(tmp_path: Path, code: Callable[[str], Path]) -> None:
    subprocess.run(["git", "init", "--bare", "-q", "-b", "main", str(tmp_path / "remote")], check=True)
    records = [Record(tmp_path / name, str(tmp_path / "remote")) for name in ("one", "two")]
    folder = code("a = 1\n")

    def work(number: int) -> str:
        return records[number % 2].commit(Path(f"d/p/e{number}"), folder, passport(run=number), "create")

    with ThreadPoolExecutor(4) as pool:
        commits = list(pool.map(work, range(8)))

    pushed = git(tmp_path / "remote", "ls-tree", "-r", "--name-only", "main")
    assert all(f"d/p/e{n}/main.tf" in pushed for n in range(8))
    for number, commit in enumerate(commits):
        records[number % 2].fetch(Path(f"d/p/e{number}"), commit, tmp_path / "back")


def test_a_remote_that_is_away_is_said_and_nothing_is_forced(tmp_path: Path, code: Callable[[str], Path]) -> None:
    record = Record(tmp_path / "record", str(tmp_path / "nowhere"))
    with pytest.raises(Unavailable, match="could not be pushed"):
        record.commit(FOLDER, code("a = 1\n"), passport(), "create")

    git(tmp_path, "init", "--bare", "-q", "-b", "main", "nowhere")
    record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    assert "d" in git(tmp_path / "nowhere", "log", "--oneline", "main")


def test_a_writer_that_was_killed_stops_nobody(
    tmp_path: Path, code: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackyard.record.repository.DEAD_WRITER_SECONDS", 0.2)
    record = Record(tmp_path / "record")
    first = record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    (record.root / ".git" / "index.lock").touch()
    second = record.commit(FOLDER, code("a = 2\n"), passport(run=2), "change")
    assert second != first


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    return tmp_path / "remote.git"


def by_hand(remote: Path, where: Path, name: str, text: str) -> None:
    """Somebody edits a file in a clone of their own, and pushes."""
    git(where.parent, "clone", "--quiet", str(remote), where.name)
    (where / FOLDER / name).write_text(text)
    git(
        where, "-c", "user.name=Hanna", "-c", "user.email=h@example.com", "commit", "--quiet", "--all", "--message=Edit"
    )
    git(where, "push", "--quiet")


def at_remote(remote: Path, name: str, branch: str = "main") -> str:
    return git(remote, "show", f"{branch}:{FOLDER}/{name}")


@pytest.mark.parametrize("name", ["main.tf", "modules/m/m.tf"])
def test_an_edit_by_hand_since_the_code_was_fetched_stops_the_run_and_stays(
    tmp_path: Path, code: Callable[[str], Path], remote: Path, name: str
) -> None:
    record = Record(tmp_path / "record", str(remote))
    base = record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    by_hand(remote, tmp_path / "hers", name, "b = 2\n")
    with pytest.raises(Conflict, match="Somebody edited commerce/shop/dev"):
        record.commit(FOLDER, code("a = 3\n"), passport(run=2), "change", base=base)
    assert at_remote(remote, name) == "b = 2\n"
    assert record.commit(Path("commerce/shop/other"), code("a = 4\n"), passport(run=3), "create"), "others go on"


def test_a_stage_that_is_done_again_after_its_commit_is_no_conflict(
    tmp_path: Path, code: Callable[[str], Path], remote: Path
) -> None:
    record = Record(tmp_path / "record", str(remote))
    base = record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    once = record.commit(FOLDER, code("a = 2\n"), passport(run=2), "change", base=base)
    assert record.commit(FOLDER, code("a = 2\n"), passport(run=2), "change", base=base) == once


def test_what_cannot_be_put_on_top_becomes_a_branch_and_stops_nobody_else(
    tmp_path: Path, code: Callable[[str], Path], remote: Path
) -> None:
    record = Record(tmp_path / "record", str(remote))
    record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    by_hand(remote, tmp_path / "hers", "main.tf", "b = 2\n")
    with pytest.raises(Conflict, match=r"main.tf .* branch conflict/") as error:
        record.commit(FOLDER, code("a = 3\n"), passport(run=2), "change")
    branch = str(error.value).partition("branch ")[2].partition(" ")[0]
    assert at_remote(remote, "main.tf") == "b = 2\n"
    assert at_remote(remote, "main.tf", branch) == "a = 3\n"
    record.commit(Path("commerce/shop/other"), code("a = 4\n"), passport(run=3), "create")
    assert "commerce/shop/other/main.tf" in git(remote, "ls-tree", "-r", "--name-only", "main")


def test_an_environment_that_is_gone_is_removed_also_when_somebody_edited_it(
    tmp_path: Path, code: Callable[[str], Path], remote: Path
) -> None:
    record = Record(tmp_path / "record", str(remote))
    record.commit(FOLDER, code("a = 1\n"), passport(), "create")
    by_hand(remote, tmp_path / "hers", "main.tf", "b = 2\n")
    record.remove(FOLDER, "shop-dev", 2)
    assert str(FOLDER) not in git(remote, "ls-tree", "-r", "--name-only", "main")
    assert at_remote(remote, "main.tf", "main~1") == "b = 2\n", "what was edited is in the history"
