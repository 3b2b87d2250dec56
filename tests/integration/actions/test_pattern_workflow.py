"""The workflow for a repository of patterns tests them, and keeps the reports."""

import shutil
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from tests.actions import NOTHING, Act, make_repository

from stackyard.settings import get_settings

ROOT = Path(__file__).resolve().parents[3]
WORKFLOW = ROOT / "pipeline" / "github" / "patterns" / ".github" / "workflows" / "test-patterns.yml"


def repository(folder: Path) -> Act:
    checkout = make_repository(folder / "checkout", {".github/workflows/test-patterns.yml": WORKFLOW.read_text()})
    data = {"STACKYARD_DATA": str(get_settings().data.resolve())}
    act = Act(checkout, {"actions/upload-artifact": NOTHING}, data)
    act.program("stackyard", f'#!/bin/sh\nexec {sys.executable} -m stackyard.cli "$@"\n')
    return act


@pytest.mark.long
@pytest.mark.journey
def test_each_pattern_is_tested(tmp_path: Path) -> None:
    act = repository(tmp_path)
    shutil.copytree(ROOT / "patterns" / "ecs-worker", act.repository / "patterns" / "ecs-worker")
    shutil.copytree(ROOT / "modules", act.repository / "modules")
    kept = tmp_path / "kept"
    act.uses = {"actions/upload-artifact": keeping(tmp_path / "keep", kept)}
    done = act.run(WORKFLOW, "push", {"ref": "refs/heads/main"})
    assert done.returncode == 0, done.stdout + done.stderr
    suite = ET.parse(kept / "ecs-worker.xml").getroot()  # noqa: S314, our own report
    names = [case.get("name") for case in suite.iter("testcase")]
    assert names, "the report tells steps"
    assert not list(suite.iter("failure"))


def test_a_repository_without_patterns_is_red(tmp_path: Path) -> None:
    done = repository(tmp_path).run(WORKFLOW, "push", {"ref": "refs/heads/main"})
    assert done.returncode == 1
    assert "There is no patterns/<name>/pattern.yaml" in done.stdout


def keeping(folder: Path, kept: Path) -> Path:
    """An action that copies the reports to where the test finds them."""
    folder.mkdir()
    text = f'mkdir -p "{kept}" && cp reports/*.xml "{kept}/"'
    (folder / "action.yml").write_text(
        "name: Keep\ndescription: For tests\nruns:\n  using: composite\n  steps:\n    - shell: bash\n"
        f"      run: {text}\n"
    )
    return folder
