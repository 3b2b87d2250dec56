"""The recorded code of an environment as it is now, also when a person committed to the record by hand."""

import re
from pathlib import Path
from typing import Self

from stackyard.errors import NotFound
from stackyard.record.repository import BRANCH, Record
from stackyard.settings import Settings

_COMMIT = re.compile(r"[0-9a-f]{40}")


class RecordedCode(Record):
    """The record, with a look at what is newest in it."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As `Record.from_settings`."""
        return cls(settings.data.resolve() / "record", settings.record_remote)

    def newest(self, folder: Path) -> str:
        """The newest commit that touches `folder`, also one that somebody pushed to the remote.

        Raises NotFound when the record never held it. A remote that does not answer is left alone: then the newest
        commit on this machine counts.
        """
        with self._turn():
            if self._remote:
                self._git("pull", "--quiet", "--rebase", "origin", BRANCH, check=False)
            commit = self._git("log", "-1", "--format=%H", "--", str(folder), check=False).stdout.decode().strip()
        if not _COMMIT.fullmatch(commit):
            raise NotFound(
                f"The record has no {folder}.", hint="Restore the record from its remote or a backup, then try again."
            )
        return commit

    def read(self, folder: Path, commit: str, name: str) -> bytes:
        """One file of `folder` as of `commit`; NotFound when it is not there."""
        found = self._git("show", f"{commit}:{folder}/{name}", check=False) if _COMMIT.fullmatch(commit) else None
        if found is None or found.returncode:
            raise NotFound(
                f"The record has no {folder}/{name} at commit {commit[:10] or '(none)'}.",
                hint="Restore the record from its remote or a backup, then try again.",
            )
        return found.stdout

    def same(self, folder: Path, one: str, other: str) -> bool:
        """Whether both commits hold the same files in `folder`."""
        trees = [self._git("rev-parse", f"{commit}:{folder}", check=False) for commit in (one, other)]
        return not any(t.returncode for t in trees) and trees[0].stdout == trees[1].stdout
