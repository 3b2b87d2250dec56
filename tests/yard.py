"""A working yard for tests: an organisation, a sandbox with its baseline on the emulator, and a worker in-process."""

import asyncio
import contextlib
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.sessions import SandboxAccess
from stackyard.cmdb.models import Environment, Run, RunEvent, Sandbox
from stackyard.environments.allocate import claim_rule_priority
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.requests import CreateRequest
from stackyard.runs.context import access_to
from stackyard.runs.database import in_database
from stackyard.runs.worker import work
from stackyard.settings import get_settings
from tests.factories import Organisation, make_organisation


@dataclass
class Yard:
    """What a user story needs."""

    org: Organisation
    emulator: Emulator

    @property
    def user(self) -> User:
        """The person who asks."""
        return self.org.requester

    def access(self, sandbox: Sandbox) -> SandboxAccess:
        """AWS of a sandbox."""
        return access_to(sandbox, get_settings())

    def create(self, name: str = "dev", pattern: str = "ecs-worker", **settings: object) -> Run:
        """Ask for an environment, of the quickest pattern, which has no DNS record to wait for; `__` is a dot."""
        dotted = {key.replace("__", "."): value for key, value in settings.items()}
        return create(self.user, CreateRequest("shop", pattern, name, settings=dotted), via="api")

    def give_a_number(self, run: Run) -> Run:
        """Let the run's environment hold a rule's priority, so that there is something that must not be given back too
        early: the quickest pattern claims nothing."""
        with transaction.atomic():
            claim_rule_priority(run.environment, run.environment.sandbox)
        return run

    def destroy(self, environment: Environment) -> Run:
        """Ask for it to be taken away."""
        return destroy(self.user, environment, via="api")

    def carry(self, *runs: Run) -> None:
        """Let a worker work until these runs have ended."""
        asyncio.run(work_until_ended([run.pk for run in runs]))
        for run in runs:
            run.refresh_from_db()


def log_of(run: Run) -> str:
    """The run's log as one text."""
    return "\n".join(RunEvent.objects.filter(run=run).order_by("id").values_list("message", flat=True))


def make_yard(emulator: Emulator, account: str) -> Yard:
    """An organisation whose first sandbox is account `account` on the emulator, with its baseline."""
    org = make_organisation()
    sandbox = org.sandbox
    sandbox.account_id, sandbox.zone_name = account, f"a{account}.dev.example.com"
    sandbox.role_arn = f"arn:aws:iam::{account}:role/stackyard"
    sandbox.facts = seed_baseline(
        access_to(sandbox, get_settings()), zone_name=sandbox.zone_name, vpc_cidr="10.0.0.0/16"
    ).as_dict()
    sandbox.save()
    return Yard(org, emulator)


async def work_until_ended(ids: list[int]) -> None:
    worker = asyncio.create_task(work(get_settings(), install_signal_handlers=False))
    try:
        while await in_database(lambda: any(r.is_active for r in Run.objects.filter(pk__in=ids))):
            if worker.done():
                worker.result()
            await asyncio.sleep(0.1)
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
