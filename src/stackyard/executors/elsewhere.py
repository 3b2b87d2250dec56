"""What executors share whose jobs are done elsewhere: Terraform at a builder, and buckets of the sandbox's account for
what goes out and comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stackyard.aws import jobs
from stackyard.aws.state_bucket import read_state, unlock_state
from stackyard.executors.interfaces import Builder, Note, Place, Purpose
from stackyard.executors.local import LocalExecutor
from stackyard.executors.remote import Out, RemoteTerraform
from stackyard.settings import Settings
from stackyard.terraform.events import Event
from stackyard.terraform.providers import write_cli_config
from stackyard.terraform.workdir import Workdir


@dataclass(frozen=True)
class InBuckets:
    """The part of a builder that is the same wherever its machines are."""

    place: Place

    @property
    def buckets(self) -> jobs.Buckets:
        """Where packages and results lie."""
        return jobs.Buckets.of(self.place.access, self.place.options)

    def results(self, key: str) -> str:
        """As `Builder.results`."""
        return f"s3://{self.buckets.results}/{jobs.results_of(key)}"

    def collect(self, reference: Mapping[str, Any], folder: Path) -> bool:
        """As `Builder.collect`."""
        return jobs.collect(self.place.access, self.buckets, reference["key"], folder)

    def clear(self, reference: Mapping[str, Any]) -> None:
        """As `Builder.clear`."""
        jobs.clear(self.place.access, self.buckets, reference["key"])
        if reference.get("secret"):
            jobs.take_back(self.place.access, reference["secret"])

    def hand_over(self, name: str, secrets: Mapping[str, str]) -> None:
        """As `Builder.hand_over`: in the account's Secrets Manager."""
        jobs.hand_over(self.place.access, name, secrets)


@dataclass(frozen=True)
class RemoteExecutor:
    """Terraform at a builder; what has to run here runs on the local engine."""

    settings: Settings
    place: Place
    builder: Builder
    executor: str

    def terraform(
        self,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        purpose: Purpose,
        attached: Mapping[str, Any] | None,
        on_event: Callable[[Event], None],
        on_process: Note,
    ) -> RemoteTerraform:
        """As `Executor.terraform`."""
        access = self.place.access
        local = LocalExecutor.from_settings(self.settings, emulated=access.emulated)
        workdir.prepare()
        write_cli_config(workdir.cli_config, local.mirror)
        made = RemoteTerraform(
            local.engine, workdir, env, on_event=on_event, on_process=on_process, grace_seconds=local.grace_seconds
        )
        made.builder, made.purpose, made.executor = self.builder, purpose, self.executor
        made.account = {"region": access.region, "account_id": access.account_id, "emulated": access.emulated}
        made.state_text = partial(read_state, access, purpose.state_bucket, purpose.state_key)
        made.unlock = partial(unlock_state, access, purpose.state_bucket, purpose.state_key)
        made.attached = Out.from_dict(attached) if attached and "executor" in attached else None
        made.pause_seconds = 0.3 if access.emulated else 3.0
        return made
