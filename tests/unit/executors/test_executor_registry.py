"""Executors by name."""

from pathlib import Path

import pytest

from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Unusable
from stackyard.executors import registry
from stackyard.executors.interfaces import Executor, Place
from stackyard.executors.local import LocalExecutor
from stackyard.settings import Settings

PLACE = Place(SandboxAccess("111122223333", "eu-central-1", "arn:aws:iam::111122223333:role/stackyard", "", ""))


def test_one_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="no executor 'jenkins'") as refused:
        registry.executor_for("jenkins", Settings(data=tmp_path), PLACE)
    assert "local" in refused.value.hint


def test_one_can_be_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_known", dict(registry._known))

    @registry.register("other")
    def other(settings: Settings, place: Place) -> Executor:
        return LocalExecutor.from_settings(settings, emulated=place.access.emulated)

    assert isinstance(registry.executor_for("other", Settings(data=tmp_path), PLACE), LocalExecutor)
