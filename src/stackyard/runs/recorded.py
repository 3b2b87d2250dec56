"""The recorded code of an environment as it is now, also when a person committed to the record by hand."""

import io
import re
import tarfile
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

    def newest(self, folder: Path, *, pull: bool = True) -> str:
        """The newest commit that touches `folder`, also one that somebody pushed to the remote unless `pull` is false.

        Raises NotFound when the record never held it. A remote that does not answer is left alone: then the newest
        commit on this machine counts.
        """
        with self._turn():
            if self._remote and pull:
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

    def files(self, folder: Path, commit: str) -> dict[str, bytes]:
        """Every file of `folder` as of `commit`, by its path in it; NotFound when the record does not hold it."""
        known = _COMMIT.fullmatch(commit)
        found = self._git("archive", "--format=tar", f"{commit}:{folder}", check=False) if known else None
        if found is None or found.returncode:
            raise NotFound(
                f"The record has no {folder} at commit {commit[:10] or '(none)'}.",
                hint="Restore the record from its remote or a backup, then try again.",
            )
        with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
            opened = ((member.name, archive.extractfile(member)) for member in archive if member.isfile())
            return {name: content.read() for name, content in opened if content is not None}

    def commits(self, folder: Path, name: str) -> list[str]:
        """The commits that touch the file `name` of `folder`, oldest first."""
        found = self._git("log", "--reverse", "--format=%H", "--", f"{folder}/{name}", check=False)
        return found.stdout.decode().split()

    def same(self, folder: Path, one: str, other: str) -> bool:
        """Whether both commits hold the same files in `folder`."""
        trees = [self._git("rev-parse", f"{commit}:{folder}", check=False) for commit in (one, other)]
        return not any(t.returncode for t in trees) and trees[0].stdout == trees[1].stdout
