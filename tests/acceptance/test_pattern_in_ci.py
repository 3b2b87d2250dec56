"""As the author of a pattern I test it as a whole in my own CI: built, proven, changed, destroyed, nothing left."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from stackyard.settings import get_settings

pytestmark = pytest.mark.journey


def test_a_good_pattern_passes_every_step(stackyard_pattern: Any) -> None:
    settings = get_settings()
    report = stackyard_pattern(settings.patterns / "ecs-worker", {"container.memory": 1024}, modules=settings.modules)
    assert [(s.name, s.outcome) for s in report.variants[0].steps] == [
        (name, "passed")
        for name in ("init", "plan", "apply", "verify", "plan again", "change", "destroy", "proof of deletion")
    ]


def test_a_pattern_that_never_comes_to_rest_fails_and_leaves_nothing(stackyard_pattern: Any, tmp_path: Path) -> None:
    settings = get_settings()
    folder = tmp_path / "patterns" / "ecs-worker"
    shutil.copytree(settings.patterns / "ecs-worker", folder)
    (folder / "restless.tf").write_text('resource "terraform_data" "clock" {\n  input = timestamp()\n}\n')
    with pytest.raises(pytest.fail.Exception) as failure:
        stackyard_pattern(folder, modules=settings.modules)
    assert "plan again failed: A plan right after an apply still has something to do" in str(failure.value)
    assert "terraform_data.clock" in str(failure.value)
