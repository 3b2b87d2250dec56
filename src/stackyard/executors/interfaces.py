"""What an executor offers: Terraform on a work folder, wherever it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from stackyard.aws.sessions import SandboxAccess
from stackyard.terraform.commands import Terraform
from stackyard.terraform.events import Event
from stackyard.terraform.workdir import Workdir


@dataclass(frozen=True)
class Place:
    """The sandbox that is built in, and the options of its executor."""

    access: SandboxAccess
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Purpose:
    """What Terraform is for: names of it for people, and for whatever lies outside of the work folder. The state's
    bucket and key are empty where it lies elsewhere."""

    run: int
    environment: str
    uid: str
    state_bucket: str = ""
    state_key: str = ""


class Noted(Protocol):
    """Something at work that a row remembers: a process, or a build elsewhere."""

    def as_dict(self) -> dict[str, Any]:
        """For a row."""
        ...


class Note(Protocol):
    """Hears of what begins to work, and None when it has ended. Awaiting the answer waits until it is written."""

    def __call__(self, noted: Noted | None, /) -> Awaitable[None] | None:
        """Write it down."""
        ...


class Executor(Protocol):
    """Where Terraform runs."""

    def terraform(
        self,
        workdir: Workdir,
        env: Mapping[str, str],
        *,
        purpose: Purpose,
        attached: Mapping[str, Any] | None,
        on_event: Callable[[Event], None],
        on_process: Note,
    ) -> Terraform:
        """Terraform bound to a work folder. `env` is what it needs beside the allow-list: access to AWS and state.

        `attached` is what `on_process` wrote last for this run, when that may still be at work elsewhere.
        """
        ...


class Builder(Protocol):
    """A service that does jobs (`executors.job`) on its own machines. All calls block, and may be made again. `begin`
    and `stop` raise Away when the service does not answer for now.

    What they take and give is a JSON-able object of the builder's own, the reference. It begins as `{"key": ...,
    "secret": ..., "asked": ...}`: the package, the name of the secret or "", and when that was, in ISO 8601.
    """

    @property
    def name(self) -> str:
        """As people call it."""
        ...

    @property
    def live(self) -> bool:
        """Whether a job has to bring what it says to its results while it works, because the service shows it late."""
        ...

    def key(self, name: str) -> str:
        """The key of the package of a job with this name."""
        ...

    def results(self, key: str) -> str:
        """Where the job with this key brings what it leaves."""
        ...

    def begin(self, reference: Mapping[str, Any], package: Path) -> dict[str, Any]:
        """Start the job with this key, unless it was started already."""
        ...

    def look(self, reference: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """How far it is, and the lines it said since the last look. In the reference that comes back `ended` is true
        when it is, `links` lead to it, `notice` is what people should know now, `why` is why it has no result, and with
        `final` another one would have none, either."""
        ...

    def stop(self, reference: Mapping[str, Any]) -> bool:
        """Ask it to stop; False when that cannot be asked yet."""
        ...

    def collect(self, reference: Mapping[str, Any], folder: Path) -> bool:
        """Write what it left into `folder`; False when it left no result."""
        ...

    def clear(self, reference: Mapping[str, Any]) -> None:
        """Delete package, results and secrets."""
        ...

    def was_begun(self, reference: Mapping[str, Any]) -> bool:
        """Whether such a job was ever started. When not, it never will be, also by what may still be on its way."""
        ...

    def hand_over(self, name: str, secrets: Mapping[str, str]) -> None:
        """Put secrets where only the job reads them."""
        ...
