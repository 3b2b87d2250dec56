"""What the portal's tests share: the rows that pages show, and who looks at them."""

from dataclasses import dataclass, field
from pathlib import Path

from django.test import Client
from django.utils import timezone
from tests.factories import Organisation

from stackyard.cmdb.models import AddressBlock, ApiToken, Environment, Membership, Run, RunEvent
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import render_workspace
from stackyard.record.repository import Passport, Record
from stackyard.runs.filling import filling_of
from stackyard.settings import get_settings

HTMX = {"HTTP_HX_REQUEST": "true"}


@dataclass(frozen=True)
class Site:
    """Rows that pages show, and who looks at them."""

    org: Organisation
    environment: Environment
    run: Run
    role: Membership
    token: ApiToken
    block: AddressBlock
    browsers: dict[str, Client] = field(default_factory=dict)

    def client(self, name: str) -> Client:
        """The browser of `anonymous`, `viewer`, `requester`, `stranger` or `platform`; each has one, as a new one lists
        all static files."""
        if name not in self.browsers:
            self.browsers[name] = self._browser(name)
        return self.browsers[name]

    def _browser(self, name: str) -> Client:
        # Errors must come as pages; the client would raise them here.
        client = Client(raise_request_exception=False)
        if name != "anonymous":
            client.force_login(getattr(self.org, name))
        return client


def keep(environment: Environment, data: Path) -> str:
    """Put an environment's code into the record below `data`, as the run that built it does; returns the commit."""
    code = data / "code"
    pattern = Catalogue.from_settings().get(environment.pattern.name)
    render_workspace(pattern, filling_of(environment, get_settings()), environment.settings, code)
    words = dict.fromkeys(Passport.__dataclass_fields__, "x") | {"settings": environment.settings, "run": 1}
    words |= {"allocations": ()}
    passport = Passport(**words)  # type: ignore[arg-type]
    commit = Record.from_settings(get_settings()).commit(Path(environment.record_folder), code, passport, "create")
    environment.runs.update(commit=commit)
    Environment.objects.filter(pk=environment.pk).update(commit=commit)
    return commit


def ready(run: Run, *, seconds: float = 2.0) -> Run:
    """As if a worker had carried the run to its end, `seconds` per stage."""
    now = timezone.now()
    for stage in run.stages.all():
        stage.started_at, stage.finished_at = now, now + timezone.timedelta(seconds=seconds)
        stage.status = "done"
        stage.save()
        now = stage.finished_at
        RunEvent.objects.create(run=run, stage=stage.name, message=f"{stage.title} <b>begins</b>")
    run.status, run.started_at, run.finished_at = "succeeded", timezone.now(), now
    run.plan = {"summary": "2 to create", "changes": [{"address": "aws_ecs_service.this", "action": "create"}]}
    run.save()
    environment = run.environment
    environment.status = "ready"
    environment.ready_at = now
    environment.outputs = {"url": f"https://{environment.fqdn}", "service_name": "<i>shop-dev</i>"}
    environment.resources = [
        {"address": "aws_ecs_service.this", "type": "aws_ecs_service", "name": "this", "id": "<u>", "depends_on": []}
    ]
    environment.hops = [
        {"name": "zone", "title": "Hosted zone", "ok": True, "found": "Z1", "fix": "", "checked": ""},
        {"name": "rule", "title": "Rule", "ok": False, "found": "<s>none</s>", "fix": "Add it.", "checked": ""},
        {"name": "service", "title": "Service", "ok": None, "found": "", "fix": "", "checked": ""},
    ]
    environment.save()
    return run
