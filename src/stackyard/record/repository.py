"""The record: a git repository that holds the code of every environment, one folder each, one commit per run.

Git does the work through its command line: argv lists, an environment of its own, no hooks, no prompts. Writers on one
machine take turns by a file lock; writers on several machines meet at the remote, where a push is retried on top of
what others pushed and never forced. Folders of different environments cannot conflict; what a person edited by hand
can: then theirs stays, and ours is kept as a branch.
"""

import io
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from stackyard.errors import Conflict, NotFound, Unavailable
from stackyard.record.turns import taken
from stackyard.settings import Settings

BRANCH = "main"
PASSPORT = "environment.yaml"
PUSH_TRIES = 5
DEAD_WRITER_SECONDS = 10

code_of = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfplan")
"""For `shutil.copytree`: what Terraform leaves in a work folder is no code."""


@dataclass(frozen=True)
class Passport:
    """`environment.yaml`: what the folder is, readable without Stackyard.

    `rendered`: SHA-256 of each file as the pattern gave it, by which an edit by hand is known. `allocations`: what the
    environment alone may have, each with its kind, its scope (the listener, the pool; empty: everywhere) and its value.
    """

    environment: str
    uid: str
    product: str
    department: str
    pattern: str
    pattern_digest: str
    sandbox: str
    account_id: str
    region: str
    fqdn: str
    settings: Mapping[str, Any]
    run: int
    allocations: Sequence[Mapping[str, str]] = ()
    rendered: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The file's text."""
        plain = {"settings": dict(self.settings), "allocations": [dict(row) for row in self.allocations]}
        return yaml.safe_dump({**asdict(self), **plain}, sort_keys=False, allow_unicode=True)


