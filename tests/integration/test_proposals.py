"""A change of the record that waits on a branch, with real git and a real remote."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.test_record import FOLDER, at_remote, by_hand, code, git, passport, remote

from stackyard.errors import Conflict, Unavailable
from stackyard.record.proposals import Proposals

__all__ = ["code", "remote"]
Write = Callable[[str], Path]
BRANCH = "change/shop-dev-2"


@pytest.fixture
def record(tmp_path: Path, remote: Path, code: Write) -> Proposals:
    """A record whose main holds run 1."""
    found = Proposals(tmp_path / "record", str(remote))
    found.commit(FOLDER, code("a = 1\n"), passport(), "create")
    return found


def propose(record: Proposals, folder: Path, base: str = "") -> str:
    draft = record.draft(BRANCH, FOLDER, folder, passport(run=2), "Change shop-dev", base=base)
    record.publish(BRANCH, draft.commit)
    return draft.commit


def test_it_lies_on_a_branch_and_main_stays_as_it_is(record: Proposals, remote: Path, code: Write) -> None:
    folder = code("a = 2\n")
    (folder / "modules" / "m" / "m.tf").unlink()
    assert record.differs(FOLDER, folder)
    commit = propose(record, folder)
    assert at_remote(remote, "main.tf", BRANCH) == "a = 2\n"
    assert at_remote(remote, "main.tf") == "a = 1\n"
    assert git(remote, "diff", "--name-only", "main", BRANCH).split() == [
        f"{FOLDER}/environment.yaml",
        f"{FOLDER}/main.tf",
        f"{FOLDER}/modules/m/m.tf",
    ]
    assert "Run: 2" in git(remote, "log", "-1", "--format=%B", commit)
    assert git(record.root, "status", "--porcelain") == ""


def test_the_passport_alone_is_no_difference(record: Proposals, code: Write) -> None:
    assert not record.differs(FOLDER, code("a = 1\n"))


def test_done_again_it_is_the_same_commit_also_on_another_machine(
    record: Proposals, remote: Path, tmp_path: Path, code: Write
) -> None:
    first = propose(record, code("a = 2\n"))
    assert propose(record, code("a = 2\n")) == first
    assert propose(Proposals(tmp_path / "other", str(remote)), code("a = 2\n")) == first


def test_planned_again_it_goes_on_top_and_nothing_is_forced(record: Proposals, remote: Path, code: Write) -> None:
    first = propose(record, code("a = 2\n"))
    second = propose(record, code("a = 3\n"))
    assert git(remote, "rev-list", f"main..{BRANCH}").split() == [second, first]


def test_what_somebody_pushes_to_the_branch_is_its_tip_and_stays(
    record: Proposals, remote: Path, tmp_path: Path, code: Write
) -> None:
    ours = propose(record, code("a = 2\n"))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--branch", BRANCH, str(remote), clone.name)
    (clone / FOLDER / "main.tf").write_text("a = 7\n")
    git(clone, "-c", "user.name=H", "-c", "user.email=h@example.com", "commit", "--quiet", "--all", "--message=Edit")
    git(clone, "push", "--quiet")
    tip = record.tip(BRANCH)
    assert tip not in ("", ours)
    record.fetch(FOLDER, tip, tmp_path / "theirs")
    assert (tmp_path / "theirs" / "main.tf").read_text() == "a = 7\n"
    with pytest.raises(Conflict):
        record.publish(
            BRANCH, record._git("commit-tree", f"{ours}^{{tree}}", "-p", ours, "-m", "x").stdout.decode()[:40]
        )
    assert at_remote(remote, "main.tf", BRANCH) == "a = 7\n"


def test_an_edit_on_main_since_the_code_was_fetched_is_a_conflict(
    record: Proposals, remote: Path, tmp_path: Path, code: Write
) -> None:
    base = git(record.root, "rev-parse", "HEAD").strip()
    by_hand(remote, tmp_path / "clone", "main.tf", "a = 9\n")
    with pytest.raises(Conflict, match="Somebody edited"):
        propose(record, code("a = 2\n"), base)


@pytest.mark.parametrize("way", ["--no-ff", "--squash"])
def test_it_is_merged_when_main_holds_exactly_that(
    record: Proposals, remote: Path, tmp_path: Path, code: Write, way: str
) -> None:
    propose(record, code("a = 2\n"))
    assert record.merged(FOLDER, code("a = 2\n"), passport(run=2)) == ""
    clone = tmp_path / "clone"
    person = ("-c", "user.name=H", "-c", "user.email=h@example.com")
    git(tmp_path, "clone", "--quiet", str(remote), clone.name)
    git(clone, *person, "merge", "--quiet", way, f"origin/{BRANCH}")
    if way == "--squash":
        git(clone, *person, "commit", "--quiet", "--message=Squashed")
    git(clone, "push", "--quiet")
    commit = record.merged(FOLDER, code("a = 2\n"), passport(run=2))
    record.fetch(FOLDER, commit, tmp_path / "there")
    assert (tmp_path / "there" / "main.tf").read_text() == "a = 2\n"
    assert record.merged(FOLDER, code("a = 3\n"), passport(run=2)) == ""


def test_a_deleted_branch_has_no_tip_and_a_remote_that_is_away_is_told(
    record: Proposals, remote: Path, code: Write
) -> None:
    propose(record, code("a = 2\n"))
    git(remote, "branch", "-D", BRANCH)
    assert record.tip(BRANCH) == ""
    remote.rename(remote.with_name("away"))
    with pytest.raises(Unavailable):
        record.tip(BRANCH)
    with pytest.raises(Unavailable):
        record.merged(FOLDER, code("a = 2\n"), passport(run=2))
