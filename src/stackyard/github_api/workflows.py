"""Runs of a workflow of GitHub Actions: asked for, found again, looked at, cancelled.

https://docs.github.com/rest/actions/workflows and https://docs.github.com/rest/actions/workflow-runs
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from stackyard.errors import Conflict, Invalid
from stackyard.github_api.connection import PAGE, Connection

PERMISSIONS = {"actions": "write"}
"""What an App's token needs of those of its installation."""

CLOCKS_DIFFER = timedelta(minutes=10)
"""Runs are looked for from so long before they were asked for: by GitHub's clock that may be earlier."""

DETAILS = "return_run_details"
"""Asks for the run's id in the answer. Servers from before 2026 refuse the word, and start nothing."""


@dataclass(frozen=True)
class WorkflowRun:
    """A run as GitHub told it last. `conclusion` is empty until it has ended."""

    number: int
    status: str
    conclusion: str
    link: str

    @property
    def ended(self) -> bool:
        """Whether nothing of it works any more."""
        return self.status == "completed"


class Workflow:
    """One workflow file of a repository, by its name (`job.yml`). `ref` is the branch whose version of it runs.

    Errors are those of `Connection`.
    """

    def __init__(self, connection: Connection, name: str, ref: str) -> None:
        self._connection, self._ref = connection, ref
        self._path = f"{connection.base}/actions/workflows/{name}"

    def dispatch(self, inputs: Mapping[str, str]) -> WorkflowRun | None:
        """Start a run; None when GitHub does not say which one it is, then `runs` finds it. After Away it may have
        been started all the same."""
        wish = {"ref": self._ref, "inputs": dict(inputs)}
        try:
            said = self._connection.ask("POST", f"{self._path}/dispatches", {**wish, DETAILS: True})
        except Invalid as error:
            if DETAILS not in str(error):
                raise
            said = self._connection.ask("POST", f"{self._path}/dispatches", wish)
        number = (said or {}).get("workflow_run_id")
        return WorkflowRun(int(number), "queued", "", str(said.get("html_url") or "")) if number else None

    def runs(self, title: str, since: datetime) -> list[WorkflowRun]:
        """The runs of this title (`run-name` of the workflow) that were dispatched since then, the first one first. A
        new run may be missing for some seconds."""
        return [_run(row) for row in self._rows(since) if row.get("display_title") == title][::-1]

    def read(self, number: int) -> WorkflowRun:
        """A run as it is now."""
        return _run(self._connection.ask("GET", f"{self._connection.base}/actions/runs/{number}"))

    def cancel(self, number: int) -> None:
        """Ask a run to stop. One that is over is fine."""
        try:
            self._connection.ask("POST", f"{self._connection.base}/actions/runs/{number}/cancel")
        except Conflict:
            return

    def _rows(self, since: datetime) -> Iterator[dict[str, Any]]:
        earliest = (since - CLOCKS_DIFFER).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = {"event": "workflow_dispatch", "created": f">={earliest}", "per_page": PAGE}
        page = 1
        while True:
            rows = self._connection.ask("GET", f"{self._path}/runs", parameters={**wanted, "page": page})
            yield from rows["workflow_runs"]
            if len(rows["workflow_runs"]) < PAGE:
                return
            page += 1


def _run(row: Mapping[str, Any]) -> WorkflowRun:
    return WorkflowRun(
        int(row["id"]), str(row["status"]), str(row.get("conclusion") or ""), str(row.get("html_url") or "")
    )
