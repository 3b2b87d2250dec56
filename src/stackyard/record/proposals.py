"""Changes of the record that wait on a branch of their own until somebody merges them.

The clone's work tree stays on main: a commit for a branch is made with an index of its own. Nothing is forced; what
somebody else pushed to the branch is told by its tip.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from stackyard.errors import Conflict, Unavailable
from stackyard.record.repository import BRANCH, PASSPORT, Passport, Record, code_of, edited
from stackyard.settings import Settings


@dataclass(frozen=True)
class Draft:
    """A commit for a branch, not pushed yet. `tip`: the branch's newest commit at the remote; empty: there is none."""

    commit: str
    tip: str


class Proposals(Record):
    """The record, with branches for what is not let pass yet. It needs a remote."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As `Record.from_settings`."""
        return cls(settings.data.resolve() / "record", settings.record_remote)

    def draft(self, branch: str, folder: Path, code: Path, passport: Passport, title: str, *, base: str = "") -> Draft:
        """Make the commit by which `folder` holds exactly the code in `code` and the passport: on top of the branch, or
        of main when there is no branch yet. The tip itself when it holds that already.

        `base`: the commit of main whose code `code` was made from. Raises Conflict when somebody edited the folder on
        main since then, Unavailable when the remote does not answer.
        """
        with self._turn():
            main = self._main()
            if base and self._tree(base, folder) != self._tree(main, folder):
                raise edited(folder, "Nothing was applied.")
            tip = self._fetched(branch)
            above = tip or main
            tree = self._written(above, folder, code, passport)
            if tip and tree == self._tree_of(tip):
                return Draft(tip, tip)
            words = f"{title}\n\nRun: {passport.run}\nEnvironment: {passport.uid}\nPattern: {passport.pattern}\n"
            commit = self._git("commit-tree", tree, "-p", above, "-m", words).stdout.decode().strip()
            return Draft(commit, tip)

    def publish(self, branch: str, commit: str) -> None:
        """Push the commit to the branch. Raises Conflict when somebody pushed to it meanwhile, Unavailable when the
        remote does not take it."""
        with self._turn():
            pushed = self._git("push", "--porcelain", "origin", f"{commit}:refs/heads/{branch}", check=False)
            if pushed.returncode == 0:
                return
            words = pushed.stderr.decode(errors="replace").strip()[-300:]
            if b"\t[rejected]" in pushed.stdout:  # what is there is not what this commit stands on
                raise Conflict(f"Somebody pushed to {branch} at the same moment.", hint="Ask again.")
            raise Unavailable(
                f"The branch {branch} could not be pushed: {words}",
                hint="Check STACKYARD_RECORD_REMOTE and its credentials; the run can be started again.",
            )

    def tip(self, branch: str) -> str:
        """The branch's newest commit, which is on this machine from now on; empty when there is no such branch.

        Raises Unavailable when the remote does not answer."""
        with self._turn():
            return self._fetched(branch)

    def differs(self, folder: Path, code: Path) -> bool:
        """Whether `code` is not what main holds in `folder`, the passport apart."""
        with self._turn():
            main = self._main()
            return self._written(main, folder, code, None) != self._tree_of(main)

    def merged(self, folder: Path, code: Path, passport: Passport) -> str:
        """The newest commit of main that touches `folder`, when main holds exactly this code and this passport; empty
        when it holds anything else."""
        with self._turn():
            self._fetched(BRANCH)  # says so when the remote does not answer
            main = self._main()
            if self._written(main, folder, code, passport) != self._tree_of(main):
                return ""
            return self._git("log", "-1", "--format=%H", main, "--", str(folder)).stdout.decode().strip()

    def _main(self) -> str:
        """The newest commit of main, which is the same here and at the remote from now on."""
        self._catch_up()
        self._push()
        return self._git("rev-parse", "HEAD").stdout.decode().strip()

    def _fetched(self, branch: str) -> str:
        """The tip of a branch at the remote, fetched; empty when there is none."""
        there = self._git("ls-remote", "--exit-code", "--heads", "origin", f"refs/heads/{branch}", check=False)
        if there.returncode == 2:
            return ""
        known = f"refs/remotes/origin/{branch}"
        if (
            there.returncode
            or self._git("fetch", "--quiet", "origin", f"+refs/heads/{branch}:{known}", check=False).returncode
        ):
            words = there.stderr.decode(errors="replace").strip()[-300:] or "it does not answer"
            raise Unavailable(f"The record's remote could not be read: {words}.", hint="Check STACKYARD_RECORD_REMOTE.")
        return self._git("rev-parse", "--verify", known).stdout.decode().strip()

    def _tree_of(self, commit: str) -> str:
        return self._git("rev-parse", f"{commit}^{{tree}}").stdout.decode().strip()

    def _written(self, commit: str, folder: Path, code: Path, passport: Passport | None) -> str:
        """The tree of `commit` with this code in `folder`. Without `passport` the one that is there stays."""
        with tempfile.TemporaryDirectory(prefix="stackyard-") as scratch:
            place = Path(scratch) / "tree"
            shutil.copytree(code, place / folder, ignore=code_of)
            written = place / folder / PASSPORT
            written.unlink(missing_ok=True)
            if passport is not None:
                written.write_text(passport.text(), encoding="utf-8")
            else:
                there = self._git("show", f"{commit}:{folder}/{PASSPORT}", check=False)
                if there.returncode == 0:
                    written.write_bytes(there.stdout)
            apart: Mapping[str, str] = {
                "GIT_INDEX_FILE": str(Path(scratch) / "index"),
                "GIT_WORK_TREE": str(place),
                "GIT_DIR": str((self.root / ".git").resolve()),
            }
            self._git("read-tree", commit, extra=apart)
            self._git("-C", str(place), "add", "--all", "--force", "--", str(folder), extra=apart)
            return self._git("write-tree", extra=apart).stdout.decode().strip()
