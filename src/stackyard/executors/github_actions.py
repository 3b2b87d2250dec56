"""The executor that lets a workflow of GitHub Actions do the work, with a role in the account of the sandbox.

GitHub starts, shows and cancels the workflow (`pipeline/github/environments/.github/workflows/job.yml`); package,
events, results and secrets pass through the account, as do its answers while GitHub is away.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from stackyard.aws import jobs
from stackyard.errors import Forbidden, Invalid, NotFound, StackyardError, Unusable
from stackyard.executors.elsewhere import InBuckets, RemoteExecutor
from stackyard.executors.interfaces import Place
from stackyard.github_api.connection import Away, Connection
from stackyard.github_api.workflows import PERMISSIONS, Workflow, WorkflowRun
from stackyard.settings import Settings

NAME = "github-actions"
OPTIONS = ("repository", "workflow", "ref", "packages", "results")

ASK_SECONDS = 15.0
"""GitHub counts questions (5,000 an hour for a token): while a job tells something, it is not asked at all."""
SHOWN_SECONDS = 120.0
"""GitHub lists a run some seconds after its dispatch. One that is not there after so long will not come."""
IDLE_SECONDS = 60.0

WAITS = {
    "waiting": "The run waits on GitHub for its approval there.",
    "pending": "The run waits on GitHub for another one to end.",
    "queued": "The run waits on GitHub for a runner.",
}
"""What a status of a run that has not begun means."""
WHY = {
    "cancelled": "The run was cancelled on GitHub, by a person or because no runner took it, before it had a result.",
    "startup_failure": "GitHub could not start the workflow.",
    "timed_out": "The run took longer than GitHub or the workflow allows, and was ended without a result.",
}
FINAL = frozenset({"cancelled", "startup_failure"})
"""What would end the same way again, or was somebody's wish."""
NOT_SHOWN = "GitHub took the job but shows no run of it."
GONE = "The run is not on GitHub any more, and left no result."
BACK = "GitHub answers again."


