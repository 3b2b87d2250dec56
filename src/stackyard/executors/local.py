"""The executor that runs Terraform on this machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stackyard.executors.interfaces import Note, Purpose
from stackyard.settings import Settings
from stackyard.terraform.commands import Terraform
from stackyard.terraform.engine import Engine, find_engine
from stackyard.terraform.events import Event
from stackyard.terraform.providers import provider_mirror, write_cli_config
from stackyard.terraform.workdir import Workdir


@dataclass(frozen=True)
class LocalExecutor:
    """Terraform as a child process. `mirror` is where the AWS provider comes from; None: the registry."""

    engine: Engine
    mirror: Path | None
    grace_seconds: float = 30

    @classmethod
    def from_settings(cls, settings: Settings, *, emulated: bool) -> "LocalExecutor":
        """The engine that the settings name; for emulated sandboxes the provider that knows the emulator's API."""
        mirror = provider_mirror(settings.data.resolve() / "providers") if emulated else None
        return cls(find_engine(settings.engine), mirror, grace_seconds=settings.grace_seconds)

    def terraform(
        self,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        purpose: Purpose | None = None,
        attached: Mapping[str, Any] | None = None,
        on_event: Callable[[Event], None] = lambda event: None,
        on_process: Note = lambda process: None,
    ) -> Terraform:
        """Terraform bound to a work folder, which is made ready. It needs no `purpose`, and what an earlier worker had
        at work here (`attached`) has been ended."""
        workdir.prepare()
        write_cli_config(workdir.cli_config, self.mirror)
        return Terraform(
            self.engine,
            workdir,
            env,
            on_event=on_event,
            on_process=on_process,
            grace_seconds=self.grace_seconds,
        )
