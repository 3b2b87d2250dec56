"""What the stages of one run share: who it is for, its lease, its work folder, its Terraform and its log."""

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.sessions import SandboxAccess
from stackyard.cmdb.models import Environment, PatternVersion, Run, Sandbox
from stackyard.errors import Cancelled
from stackyard.executors.interfaces import Executor
from stackyard.patterns.manifest import Manifest
from stackyard.runs.lease import Lease
from stackyard.runs.log import RunLog
from stackyard.runs.wish import Wish
from stackyard.settings import Settings
from stackyard.terraform.commands import Terraform
from stackyard.terraform.plan import Plan
from stackyard.terraform.state import State
from stackyard.terraform.workdir import Workdir


@dataclass
class RunContext:
    """Handed from stage to stage. Everything in it can be rebuilt from the database, so a run can change its worker."""

    run: Run
    environment: Environment
    sandbox: Sandbox
    pattern: PatternVersion
    lease: Lease
    log: RunLog
    settings: Settings
    executor: Executor
    terraform: Terraform
    workdir: Workdir
    access: SandboxAccess
    cancelled: bool = False
    # Set together with `cancelled`, for whoever waits.
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    # Seconds that the stages took before this worker began, without approval; and when it began.
    earlier_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)
    # Set right before the lease is given back: from then on losing it is no surprise.
    ending: bool = False
    # This worker has initialised Terraform in the work folder, so that it knows the state.
    ready: bool = False
    plan: Plan | None = None
    # What stands after the apply of this attempt (`runs.pg_state`); the stages after it share it.
    state: State | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    # The fetched code is somebody's own edit of what this run proposed: the wish is not fulfilled in it again.
    by_hand: bool = False
    # Names of stages that have nothing to do in this run.
    skip: set[str] = field(default_factory=set)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the pattern version that built this environment, as it was then."""
        return Manifest.model_validate(self.pattern.manifest)

    @property
    def wish(self) -> Wish:
        """What was asked of a change."""
        return Wish.from_dict(self.run.request)

    @property
    def facts(self) -> BaselineFacts:
        """The ids of the sandbox's baseline."""
        return BaselineFacts.from_dict(self.sandbox.facts)

    @property
    def record_folder(self) -> Path:
        """The environment's folder in the record."""
        return Path(self.environment.record_folder)

    def worked_seconds(self) -> float:
        """How long this run has worked so far, over all its workers."""
        return self.earlier_seconds + time.monotonic() - self.began

    def stop_if_cancelled(self) -> None:
        """Between two steps: stop when a person asked for it. A rollback is never stopped."""
        if self.cancelled and not self.run.rolling_back:
            raise Cancelled("Cancelled on request.")


def parent_access_to(sandbox: Sandbox, settings: Settings) -> SandboxAccess | None:
    """How the account of the parent zone is reached: through its own role, or the sandbox's when there is none. None:
    somebody else looks after that zone."""
    if not sandbox.parent_zone_id:
        return None
    own = access_to(sandbox, settings)
    if not sandbox.parent_role_arn:
        return own
    account = sandbox.parent_role_arn.split(":")[4]
    return replace(own, account_id=account, role_arn=sandbox.parent_role_arn, external_id=sandbox.parent_external_id)


def access_to(sandbox: Sandbox, settings: Settings) -> SandboxAccess:
    """How AWS is reached for this sandbox: through its role, at AWS or at the emulator."""
    return SandboxAccess(
        account_id=sandbox.account_id,
        region=sandbox.region,
        role_arn=sandbox.role_arn,
        external_id=sandbox.external_id,
        endpoint=settings.aws_endpoint if sandbox.emulated else "",
    )
