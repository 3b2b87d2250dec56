"""What an executor offers: Terraform on a work folder, wherever it runs."""

from collections.abc import Callable, Mapping
from typing import Protocol

from stackyard.terraform.commands import Terraform
from stackyard.terraform.events import Event
from stackyard.terraform.processes import Process
from stackyard.terraform.workdir import Workdir


class Executor(Protocol):
    """Where Terraform runs."""

    def terraform(
        self,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        on_event: Callable[[Event], None],
        on_process: Callable[[Process | None], None],
    ) -> Terraform:
        """Terraform bound to a work folder. `env` is what it needs beside the allow-list: access to AWS and state."""
        ...
