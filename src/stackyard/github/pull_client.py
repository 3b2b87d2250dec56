"""Pull requests of the record's repository over GitHub's API."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from stackyard.errors import Unusable
from stackyard.github.client import Client, Person, moment, person
from stackyard.settings import Settings

PERMISSIONS = {"contents": "write", "pull_requests": "write", "metadata": "read"}
BASE = "main"


@dataclass(frozen=True)
class Pull:
    """A pull request as it is now. `head`: the newest commit of its branch. `conflicts`: GitHub cannot merge it."""

    number: int
    url: str
    head: str
    closed: bool
    merged_at: dt.datetime | None
    merged_by: Person
    conflicts: bool


class PullClient(Client):
    """Speaks to the repository of the record; comments are as those of an issue."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, settings.record_pull_requests, PERMISSIONS)

    def fits(self, remote: str) -> str:
        """The repository's name, when pull requests can be made there and `remote`, the record's, leads to it.

        Raises Unusable when that is another repository, or none."""
        name = str(self.reach()["full_name"])
        self.of_branch(BASE)  # whether pull requests may be read
        if not re.search(rf"[/:]{re.escape(name)}(\.git)?/?$", remote, re.IGNORECASE):
            raise Unusable(
                f"STACKYARD_RECORD_REMOTE does not lead to {name}.",
                hint="The record has to be pushed to the repository that STACKYARD_RECORD_PULL_REQUESTS names.",
            )
        return name

    def of_branch(self, branch: str) -> Pull | None:
        """The pull request that was made for a branch, also a closed one."""
        wanted = {"head": f"{self.repository.partition('/')[0]}:{branch}", "base": BASE, "state": "all"}
        numbers = [int(r["number"]) for r in self._connection.pages(f"{self._base}/pulls", wanted)
                   if r["head"]["ref"] == branch]  # fmt: skip
        return self.pull(min(numbers)) if numbers else None

    def propose(self, branch: str, title: str, body: str) -> Pull:
        """Open one."""
        wish = {"head": branch, "base": BASE, "title": title, "body": body}
        return _pull(self._ask("POST", f"{self._base}/pulls", wish))

    def pull(self, number: int) -> Pull:
        """One of them, as it is now."""
        return _pull(self._ask("GET", f"{self._base}/pulls/{number}"))

    def merge(self, number: int, head: str) -> None:
        """Merge it, if its newest commit is still `head`."""
        self._ask("PUT", f"{self._base}/pulls/{number}/merge", {"sha": head})

    def close(self, number: int) -> None:
        """Close it without a merge."""
        self._ask("PATCH", f"{self._base}/pulls/{number}", {"state": "closed"})


def _pull(row: dict[str, Any]) -> Pull:
    merged = row.get("merged_at")
    return Pull(
        number=int(row["number"]),
        url=str(row.get("html_url") or ""),
        head=str(row["head"]["sha"]),
        closed=row.get("state") == "closed",
        merged_at=moment(merged) if merged else None,
        merged_by=person(row, "merged_by"),
        conflicts=row.get("mergeable") is False and row.get("state") != "closed",
    )
