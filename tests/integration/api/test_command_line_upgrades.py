"""`stackyard env upgrade` and `stackyard pattern impact`, against a real server."""

import json
import shutil
from pathlib import Path

import pytest
from tests.factories import Organisation
from tests.integration.api.test_command_line import Stackyard, create, org, server, stackyard
from tests.integration.portal.site import keep, ready
from tests.versions import by_hand, own_catalogue, publish

from stackyard.cmdb.models import ApiToken, Environment, Run
from stackyard.settings import get_settings

__all__ = ["org", "server", "stackyard"]

VERSION_2 = {
    "locals.tf": (
        ("retention_days = 14", "retention_days = 30"),
        ("  # How many tasks run.\n", "  # Trace requests.\n  tracing = false\n\n  # How many tasks run.\n"),
    )
}
UPGRADE = ("env", "upgrade", "shop-dev")


@pytest.fixture(autouse=True)
def folder(stackyard: Stackyard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """shop-dev stands on version 1 of the only pattern, with a retention of its own."""
    monkeypatch.setattr(get_settings(), "data", tmp_path / "data")
    made = own_catalogue(tmp_path, monkeypatch, "ecs-service")
    assert create(stackyard).exit_code == 0
    keep(ready(Run.objects.get()).environment, tmp_path / "data")
    by_hand(Environment.objects.get(), "locals.tf", "retention_days = 14", "retention_days = 7")
    return made


def test_without_a_newer_version_there_is_nothing_to_do(stackyard: Stackyard) -> None:
    result = stackyard(*UPGRADE)
    assert result.exit_code == 5
    assert "the catalogue has nothing newer" in result.stderr


def test_a_conflict_is_told_with_what_to_type(stackyard: Stackyard, folder: Path) -> None:
    publish(folder, "2.0.0", VERSION_2)
    result = stackyard(*UPGRADE, "--yes")
    assert result.exit_code == 2
    assert "ecs-service: 1.0.0 -> 2.0.0" in result.stdout
    assert "old 14   new 30   mine 7" in result.stdout
    assert "--take logs.retention_days=mine|new" in result.stderr
    assert not Run.objects.filter(kind="change").exists()


def test_what_was_taken_and_set_is_asked_for(stackyard: Stackyard, folder: Path) -> None:
    publish(folder, "2.0.0", VERSION_2)
    taken = ("--take", "logs.retention_days=mine", "--set", "tracing=true")
    looked = stackyard(*UPGRADE, *taken, "--diff", "--json")
    assert looked.exit_code == 0
    seen = json.loads(looked.stdout)
    assert [c["decided"] for c in seen["conflicts"]] == [True]
    assert any("tracing = true" in line for line in seen["diff"])
    assert not Run.objects.filter(kind="change").exists(), "to look starts nothing"
    result = stackyard(*UPGRADE, *taken, "--yes")
    assert result.exit_code == 0, result.stderr
    run = Run.objects.get(kind="change")
    assert (run.request["take"], run.request["set"]) == ({"logs.retention_days": "mine"}, {"tracing": True})


@pytest.mark.parametrize("wrong", ["logs.retention_days", "logs.retention_days=both", "=", "nothing=mine"])
def test_a_wrong_word_is_refused(stackyard: Stackyard, folder: Path, wrong: str) -> None:
    publish(folder, "2.0.0", VERSION_2)
    assert stackyard(*UPGRADE, "--take", wrong).exit_code == 2
    assert not Run.objects.filter(kind="change").exists()


def test_what_a_version_breaks_is_told_before_and_after_it_is_published(
    stackyard: Stackyard, org: Organisation, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine" / "patterns" / "ecs-service"
    shutil.copytree(folder, mine)
    publish(mine, "2.0.0", VERSION_2)
    assert stackyard("pattern", "impact", "ecs-service").exit_code == 0
    assert stackyard("pattern", "impact", str(mine)).exit_code == 4, "platform staff only"
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.platform, "test")[1])
    before = stackyard("pattern", "impact", str(mine))
    assert before.exit_code == 1, before.stderr
    assert "ecs-service 2.0.0 breaks 1 of 1 environments." in before.stdout
    publish(folder, "2.0.0", VERSION_2)
    after = stackyard("pattern", "impact", "ecs-service")
    assert after.exit_code == 1
    assert "conflict: logs.retention_days" in after.stdout
    assert "ecs-service 2.0.0 breaks 1 of 1 environments." in after.stdout
