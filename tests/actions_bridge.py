"""The part of GitHub that starts workflows, for tests: what is dispatched over the API is really run, by `act`.

The emulator of GitHub's API knows workflow runs, but no workflow can be put into it, and nothing runs. This server
stands before it: it answers the calls below `/actions/` that begin, show and cancel runs of one repository, and hands
all others on. https://docs.github.com/rest/actions
"""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import yaml

from tests.actions import Act

STEPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
"""What GitHub's runner sends to a step that is cancelled, one after the other."""

Answer = tuple[int, Any]


@dataclass
class WorkflowRun:
    """A run as the API shows it, and the process that does it."""

    number: int
    workflow: str
    title: str
    log: Path
    created: str
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    cancelled: bool = False
    seen_from: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether its process is gone, or it was cancelled before it had one."""
        return self.cancelled if self.process is None else self.process.poll() is not None

    def shown(self, address: str) -> dict[str, Any]:
        """The fields of the API that matter here."""
        good = self.process is not None and self.process.returncode == 0
        conclusion = "cancelled" if self.cancelled else "success" if good else "failure"
        return {
            "id": self.number,
            "run_number": self.number,
            "display_title": self.title,
            "event": "workflow_dispatch",
            "path": f".github/workflows/{self.workflow}",
            "head_branch": "main",
            "status": "completed" if self.ended else "in_progress" if self.process else "queued",
            "conclusion": conclusion if self.ended else None,
            "created_at": self.created,
            "html_url": f"{address}/actions/runs/{self.number}",
        }


class ActionsBridge:
    """Use it in a `with` block. `url` is the API's address; `runs` what was dispatched; `variables` the repository's.

    Other than GitHub: a run begins at once, has no queue and no attempts, concurrency is not heeded, and after a cancel
    steps with `always()` do not run, either.

    What a test may set: `details` (an answer names its run when that is asked for; None: the word is refused, as by
    older servers), `unseen_seconds` (a new run is not listed before), `lost` (answers to so many dispatches get lost
    after they were done), `away` (GitHub answers 503), `idle` (no runner takes a run).
    """

    details: bool | None = True
    unseen_seconds = 0.0
    lost = 0
    away = False
    idle = False

    def __init__(
        self,
        act: Act,
        *,
        repository: str = "acme/shop",
        upstream: str = "",
        variables: Mapping[str, str] | None = None,
        grace_seconds: float = 7.5,
    ) -> None:
        self.act, self.repository, self.upstream = act, repository, upstream
        self.variables, self.grace_seconds = dict(variables or {}), grace_seconds
        self.runs: list[WorkflowRun] = []
        self._lock = threading.Lock()
        bridge = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                """Tests need no log of it."""

            def do_GET(self) -> None:
                bridge._serve(self)

            do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> "ActionsBridge":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for run in self.runs:
            self._cancel(run)

    def wait(self, number: int) -> WorkflowRun:
        """The run, when it has ended."""
        run = self.runs[number - 1]
        assert run.process is not None
        run.process.wait(240)
        return run

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        place, query = urlsplit(request.path), parse_qs(urlsplit(request.path).query)
        inside = place.path.removeprefix("/api/v3").removeprefix(f"/repos/{self.repository}/actions/")
        if inside.startswith("/"):
            self._hand_on(request, body)
            return
        if self.away:
            status, answer = 503, {"message": "No server is currently available to service your request."}
        elif not (request.headers.get("Authorization") or "").lower().startswith(("bearer ", "token ")):
            status, answer = 401, {"message": "Requires authentication"}
        else:
            with self._lock:
                status, answer = self._answer(request.command, inside, query, body)
        if self.lost and inside.endswith("/dispatches"):
            self.lost -= 1
            request.close_connection = True
            return
        text = b"" if answer is None else json.dumps(answer).encode()
        _reply(request, status, text, "application/json")

    def _answer(self, verb: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        if found := re.fullmatch(r"workflows/([^/]+)/dispatches", path):
            return self._dispatch(found[1], json.loads(body or b"{}")) if verb == "POST" else _MISSING
        if found := re.fullmatch(r"(?:workflows/([^/]+)/)?runs", path):
            seen = [r for r in reversed(self.runs) if r.seen_from <= time.monotonic()]
            rows = [r.shown(self.url) for r in seen if found[1] in (None, r.workflow)]
            rows = [r for r in rows if all(str(r[n]) in query.get(n, [str(r[n])]) for n in ("event", "status"))]
            since = query.get("created", [">="])[0].removeprefix(">=")
            rows = [r for r in rows if r["created_at"] >= since]
            size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
            return 200, {"total_count": len(rows), "workflow_runs": rows[size * (page - 1) : size * page]}
        if found := re.fullmatch(r"runs/(\d+)(/cancel)?", path):
            run = self.runs[int(found[1]) - 1] if 0 < int(found[1]) <= len(self.runs) else None
            if run is None:
                return _MISSING
            if not found[2]:
                return 200, run.shown(self.url)
            if run.ended:
                return 409, {"message": "Cannot cancel a workflow run that is completed."}
            threading.Thread(target=self._cancel, args=[run], daemon=True).start()
            return 202, {}
        return _MISSING

    def _dispatch(self, workflow: str, wish: Mapping[str, Any]) -> Answer:
        """Begin a run, or say what is wrong as GitHub does."""
        file = self.act.repository / ".github" / "workflows" / workflow
        if not file.is_file():
            return _MISSING
        if "return_run_details" in wish and self.details is None:
            return 422, {"message": 'Invalid request.\n\n"return_run_details" is not a permitted key.'}
        text = yaml.safe_load(file.read_text())
        on = text[True]  # YAML takes `on` for true
        if "workflow_dispatch" not in on:
            return 422, {"message": "Workflow does not have 'workflow_dispatch' trigger"}
        if wish.get("ref") not in ("main", "refs/heads/main"):
            return 422, {"message": f"No ref found for: {wish.get('ref')}"}
        inputs, known = wish.get("inputs") or {}, (on["workflow_dispatch"] or {}).get("inputs") or {}
        if unknown := sorted(set(inputs) - set(known)):
            return 422, {"message": f"Unexpected inputs provided: {json.dumps(unknown)}"}
        for name, rule in known.items():
            if rule.get("required") and "default" not in rule and not inputs.get(name):
                return 422, {"message": f"Required input '{name}' not provided"}
        given = {**{n: r["default"] for n, r in known.items() if "default" in r}, **inputs}
        title = re.sub(
            r"\$\{\{ *inputs\.(\w+) *\}\}",
            lambda found: str(given.get(found[1], "")),
            str(text.get("run-name") or text.get("name")),
        )
        number = len(self.runs) + 1
        log = self.act.repository.parent / f"run-{number}.log"
        run = WorkflowRun(number, workflow, title, log, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        run.seen_from = time.monotonic() + self.unseen_seconds
        payload = {"ref": "refs/heads/main", "inputs": given, "repository": {"full_name": self.repository}}
        if not self.idle:
            run.process = self.act.start(file, "workflow_dispatch", payload, self.variables, log)
        self.runs.append(run)
        if not (self.details and wish.get("return_run_details")):
            return 204, None
        row = run.shown(self.url)
        return 200, {"workflow_run_id": row["id"], "run_url": "", "html_url": row["html_url"]}

    def _cancel(self, run: WorkflowRun) -> None:
        """End a run as GitHub's runner does: the step that is at work first, and what comes after it never begins."""
        if run.ended:
            return
        run.cancelled = True
        if run.process is None:
            return
        for number in STEPS:
            steps = list(_children(run.process.pid))
            os.kill(run.process.pid, signal.SIGSTOP)  # so that no next step begins
            for step in steps:
                _send(step, number)
            end = time.monotonic() + self.grace_seconds
            while any(map(_lives, steps)) and time.monotonic() < end:
                time.sleep(0.05)
            if not any(map(_lives, steps)):
                break
        os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()

    def _hand_on(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        if not self.upstream:
            _reply(request, 404, b'{"message": "Not Found"}', "application/json")
            return
        headers = {n: v for n, v in request.headers.items() if n.lower() not in ("host", "content-length")}
        said = httpx.request(request.command, self.upstream + request.path, headers=headers, content=body, timeout=30)
        _reply(request, said.status_code, said.content, said.headers.get("Content-Type", "application/json"))


_MISSING: Answer = (404, {"message": "Not Found"})


def _reply(request: BaseHTTPRequestHandler, status: int, text: bytes, kind: str) -> None:
    request.send_response(status)
    if text:
        request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(text)))
    request.end_headers()
    request.wfile.write(text)


def _children(parent: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, above = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(above) == parent and state != "Z":
            yield int(stat.parent.name)


def _lives(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _send(number: int, what: signal.Signals) -> None:
    try:
        os.kill(number, what)
    except ProcessLookupError:
        return
