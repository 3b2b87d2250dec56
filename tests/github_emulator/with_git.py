"""The emulator's pull requests joined with a real Git repository, which it has none of.

A server between: everything is the emulator's, but the newest commit of a branch, whether it can be merged, and what a
merge or a deleted branch does, come from a bare repository. On GitHub itself all of that is one.
"""

import json
import subprocess
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.github_emulator import RIKA, GithubEmulator

PERSON = ("-c", "user.name=Hanna", "-c", "user.email=hanna@example.com")


def git(root: Path, *arguments: str, check: bool = True) -> str:
    """One git command; returns what it prints."""
    done = subprocess.run(["git", *PERSON, *arguments], cwd=root, check=check, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class GithubWithGit:
    """Speaks as GitHub for one repository, whose branches lie in `remote`. `faults`: statuses of the next answers.
    `lasting`: part of a path -> status of every answer there."""

    emulator: GithubEmulator
    remote: Path
    faults: list[int] = field(default_factory=list)
    lasting: dict[str, int] = field(default_factory=dict)
    swallow: int = 0
    calls: list[str] = field(default_factory=list)
    merged: dict[int, str] = field(default_factory=dict)
    server: ThreadingHTTPServer = field(init=False)

    def __post_init__(self) -> None:
        self.emulator = replace(self.emulator)  # the repository of this one stays
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://localhost:{self.server.server_address[1]}"

    def stop(self) -> None:
        """End it."""
        self.server.shutdown()
        self.server.server_close()

    def ask(self, verb: str, path: str, as_: str = RIKA, **values: Any) -> Any:
        """One call in somebody's name; `path` below the repository."""
        return replace(self.emulator, url=self.url).ask(verb, path, as_, **values)

    def pulls(self) -> list[dict[str, Any]]:
        """All pull requests, the first one first."""
        rows: list[dict[str, Any]] = self.ask("GET", "/pulls?state=all&direction=asc")
        return rows

    def merge(self, number: int, as_: str = RIKA) -> None:
        """Somebody presses Merge."""
        self.ask("PUT", f"/pulls/{number}/merge", as_)

    def push(self, branch: str, file: str, old: str, new: str, scratch: Path) -> None:
        """Somebody edits a file on a branch."""
        clone = scratch / f"clone-{len(list(scratch.iterdir()))}"
        git(scratch, "clone", "--quiet", "--branch", branch, str(self.remote), clone.name)
        text = (clone / file).read_text()
        assert old in text, text
        (clone / file).write_text(text.replace(old, new))
        git(clone, "commit", "--quiet", "--all", "--message=By hand")
        git(clone, "push", "--quiet", "origin", branch)

    def delete_branch(self, branch: str) -> None:
        """Somebody deletes a branch, by which GitHub closes its pull request."""
        (number,) = [p["number"] for p in self.pulls() if p["head"]["ref"] == branch]
        git(self.remote, "update-ref", "-d", f"refs/heads/{branch}")
        self.ask("PATCH", f"/pulls/{number}", state="closed")

    def _as_git_has_it(self, row: dict[str, Any]) -> dict[str, Any]:
        number, branch = row["number"], row["head"]["ref"]
        tip = self.merged.get(number) or git(self.remote, "rev-parse", "-q", "--verify", branch, check=False)
        row["head"]["sha"] = tip or row["head"]["sha"]
        if row["state"] == "open":
            row["mergeable"] = bool(tip and self._merged_tree(tip))
        return row

    def _merged_tree(self, tip: str) -> str:
        done = subprocess.run(
            ["git", "merge-tree", "--write-tree", "main", tip],
            cwd=self.remote,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""

    def _merge(self, number: int, branch: str, wanted: str) -> tuple[int, str]:
        """Move main as GitHub does. (status, message); 200 when it is merged."""
        tip = git(self.remote, "rev-parse", "-q", "--verify", branch, check=False)
        if wanted and wanted != tip:
            return 409, "Head branch was modified. Review and try the merge again."
        tree = self._merged_tree(tip) if tip else ""
        if not tree:
            return 405, "Pull Request is not mergeable"
        commit = git(self.remote, "commit-tree", tree, "-p", "main", "-p", tip, "-m", f"Merge pull request #{number}")
        git(self.remote, "update-ref", "refs/heads/main", commit)
        self.merged[number] = tip
        return 200, ""


def _handler(github: GithubWithGit) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            github.calls.append(f"{self.command} {self.path}")
            if github.faults:
                return self._say(github.faults.pop(0), {"message": "a fault"})
            for part, status in github.lasting.items():
                if part in self.path:
                    return self._say(status, {"message": "a lasting fault"})
            if self.path.endswith("/merge"):
                number = int(self.path.split("/")[-2])
                row = github.emulator.ask("GET", f"/pulls/{number}")
                if row["state"] == "closed":
                    return self._say(405, {"message": "Pull Request is not mergeable"})
                status, why = github._merge(number, row["head"]["ref"], json.loads(body or b"{}").get("sha", ""))
                if status != 200:
                    return self._say(status, {"message": why})
                body = b"{}"  # the emulator's commits are others
            headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
            answer = httpx.request(
                self.command, github.emulator.url + self.path, content=body, headers=headers, timeout=10
            )
            if self.command in ("POST", "PUT") and github.swallow:
                github.swallow -= 1
                return self._say(502, {"message": "bad gateway"})
            said = answer.json() if answer.content else None
            for row in said if isinstance(said, list) else [said]:
                if isinstance(row, dict) and "mergeable" in row:
                    github._as_git_has_it(row)
            self._say(answer.status_code, said)

        def _say(self, status: int, said: Any) -> None:
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    for verb in ("GET", "POST", "PATCH", "PUT"):
        setattr(Handler, f"do_{verb}", Handler._pass_on)
    return Handler
