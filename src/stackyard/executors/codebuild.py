"""The executor that lets AWS CodeBuild do the work, in the account of the sandbox."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stackyard.aws import builds
from stackyard.aws.state_bucket import read_state, unlock_state
from stackyard.executors.interfaces import Builder, Note, Place, Purpose
from stackyard.executors.local import LocalExecutor
from stackyard.executors.remote import Out, RemoteTerraform
from stackyard.settings import Settings
from stackyard.terraform.events import Event
from stackyard.terraform.providers import write_cli_config
from stackyard.terraform.workdir import Workdir

NAME = "codebuild"
FIELDS = frozenset(builds.Build.__dataclass_fields__)


@dataclass(frozen=True)
class CodeBuild:
    """Jobs as builds of the pipeline in a sandbox's account (`pipeline/aws`)."""

    place: Place
    name: str = "CodeBuild"

    @property
    def _where(self) -> builds.BuildPlace:
        return builds.BuildPlace.of(self.place.access, self.place.options)

    def results(self, key: str) -> str:
        """As `Builder.results`."""
        return f"s3://{self._where.results}/{builds.results_of(key)}"

    def begin(self, reference: Mapping[str, Any], package: Path) -> dict[str, Any]:
        """As `Builder.begin`: the upload starts it."""
        return {**reference, **asdict(builds.start(self.place.access, self._where, reference["key"], package))}

    def look(self, reference: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """As `Builder.look`."""
        build, lines = builds.look(self.place.access, self._where, _build(reference))
        links = {"Build": self._link(build)} if build.build else {}
        return {**reference, **asdict(build), "ended": build.ended, "links": links}, lines

    def _link(self, build: builds.Build) -> str:
        """The page of the build in AWS's console; on the emulator, which has none, its id."""
        access, project = self.place.access, build.build.partition(":")[0].rpartition("/")[2]
        if access.emulated:
            return build.build
        number = build.build.replace(":", "%3A")
        return (
            f"https://{access.region}.console.aws.amazon.com/codesuite/codebuild/{access.account_id}/projects/"
            f"{project}/build/{number}/?region={access.region}"
        )

    def stop(self, reference: Mapping[str, Any]) -> None:
        """As `Builder.stop`."""
        builds.stop(self.place.access, self._where, _build(reference))

    def collect(self, reference: Mapping[str, Any], folder: Path) -> bool:
        """As `Builder.collect`."""
        return builds.collect(self.place.access, self._where, _build(reference), folder)

    def clear(self, reference: Mapping[str, Any]) -> None:
        """As `Builder.clear`."""
        builds.clear(self.place.access, self._where, _build(reference))
        if reference.get("secret"):
            builds.take_back(self.place.access, reference["secret"])

    def was_begun(self, reference: Mapping[str, Any]) -> bool:
        """As `Builder.was_begun`."""
        return builds.is_there(self.place.access, self._where, reference["key"])

    def hand_over(self, name: str, secrets: Mapping[str, str]) -> None:
        """As `Builder.hand_over`: in the account's Secrets Manager."""
        builds.hand_over(self.place.access, name, secrets)


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


def codebuild(settings: Settings, place: Place) -> RemoteExecutor:
    """A factory for the registry."""
    return RemoteExecutor(settings, place, CodeBuild(place), NAME)


def _build(reference: Mapping[str, Any]) -> builds.Build:
    return builds.Build(**{name: value for name, value in reference.items() if name in FIELDS})
