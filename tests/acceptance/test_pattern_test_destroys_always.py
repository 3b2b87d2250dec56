"""As a pattern's author I stop a test, or it breaks where nobody thought of it, and nothing of it is left in AWS."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stackyard.aws.inventory import leftovers
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings
from stackyard.testing.place import emulated_place
from stackyard.testing.variant import TAG, Trial

pytestmark = [pytest.mark.journey, pytest.mark.long]


@pytest.mark.parametrize("how", ["stopped", "broken"])
def test_what_was_applied_is_destroyed_whatever_happens(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    with emulated_place() as place:
        trial = Trial(
            Catalogue.from_settings().get("ecs-worker"), "defaults", {}, None, place, 1, get_settings(), tmp_path
        )
        if how == "broken":
            monkeypatch.setattr("stackyard.testing.variant.prove_path", _breaks)

        async def begin() -> Any:
            task = asyncio.ensure_future(trial.run(lambda _, step: heard.append(step)))
            while how == "stopped" and "verify" not in heard:
                await asyncio.sleep(0.05)
            if how == "stopped":
                task.cancel()
            return await task

        if how == "stopped":
            with pytest.raises(asyncio.CancelledError):
                asyncio.run(begin())
        else:
            steps = {step.name: step for step in asyncio.run(begin()).steps}
            assert (steps["verify"].outcome, steps["verify"].message) == ("failed", "ZeroDivisionError: unforeseen")
            assert steps["proof of deletion"].outcome == "passed"
        assert heard[-2:] == ["destroy", "proof of deletion"]
        assert any("Destruction complete" in line for line in trial.log)
        assert leftovers(place.access, tag_key=TAG, tag_value=trial.uid, name=trial.slug) == []


def _breaks(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("unforeseen")
