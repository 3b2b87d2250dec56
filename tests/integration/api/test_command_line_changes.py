"""`stackyard env change --wait` and the question that a plan may ask, against a real server."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.factories import Organisation
from tests.integration.api.test_command_line import Stackyard, create, end, org, server, stackyard
from tests.integration.portal.site import keep, ready

from stackyard.cli import answering
from stackyard.cmdb.models import Run
from stackyard.settings import get_settings

__all__ = ["org", "server", "stackyard"]

CHANGE = ("env", "change", "shop-dev", "--set", "container.environment.MODE=dev")
TAKES_AWAY = {
    "destructive": True,
    "digest": "first",
    "summary": "1 to destroy",
    "changes": [{"address": "aws_s3_bucket.it", "action": "delete", "attributes": [], "destructive": True}],
}


@pytest.fixture(autouse=True)
def standing(stackyard: Stackyard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """shop-dev, which stands, with its code in a record of the test's own."""
    monkeypatch.setattr(get_settings(), "data", tmp_path)
    assert create(stackyard).exit_code == 0
    keep(ready(Run.objects.get()).environment, tmp_path)


Step = Callable[[Run], object]


@contextmanager
def worker(*steps: Step) -> Iterator[None]:
    """A worker's stand-in: each step is done with the newest run once that is queued."""
    stop = threading.Event()

    def work() -> None:
        from django.db import connections

        try:
            for step in steps:
                while (run := Run.objects.filter(status="queued").last()) is None:
                    if stop.wait(0.02):
                        return
                step(run)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def waits(**plan: Any) -> Step:
    def step(run: Run) -> None:
        Run.objects.filter(pk=run.pk).update(status="waiting", plan={**TAKES_AWAY, **plan})

    return step


def waits_for_platform(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status="waiting", plan=TAKES_AWAY, approval_role="platform")


def succeeds(run: Run) -> None:
    end(run, "succeeded", "ready")


def changed() -> Run:
    return Run.objects.get(kind="change")


@pytest.mark.parametrize("confirm", [(), ("--confirm", "shop-dev")], ids=["without", "with"])
def test_where_nobody_can_be_asked_only_confirm_says_yes(stackyard: Stackyard, confirm: tuple[str, ...]) -> None:
    with worker(waits(), succeeds):
        result = stackyard(*CHANGE, *(confirm or ("--wait",)))
    assert "- aws_s3_bucket.it (what is in it is lost)" in result.stdout
    if confirm:
        assert result.exit_code == 0, result.stderr
        assert (changed().status, changed().approved_by is not None) == ("succeeded", True)
        assert result.stdout.count("module.service: created") == 1, "the log is told once"
        assert "shop-dev: change succeeded." in result.stdout
    else:
        assert result.exit_code == 5
        assert changed().status == "waiting"
        assert f"stackyard run approve {changed().pk} --confirm shop-dev" in result.stderr


def test_a_run_that_waits_is_json_on_standard_output_and_words_elsewhere(stackyard: Stackyard) -> None:
    with worker(waits()):
        result = stackyard(*CHANGE, "--wait", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["status"] == "waiting"
    assert "aws_s3_bucket.it" in result.stderr


@pytest.mark.parametrize(
    ("typed", "code", "status"), [("shop-dev", 0, "succeeded"), ("", 5, "waiting"), ("shop-de", 2, "waiting")]
)
def test_at_a_terminal_the_slug_is_typed(
    stackyard: Stackyard, monkeypatch: pytest.MonkeyPatch, typed: str, code: int, status: str
) -> None:
    monkeypatch.setattr(answering, "somebody_is_there", lambda: True)
    with worker(waits(), succeeds):
        result = stackyard(*CHANGE, "--wait", input=f"{typed}\n")
    assert (result.exit_code, changed().status) == (code, status), result.stderr
    assert "Type shop-dev to apply it" in result.stderr
    assert code == 0 or f"stackyard run reject {changed().pk}" in result.stderr


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 5)])
def test_a_plan_that_takes_nothing_away_is_a_yes_or_no(
    stackyard: Stackyard, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    monkeypatch.setattr(answering, "somebody_is_there", lambda: True)
    with worker(waits(destructive=False, changes=[]), succeeds):
        result = stackyard(*CHANGE, "--ask", "--wait", input=f"{typed}\n")
    assert result.exit_code == code, result.stderr


def test_without_a_terminal_what_was_to_be_asked_is_not_applied_unasked(stackyard: Stackyard) -> None:
    with worker(waits(destructive=False, changes=[])):
        result = stackyard(*CHANGE, "--ask", "--wait")
    assert (result.exit_code, changed().status) == (5, "waiting")


def test_what_was_confirmed_is_one_plan(stackyard: Stackyard) -> None:
    with worker(waits(), waits(digest="second")):
        result = stackyard(*CHANGE, "--confirm", "shop-dev")
    assert result.exit_code == 5, result.stderr
    assert (changed().status, changed().plan["digest"]) == ("waiting", "second")


def test_whom_the_rule_does_not_name_is_not_asked(
    stackyard: Stackyard, org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "somebody_is_there", lambda: True)
    with worker(waits_for_platform):
        result = stackyard(*CHANGE, "--confirm", "shop-dev")
    assert result.exit_code == 5
    assert "waits for approval by platform staff" in result.stderr
    assert "Type" not in result.stderr


def test_destroying_by_a_rule_asks_as_well(stackyard: Stackyard) -> None:
    with worker(waits()):
        result = stackyard("env", "destroy", "shop-dev", "--yes", "--wait")
    assert result.exit_code == 5
    assert "stackyard run approve" in result.stderr


def test_a_run_shows_its_plan_and_how_to_answer(stackyard: Stackyard) -> None:
    with worker(waits()):
        stackyard(*CHANGE, "--wait")
    shown = stackyard("run", "show", str(changed().pk)).stdout
    assert "- aws_s3_bucket.it (what is in it is lost)" in shown
    assert "Plan: 1 to destroy." in shown
    assert f"`stackyard run reject {changed().pk}` ends it." in shown
    listed = stackyard("run", "list", "--status", "waiting").stdout
    assert listed.startswith(f"{changed().pk}\tshop-dev\tchange\twaiting\t")


def test_the_name_of_an_entry_may_hold_dots(stackyard: Stackyard) -> None:
    result = stackyard("env", "change", "shop-dev", "--set", "container.environment.a.b=1")
    assert result.exit_code == 0, result.stderr
    assert '+      "a.b" = "1"' in result.stdout
    assert changed().request["set"] == {'container.environment["a.b"]': "1"}


def test_nothing_applied_is_said(stackyard: Stackyard) -> None:
    def without_changes(run: Run) -> None:
        Run.objects.filter(pk=run.pk).update(plan={"summary": "no changes", "changes": [], "destructive": False})
        succeeds(run)
        run.stages.filter(name="apply").update(status="skipped")

    with worker(without_changes):
        result = stackyard(*CHANGE, "--wait")
    assert result.exit_code == 0, result.stderr
    assert "shop-dev: change succeeded; nothing was applied." in result.stdout
