"""The executor that lets AWS CodeBuild do the work, in the account of the sandbox."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stackyard.aws import builds
from stackyard.executors.elsewhere import InBuckets, RemoteExecutor
from stackyard.executors.interfaces import Place
from stackyard.settings import Settings

NAME = "codebuild"
OPTIONS = ("packages", "results", "pipeline")
FIELDS = frozenset(builds.Build.__dataclass_fields__)


@dataclass(frozen=True)
class CodeBuild(InBuckets):
    """Jobs as builds of the pipeline in a sandbox's account (`modules/builds`)."""

    name: str = "CodeBuild"
    live: bool = False

    @property
    def buckets(self) -> builds.BuildPlace:
        """Where packages and results lie, and the pipeline between them."""
        return builds.BuildPlace.of(self.place.access, self.place.options)

    def key(self, name: str) -> str:
        """As `Builder.key`: what comes in there starts the pipeline."""
        return f"jobs/{name}.zip"

    def begin(self, reference: Mapping[str, Any], package: Path) -> dict[str, Any]:
        """As `Builder.begin`: the upload starts it."""
        return {**reference, **asdict(builds.start(self.place.access, self.buckets, reference["key"], package))}

    def look(self, reference: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """As `Builder.look`."""
        build, lines = builds.look(self.place.access, self.buckets, _build(reference))
        links = {"Build": self._link(build)} if build.build else {}
        why = f"The build ended as {build.status} and left no result."
        return {**reference, **asdict(build), "ended": build.ended, "links": links, "why": why}, lines

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

    def stop(self, reference: Mapping[str, Any]) -> bool:
        """As `Builder.stop`."""
        return builds.stop(self.place.access, self.buckets, _build(reference))

    def was_begun(self, reference: Mapping[str, Any]) -> bool:
        """As `Builder.was_begun`."""
        return builds.is_there(self.place.access, self.buckets, reference["key"])


def codebuild(settings: Settings, place: Place) -> RemoteExecutor:
    """A factory for the registry."""
    return RemoteExecutor(settings, place, CodeBuild(place), NAME)


def _build(reference: Mapping[str, Any]) -> builds.Build:
    return builds.Build(**{name: value for name, value in reference.items() if name in FIELDS})
