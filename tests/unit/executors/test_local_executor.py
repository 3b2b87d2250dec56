"""The executor of this machine makes the work folder ready and hands over what the settings say."""

from pathlib import Path

import pytest

from stackyard.executors import local
from stackyard.executors.interfaces import Executor
from stackyard.executors.local import LocalExecutor
from stackyard.settings import Settings
from stackyard.terraform.engine import Engine
from stackyard.terraform.workdir import Workdir

ENGINE = Engine("terraform", "1.11.4", ("terraform",))


def test_the_work_folder_is_ready_for_terraform(tmp_path: Path) -> None:
    executor: Executor = LocalExecutor(ENGINE, tmp_path / "mirror")
    workdir = Workdir(tmp_path / "w")
    terraform = executor.terraform(workdir, {}, on_event=lambda e: None, on_process=lambda p: None)
    assert terraform.engine == ENGINE
    assert str(tmp_path / "mirror") in workdir.cli_config.read_text()
    assert workdir.code.is_dir()


def test_only_emulated_sandboxes_take_the_provider_from_the_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "find_engine", lambda choice: ENGINE)
    monkeypatch.setattr(local, "provider_mirror", lambda directory: directory)
    settings = Settings(data=tmp_path, grace_seconds=7)
    assert LocalExecutor.from_settings(settings, emulated=False) == LocalExecutor(ENGINE, None, grace_seconds=7)
    assert LocalExecutor.from_settings(settings, emulated=True).mirror == tmp_path / "providers"