@dataclass(frozen=True)
class GithubActions(InBuckets):
    """Jobs as runs of a workflow.

    The reference knows `run` and `links` once the run is found, `chunk`, the last one of the job's events that was
    read, and `ask_at`, before which GitHub is not asked again.
    """

    settings: Settings
    name: str = "GitHub Actions"
    live: bool = True

    @cached_property
    def _workflow(self) -> Workflow:
        options = self.place.options
        repository = str(options.get("repository") or self.settings.github_repository)
        connection = Connection(self.settings, repository, PERMISSIONS)
        return Workflow(connection, str(options.get("workflow") or "job.yml"), str(options.get("ref") or "main"))

    def key(self, name: str) -> str:
        """As `Builder.key`."""
        return f"jobs/{name}.zip"

    def begin(self, reference: Mapping[str, Any], package: Path) -> dict[str, Any]:
        """As `Builder.begin`. Raises Unusable when GitHub refuses to start it."""
        access, key = self.place.access, reference["key"]
        inputs = {"key": key, "bucket": self.buckets.packages, "account": access.account_id, "region": access.region}
        try:
            run = self._found(reference)
            if run is None:
                jobs.upload(access, self.buckets, key, package)
                run = self._workflow.dispatch(inputs)
        except (NotFound, Forbidden, Invalid) as error:
            raise self._refused(error) from None
        return {**reference, **_known(run)}

    def _refused(self, error: NotFound | Forbidden | Invalid) -> Unusable:
        options = self.place.options
        repository = options.get("repository") or self.settings.github_repository
        what = f"{options.get('workflow') or 'job.yml'} on {options.get('ref') or 'main'} of {repository}"
        return Unusable(
            f"GitHub did not start {what}: {error.message}",
            hint="The workflow has to be there, and the token or App may start it (Actions: write). docs/executors.md "
            "tells how to set it up.",
        )

    def look(self, reference: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """As `Builder.look`: what the job tells comes from the bucket, how the run is from GitHub."""
        found = jobs.read_events(self.place.access, self.buckets, reference["key"], reference.get("chunk", -1))
        told = {**reference, "chunk": found.chunk, "ended": found.ended or bool(reference.get("ended"))}
        quiet = not found.lines and not told["ended"]
        if time.time() >= told.get("ask_at", 0) and (quiet or not told.get("run")):
            told = self._asked(told)
        return told, list(found.lines)

    def _asked(self, told: dict[str, Any]) -> dict[str, Any]:
        """The reference with what GitHub says now."""
        now, pause = time.time(), 1.0 if self.place.access.emulated else ASK_SECONDS
        was_away = told.pop("away", False)
        try:
            run = self._workflow.read(told["run"]) if told.get("run") else self._found(told)
            if run is not None and run.ended and not told["ended"]:
                run = self._goes_on(told) or run
        except NotFound:  # only what has ended can be deleted
            return {**told, "ended": True, "why": GONE}
        except (Away, Unusable, Forbidden) as error:
            seconds = max(getattr(error, "seconds", None) or 0, pause)
            return {**told, "away": True, "notice": f"{error.message} The job goes on.", "ask_at": now + seconds}
        since = now - datetime.fromisoformat(told["asked"]).timestamp()
        if run is None:
            gone = since > SHOWN_SECONDS and jobs.hinder(self.place.access, self.buckets, told["key"])
            return {**told, "ask_at": 0, "ended": told["ended"] or gone, "why": NOT_SHOWN}
        notice = BACK if was_away else told.get("notice", "")
        if told["chunk"] < 0 and run.status in WAITS and (since > IDLE_SECONDS or run.status != "queued"):
            notice = WAITS[run.status]
        told |= {**_known(run), "notice": notice, "ask_at": now + pause}
        if run.ended and not told["ended"]:
            # Its result may have come between the two questions.
            found = jobs.read_events(self.place.access, self.buckets, told["key"], told["chunk"])
            why = WHY.get(run.conclusion, f"The run ended as '{run.conclusion}' and left no result.")
            final = run.conclusion in FINAL
            told |= {"ended": True, "why": "" if found.ended else why, "status": run.conclusion, "final": final}
        return told

    def _goes_on(self, told: Mapping[str, Any]) -> WorkflowRun | None:
        """Another run of the same job, which does it when an answer got lost and it was started twice."""
        runs = self._workflow.runs(_title(told), datetime.fromisoformat(told["asked"]))
        return next((run for run in runs if not run.ended), None)

    def stop(self, reference: Mapping[str, Any]) -> bool:
        """As `Builder.stop`. A job that has begun hears it by the mark, because GitHub's runner would kill its
        Terraform seconds after it asked."""
        access = self.place.access
        jobs.ask_to_stop(access, self.buckets, reference["key"])
        if jobs.read_events(access, self.buckets, reference["key"], -1).chunk >= 0:
            return True
        run = self._found(reference)
        if run is not None:
            self._workflow.cancel(run.number)
        return run is not None

    def was_begun(self, reference: Mapping[str, Any]) -> bool:
        """As `Builder.was_begun`."""
        if reference.get("run"):
            return True
        with suppress(StackyardError):  # what GitHub cannot say now, the bucket decides
            if self._found(reference) is not None:
                return True
        return not jobs.hinder(self.place.access, self.buckets, reference["key"])

    def _found(self, reference: Mapping[str, Any]) -> WorkflowRun | None:
        """The run of a job, by its number or its title."""
        if reference.get("run"):
            return self._workflow.read(reference["run"])
        runs = self._workflow.runs(_title(reference), datetime.fromisoformat(reference["asked"]))
        return next(iter(runs), None)


def github_actions(settings: Settings, place: Place) -> RemoteExecutor:
    """A factory for the registry."""
    return RemoteExecutor(settings, place, GithubActions(place, settings), NAME)


def _title(reference: Mapping[str, Any]) -> str:
    """As `run-name` of the workflow."""
    return f"Job {reference['key']}"


def _known(run: WorkflowRun | None) -> dict[str, Any]:
    return {"run": run.number, "links": {"Run": run.link}} if run else {}