class Record:
    """The record in a local clone, pushed to `remote` when there is one."""

    def __init__(self, root: Path, remote: str = "") -> None:
        self.root = root
        self._remote = remote

    @classmethod
    def from_settings(cls, settings: Settings) -> "Record":
        """The record under the data folder, with the remote that the settings name."""
        return cls(settings.data.resolve() / "record", settings.record_remote)

    def commit(self, folder: Path, code: Path, passport: Passport, kind: str, *, base: str = "") -> str:
        """Make `folder` hold exactly the code in `code` and the passport; returns the commit id.

        When nothing changed the commit that is there already is returned, so a stage that is done again adds nothing.
        `base`: the commit whose code `code` was made from. Raises Conflict when somebody edited the folder since then.
        """
        with self._turn():
            if base:
                self._catch_up()
            target = self.root / folder
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(code, target, ignore=code_of)
            (target / PASSPORT).write_text(passport.text(), encoding="utf-8")
            title = f"{kind.capitalize()} {passport.environment}"
            trailers = {"Run": passport.run, "Environment": passport.uid, "Pattern": passport.pattern}
            return self._save(folder, title, trailers, base)

    def fetch(self, folder: Path, commit: str, target: Path) -> None:
        """Write the code of `folder` as of `commit` into `target`, which is emptied first.

        Raises NotFound when the record does not hold it.
        """
        known = re.fullmatch(r"[0-9a-f]{40}", commit)
        with self._turn():
            listed = self._git("archive", "--format=tar", f"{commit}:{folder}", check=False) if known else None
        if listed is None or listed.returncode:
            raise NotFound(
                f"The record has no {folder} at commit {commit[:10] or '(none)'}.",
                hint="Restore the record from its remote or a backup, then run this again.",
            )
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(listed.stdout)) as archive:
            archive.extractall(target, filter="data")

    def remove(self, folder: Path, name: str, run: int) -> str:
        """Take the folder out of the newest commit. Its code stays in the history."""

        def without() -> str:
            shutil.rmtree(self.root / folder, ignore_errors=True)
            return self._save(folder, f"Remove {name}", {"Run": run})

        return self._on_top(without)

    def write(self, name: str, text: str, title: str) -> str:
        """Make the file `name` at the top hold `text`; returns the newest commit. No commit when it does already.

        Of several machines only one may do this at a time: unlike folders, two versions of it would conflict.
        """

        def with_it() -> str:
            (self.root / name).write_text(text, encoding="utf-8", newline="")
            return self._save(Path(name), title, {})

        return self._on_top(with_it)

    def _on_top(self, save: Callable[[], str]) -> str:
        """Save what holds whatever others wrote: when it conflicts, once more on top of theirs."""
        with self._turn():
            self._catch_up()
            try:
                return save()
            except Conflict:
                return save()

    def _save(self, folder: Path, title: str, trailers: Mapping[str, object], base: str = "") -> str:
        self._git("add", "--all", "--force", "--", str(folder), check=False)
        if self._git("diff", "--cached", "--quiet", check=False).returncode:
            if base and self._tree(base, folder) != self._tree("HEAD", folder):
                self._git("reset", "--hard", "--quiet")
                raise edited(folder, "Nothing was applied; the edit is in the record.")
            lines = "".join(f"{key}: {value}\n" for key, value in trailers.items())
            self._git("commit", "--quiet", "--message", f"{title}\n\n{lines}")
        ours = self._tree("HEAD", folder)
        if self._remote:
            self._push()
        if base and self._tree("HEAD", folder) != ours:
            raise edited(folder, "Nothing was applied; the record holds this run's code and the edit.")
        return self._git("rev-parse", "HEAD").stdout.decode().strip()

    def _tree(self, commit: str, folder: Path) -> bytes:
        """What identifies the content of a folder at a commit; empty where there is none."""
        found = self._git("rev-parse", "--verify", "--quiet", f"{commit}:{folder}", check=False)
        return b"" if found.returncode else found.stdout

    def _push(self) -> None:
        """Bring what the remote lacks, also what an earlier try could not bring."""
        ahead = self._git("rev-list", "--count", f"origin/{BRANCH}..HEAD", check=False)
        if ahead.returncode == 0 and ahead.stdout.strip() == b"0":
            return
        for _ in range(PUSH_TRIES):
            pushed = self._git("push", "--quiet", "origin", f"HEAD:{BRANCH}", check=False)
            if pushed.returncode == 0:
                return
            self._pull()
        raise Unavailable(
            f"The record could not be pushed: {pushed.stderr.decode(errors='replace').strip()[-300:]}",
            hint="Check STACKYARD_RECORD_REMOTE and its credentials; the run can be started again.",
        )

    def _catch_up(self) -> None:
        """Begin from what the remote has; what an earlier run left that conflicts with it is no matter of this one."""
        if self._remote:
            with suppress(Conflict):
                self._pull()

    def _pull(self) -> None:
        """Put what the remote lacks on top of what it has. Raises Conflict when that does not go together: a commit
        that can never be pushed would stop every run after it, so ours become a branch, and we go on from theirs."""
        if self._git("pull", "--quiet", "--rebase", "origin", BRANCH, check=False).returncode == 0:
            return
        if not (self.root / ".git" / "rebase-merge").exists():
            return  # the remote did not answer: the push will say so
        names = self._git("diff", "--name-only", "--diff-filter=U", check=False).stdout.decode(errors="replace").split()
        self._git("rebase", "--abort")
        ours = self._git("rev-parse", "HEAD").stdout.decode().strip()
        branch = f"conflict/{ours[:10]}"
        self._git("branch", "--force", branch, ours)
        self._git("push", "--quiet", "origin", f"{ours}:refs/heads/{branch}", check=False)
        self._git("reset", "--hard", "--quiet", f"origin/{BRANCH}")
        where = f"This run's code is kept as branch {branch} of the record."
        raise edited(Path(names[0] if names else "it"), f"Theirs stays. {where}")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with taken(self.root.parent / f"{self.root.name}.lock"):
            self._forget_dead_writer()
            if not (self.root / ".git").exists():
                self._create()
            yield

    def _forget_dead_writer(self) -> None:
        """Git's own lock of a writer that was killed would stop everybody for ever. It is our turn, so it can only
        belong to a Git whose worker is dead, and which ends by itself in a moment, or has ended."""
        lock = self.root / ".git" / "index.lock"
        end = time.monotonic() + DEAD_WRITER_SECONDS
        while lock.exists():
            if time.monotonic() > end:
                lock.unlink(missing_ok=True)
            time.sleep(0.1)
        if (self.root / ".git" / "rebase-merge").exists():
            self._git("rebase", "--abort", check=False)

    def _create(self) -> None:
        self._git("init", "--quiet", f"--initial-branch={BRANCH}")
        if self._remote:
            self._git("remote", "add", "origin", self._remote)
            if self._git("fetch", "--quiet", "origin", BRANCH, check=False).returncode == 0:
                self._git("reset", "--hard", "--quiet", f"origin/{BRANCH}")
                return
        readme = "# Environments\n\nThe Terraform code of every environment, one folder each. Written by Stackyard.\n"
        (self.root / "README.md").write_text(readme, encoding="utf-8")
        self._git("add", "README.md")
        self._git("commit", "--quiet", "--message", "Begin the record")

    def _git(
        self, *arguments: str, check: bool = True, extra: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """One git command in the clone. User and system configuration stay outside, so nothing there can change it.
        `extra`: more of its environment."""
        passed = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "GIT_SSL_CAINFO", "GIT_SSH_COMMAND", "GIT_ASKPASS")
        environment = {
            **{name: os.environ[name] for name in passed if name in os.environ},
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            **{f"GIT_{who}_NAME": "Stackyard" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "stackyard@localhost" for who in ("AUTHOR", "COMMITTER")},
            **(extra or {}),
        }
        options = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "core.autocrlf=false")
        done = subprocess.run(
            ["git", *options, *arguments], cwd=self.root, env=environment, capture_output=True, check=False, timeout=120
        )
        if check and done.returncode:
            words = done.stderr.decode(errors="replace").strip()[-300:]
            raise Unavailable(f"git {arguments[0]} failed in the record: {words}", hint="See docs/operations.md.")
        return done


def edited(what: Path, kept: str) -> Conflict:
    """The error for code that a person changed in the record while a run worked on it. `kept`: what became of both."""
    return Conflict(f"Somebody edited {what} in the record while this run was going on. {kept}", hint="Ask again.")
