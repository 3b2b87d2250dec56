"""Where Terraform finds the AWS provider: for emulated sandboxes a mirror unpacked from a wheel, else the usual
registry."""

import contextlib
import hashlib
import importlib.util
import json
import shutil
import stat
import tempfile
import zipfile
from pathlib import Path

from stackyard.errors import Unusable

VERSION = "3.39.0"
# The checksum that HashiCorp published for the release's linux_amd64 zip (terraform-provider-aws_3.39.0_SHA256SUMS).
SHA256 = "4b75e0a259b56d97e66b7d69f3f25bd4cc7be2440c0fe35529f46de7d40a49d3"
_HOSTS = ("registry.terraform.io", "registry.opentofu.org")


def provider_mirror(directory: Path) -> Path:
    """A filesystem mirror with AWS provider 3.39.0 under `directory`, unpacked once and then only found.

    Unpacked, because a packed one is copied out again (170 MB) by every `init`. Raises Unusable when the wheel is
    missing or its content is not the published release.
    """
    place = directory / _HOSTS[0] / "hashicorp" / "aws" / VERSION / "linux_amd64"
    if not place.exists():
        archive = _archive()
        _check(archive)
        place.parent.mkdir(parents=True, exist_ok=True)
        unpacked = Path(tempfile.mkdtemp(prefix=".unpack-", dir=place.parent))
        try:
            with zipfile.ZipFile(archive) as content:
                content.extractall(unpacked)
            for file in unpacked.iterdir():
                file.chmod(file.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            unpacked.chmod(0o755)
            unpacked.rename(place)
        except OSError:
            if not place.exists():  # otherwise another process was quicker
                raise
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)
    for host in _HOSTS[1:]:
        with contextlib.suppress(FileExistsError):
            (directory / host).symlink_to(_HOSTS[0])
    return directory


def write_cli_config(path: Path, mirror: Path | None) -> Path:
    """Write a CLI configuration that takes the AWS provider from `mirror` and nothing else, or from the registry.

    It is always set: any other configuration on the machine could change what is built.
    """
    lines = ["disable_checkpoint = true", "provider_installation {"]
    if mirror is None:
        lines.append("  direct {}")
    else:
        # A string of this language (HCL 1) is written as one of JSON's.
        lines += ["  filesystem_mirror {", f"    path = {json.dumps(str(mirror), ensure_ascii=False)}", "  }"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")
    return path


def _archive() -> Path:
    wheel = importlib.util.find_spec("cloudrail")
    for place in (wheel.submodule_search_locations or ()) if wheel is not None else ():
        found = Path(place) / "terraform_plugins" / f"terraform-provider-aws_{VERSION}_linux_amd64.zip"
        if found.exists():
            return found
    raise Unusable("The wheel with the AWS provider is not installed.", hint="Run `make setup` again (Linux x86-64).")


def _check(archive: Path) -> None:
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise Unusable(
            f"{archive.name} is not the published AWS provider {VERSION}: its checksum is {found}.",
            hint="Do not use this installation; set it up again from a trusted index.",
        )
