"""Workflow runs over GitHub's API, as it can be: without ids, slow to show a run, away, with answers that get lost."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from tests.actions import Act, make_repository
from tests.actions_bridge import ActionsBridge

from stackyard.errors import Invalid, NotFound, Unusable
from stackyard.github_api.connection import Away, Connection
from stackyard.github_api.workflows import PERMISSIONS, Workflow
from stackyard.settings import Settings

WORKFLOW = """
name: Say
run-name: Say ${{ inputs.word }}
on:
  workflow_dispatch:
    inputs:
      word: { type: string, required: true }
permissions: {}
jobs:
  say:
    runs-on: ubuntu-latest
    defaults: { run: { shell: bash } }
    env:
      WORD: ${{ inputs.word }}
    steps:
      - run: if [ "$WORD" = fail ]; then exit 3; elif [ "$WORD" = sleep ]; then exec sleep 60; fi
"""


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[ActionsBridge]:
    repository = make_repository(tmp_path / "shop", {".github/workflows/say.yml": WORKFLOW})
    with ActionsBridge(Act(repository, {})) as bridge:
        yield bridge


def workflow(bridge: ActionsBridge, name: str = "say.yml", ref: str = "main", *, signed: bool = True) -> Workflow:
    given = SecretStr("a") if signed else None
    settings = Settings(github_url=bridge.url, github_token=given)
    return Workflow(Connection(settings, bridge.repository, PERMISSIONS), name, ref)


def now() -> datetime:
    return datetime.now(UTC)


def test_a_run_is_followed_from_its_dispatch_to_its_end(bridge: ActionsBridge) -> None:
    says = workflow(bridge)
    good, bad = says.dispatch({"word": "well"}), says.dispatch({"word": "fail"})
    assert good is not None
    assert bad is not None
    assert (good.number, good.ended, good.link) == (1, False, f"{bridge.url}/actions/runs/1")
    bridge.wait(1)
    bridge.wait(2)
    ends = [says.read(run.number) for run in (good, bad)]
    assert [(run.ended, run.conclusion) for run in ends] == [(True, "success"), (True, "failure")]
    says.cancel(1)  # it is over, and that is fine
    assert says.read(1).conclusion == "success"


@pytest.mark.parametrize("details", [False, None])
def test_a_run_that_github_does_not_name_is_found_by_its_title(bridge: ActionsBridge, details: bool | None) -> None:
    bridge.details, bridge.unseen_seconds = details, 1.0
    says, begin = workflow(bridge), now()
    assert says.dispatch({"word": "well"}) is None
    assert says.runs("Say well", begin) == [], "GitHub is slow to show it"
    time.sleep(1.1)
    assert [run.number for run in says.runs("Say well", begin)] == [1]
    assert says.runs("Say ill", begin) == []
    assert says.runs("Say well", begin + timedelta(minutes=11)) == [], "an earlier one is none"
    assert len(bridge.runs) == 1


def test_all_pages_are_read_and_the_first_run_of_a_title_is_the_first(
    bridge: ActionsBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stackyard.github_api.workflows.PAGE", 2)
    bridge.idle = True
    says, begin = workflow(bridge), now()
    for word in ("a", "b", "a", "c", "d"):
        says.dispatch({"word": word})
    assert [run.number for run in says.runs("Say a", begin)] == [1, 3]


def test_an_answer_that_got_lost_may_have_started_a_run(bridge: ActionsBridge) -> None:
    bridge.lost = 1
    says, begin = workflow(bridge), now()
    with pytest.raises(Away):
        says.dispatch({"word": "well"})
    assert [run.number for run in says.runs("Say well", begin)] == [1]


def test_github_can_be_away_and_come_back(bridge: ActionsBridge) -> None:
    says = workflow(bridge)
    says.dispatch({"word": "sleep"})
    bridge.away = True
    for call in (lambda: says.read(1), lambda: says.cancel(1), lambda: says.dispatch({"word": "well"})):
        with pytest.raises(Away, match="503"):
            call()
    bridge.away = False
    assert (says.read(1).ended, len(bridge.runs)) == (False, 1)


def test_a_run_is_cancelled_also_when_no_runner_took_it(bridge: ActionsBridge) -> None:
    says = workflow(bridge)
    says.dispatch({"word": "sleep"})
    bridge.idle = True
    says.dispatch({"word": "sleep"})
    assert says.read(2).status == "queued"
    for number in (2, 1):
        says.cancel(number)
    bridge.wait(1)
    assert [(says.read(n).ended, says.read(n).conclusion) for n in (1, 2)] == [(True, "cancelled")] * 2


def test_what_github_refuses_says_why(bridge: ActionsBridge) -> None:
    with pytest.raises(Invalid, match="Required input 'word' not provided"):
        workflow(bridge).dispatch({})
    with pytest.raises(Invalid, match="No ref found for: release"):
        workflow(bridge, ref="release").dispatch({"word": "well"})
    with pytest.raises(NotFound):
        workflow(bridge, "other.yml").dispatch({"word": "well"})
    with pytest.raises(NotFound):
        workflow(bridge).read(1)
    with pytest.raises(Unusable, match="STACKYARD_GITHUB_TOKEN"):
        workflow(bridge, signed=False).read(1)
    assert bridge.runs == []
