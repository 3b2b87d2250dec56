"""Workflows that are dispatched over GitHub's API are really run: the tests of what dispatches them rely on it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.actions import Act, make_repository
from tests.actions_bridge import ActionsBridge

WORKFLOW = """
name: Say
run-name: Say ${{ inputs.word }}
on:
  workflow_dispatch:
    inputs:
      word: { type: string, required: true }
      times: { type: string, default: "1" }
permissions: {}
jobs:
  say:
    runs-on: ubuntu-latest
    defaults: { run: { shell: bash } }
    env:
      WORD: ${{ inputs.word }}
      TIMES: ${{ inputs.times }}
      WHERE: ${{ vars.WHERE }}
    steps:
      - run: |
          set -euo pipefail
          echo "$WORD $TIMES" > "$WHERE/said"
          if [ "$WORD" = fail ]; then exit 3; fi
      - run: |
          if [ "$WORD" != sleep ]; then exit 0; fi
          trap 'echo stopped > "$WHERE/stopped"; exit 1' INT
          echo begun > "$WHERE/begun"
          while true; do sleep 0.1; done
      - run: echo after > "$WHERE/after"
"""


class Github:
    """The bridge, and calls to it."""

    def __init__(self, bridge: ActionsBridge, where: Path) -> None:
        self.bridge, self.where = bridge, where

    def ask(self, verb: str, path: str, signed: bool = True, **body: Any) -> httpx.Response:
        address = f"{self.bridge.url}/repos/acme/shop/actions/{path}"
        return httpx.request(
            verb, address, headers={"Authorization": "Bearer a"} if signed else {}, json=body, timeout=10
        )

    def dispatch(self, **inputs: str) -> httpx.Response:
        return self.ask("POST", "workflows/say.yml/dispatches", ref="main", inputs=inputs)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Github]:
    repository = make_repository(tmp_path / "shop", {".github/workflows/say.yml": WORKFLOW})
    where = tmp_path / "where"
    where.mkdir()
    with ActionsBridge(Act(repository, {}), variables={"WHERE": str(where)}) as bridge:
        yield Github(bridge, where)


def test_a_dispatched_workflow_runs_with_its_inputs(github: Github) -> None:
    assert github.dispatch(word="well").status_code == 204
    assert github.dispatch(word="fail", times="2").status_code == 204
    (second, first) = github.ask("GET", "workflows/say.yml/runs?event=workflow_dispatch").json()["workflow_runs"]
    assert (first["display_title"], second["display_title"]) == ("Say well", "Say fail")
    github.bridge.wait(1)
    github.bridge.wait(2)
    ends = [github.ask("GET", f"runs/{number}").json() for number in (1, 2)]
    assert [(run["status"], run["conclusion"]) for run in ends] == [("completed", "success"), ("completed", "failure")]
    assert (github.where / "said").read_text() in ("well 1\n", "fail 2\n")
    assert github.ask("POST", "runs/1/cancel").status_code == 409


def test_a_cancelled_run_ends_its_step_in_good_order(github: Github) -> None:
    github.dispatch(word="sleep")
    end = time.monotonic() + 60
    while not (github.where / "begun").exists():
        assert time.monotonic() < end, github.bridge.runs[0].log.read_text()
        time.sleep(0.05)
    assert github.ask("POST", "runs/1/cancel").status_code == 202
    github.bridge.wait(1)
    run = github.ask("GET", "runs/1").json()
    assert (run["status"], run["conclusion"]) == ("completed", "cancelled")
    assert (github.where / "stopped").exists()
    assert not (github.where / "after").exists()


def test_what_github_refuses_is_refused(github: Github) -> None:
    wrong = {
        github.dispatch().json()["message"]: "Required input 'word' not provided",
        github.dispatch(word="a", more="b").json()["message"]: 'Unexpected inputs provided: ["more"]',
        github.ask("POST", "workflows/say.yml/dispatches", ref="else").json()["message"]: "No ref found for: else",
        github.ask("POST", "workflows/none.yml/dispatches", ref="main").json()["message"]: "Not Found",
        github.ask("GET", "runs/1").json()["message"]: "Not Found",
        github.ask("GET", "runs", signed=False).json()["message"]: "Requires authentication",
    }
    assert list(wrong) == list(wrong.values())
    assert github.bridge.runs == []
