"""The record with its whole history in one file, and back."""

from pathlib import Path
from typing import Self

from stackyard.errors import Conflict
from stackyard.record.repository import BRANCH, Record
from stackyard.settings import Settings


class RecordBackup(Record):
    """The record, with a way out and a way in."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As `Record.from_settings`."""
        return cls(settings.data.resolve() / "record", settings.record_remote)

    @property
    def exists(self) -> bool:
        """Whether there is a record on this machine."""
        return (self.root / ".git").exists()

    def bundle(self, file: Path) -> str:
        """Write all commits into `file` as a Git bundle; returns the newest commit."""
        with self._turn():
            if self._remote:
                self._git("pull", "--quiet", "--rebase", "origin", BRANCH, check=False)
            self._git("bundle", "create", "--quiet", str(file.resolve()), BRANCH)
            return self._git("rev-parse", BRANCH).stdout.decode().strip()

    def unbundle(self, file: Path) -> str:
        """Make the record from what `bundle` wrote; returns the newest commit. Conflict when there is a record."""
        if self.exists:
            raise Conflict(f"There is a record in {self.root} already.", hint="Restore into an empty data folder.")
        self.root.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", f"--initial-branch={BRANCH}")
        self._git("fetch", "--quiet", str(file.resolve()), BRANCH)
        self._git("reset", "--hard", "--quiet", "FETCH_HEAD")
        if self._remote:
            self._git("remote", "add", "origin", self._remote)
        return self._git("rev-parse", "HEAD").stdout.decode().strip()
