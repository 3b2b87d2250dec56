"""Terraform through workflows of GitHub Actions, command by command: what gets lost, is away, late, refused or
cancelled on the way ends in a true answer, and no job is done twice."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.actions_bridge import ActionsBridge
from tests.github_jobs import bucket_of, job_environment, left_in_bucket, make_bucket, serve_jobs
from tests.integration.actions.test_deploy_workflow import needs_aws

from stackyard.aws import jobs
from stackyard.aws.builds import BuildPlace
from stackyard.aws.emulator.process import Emulator
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Cancelled, Conflict, Unavailable, Unusable
from stackyard.executors import github_actions as executor
from stackyard.executors.interfaces import Noted, Place, Purpose
from stackyard.executors.remote import RemoteTerraform
from stackyard.settings import get_settings
from stackyard.terraform.events import Event
from stackyard.terraform.workdir import Workdir

pytestmark = needs_aws
REGION = "eu-central-1"
HEAD = 'terraform {\n  backend "s3" {}\n}\n'
QUICK = HEAD + 'resource "terraform_data" "a" { input = "one" }\n'
SLOW = (
    HEAD
    + """
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "echo works; while [ ! -e ${var.go} ]; do sleep 0.1; done" }
}
variable "go" {}
"""
)
_accounts = iter(range(730_000_000_000, 730_000_001_000))


class Site:
    """A sandbox that builds with GitHub, and what was heard and noted of it."""

    def __init__(self, bridge: ActionsBridge, access: SandboxAccess, folder: Path) -> None:
        self.bridge, self.access, self.folder = bridge, access, folder
        self.options: dict[str, str] = {"repository": bridge.repository}
        self.go = folder / "go"
        self.told: list[str] = []
        self.note: Mapping[str, Any] | None = None

    def terraform(self, code: str, *, attached: Mapping[str, Any] | None = None, **env: str) -> RemoteTerraform:
        """One run's Terraform, as a worker has it."""
        settings = get_settings().model_copy(
            update={"github_url": self.bridge.url, "github_token": SecretStr("a-token")}
        )
        workdir = Workdir(self.folder / "work")
        made = executor.github_actions(settings, Place(self.access, self.options)).terraform(
            workdir,
            {
                **self.access.environment("test"),
                **self.access.terraform_variables(),
                "TF_VAR_go": str(self.go),
                **env,
            },
            purpose=Purpose(3, "shop-dev", "abcdefgh", bucket_of(self.access), "state.tfstate"),
            attached=attached,
            on_event=lambda event: self.hear(event),
            on_process=lambda noted: self.keep(noted),
        )
        (workdir.code / "main.tf").write_text(code)
        return made

    def hear(self, event: Event) -> None:
        self.told.append(event.message)

    def keep(self, noted: Noted | None) -> None:
        self.note = noted.as_dict() if noted else None

    async def begun(self, made: RemoteTerraform) -> None:
        """`init` with the bucket on the emulator."""
        address = json.dumps(self.access.endpoint)
        await made.init(
            {
                "bucket": bucket_of(self.access),
                "key": "state.tfstate",
                "region": REGION,
                "endpoints": f"{{s3={address},sts={address}}}",
                "use_lockfile": "true",
                **dict.fromkeys(
                    ("use_path_style", "skip_credentials_validation", "skip_requesting_account_id"), "true"
                ),
                "skip_metadata_api_check": "true",
            }
        )

    def plan(self, code: str = QUICK) -> RemoteTerraform:
        """Plan, and return what did."""
        made = self.terraform(code)

        async def planned() -> None:
            await self.begun(made)
            await made.plan()

        asyncio.run(planned())
        return made

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end, f"did not happen: {what}: {self.told}"
            await asyncio.sleep(0.05)

    def said(self, text: str) -> bool:
        return any(text in line for line in self.told)


@pytest.fixture
def site(emulator: Emulator, tmp_path: Path) -> Iterator[Site]:
    account = str(next(_accounts))
    access = SandboxAccess(account, REGION, f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)
    make_bucket(access)
    with serve_jobs(tmp_path, job_environment(emulator.endpoint)) as bridge:
        yield Site(bridge, access, tmp_path)


async def while_it_works(work: Awaitable[None], meanwhile: Awaitable[None]) -> None:
    """Both, to the end of the first."""
    working = asyncio.ensure_future(work)
    try:
        await meanwhile
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def test_what_was_planned_is_applied_read_and_destroyed(site: Site) -> None:
    made = site.plan()

    async def rest() -> None:
        await made.apply()
        assert [r.address for r in (await made.state()).resources] == ["terraform_data.a"]
        await made.destroy()

    asyncio.run(rest())
    assert site.said("terraform_data.a: Creation complete")
    assert site.said("terraform_data.a: Destruction complete")
    assert site.note is None
    assert [run.title.split("-")[2] for run in site.bridge.runs] == ["plan", "apply", "destroy"]
    assert {key.removesuffix(".tflock") for key in left_in_bucket(site.access)} == {"state.tfstate"}


def test_an_answer_that_got_lost_starts_no_second_job(site: Site) -> None:
    site.bridge.lost, site.bridge.details = 1, False
    site.plan()
    assert len(site.bridge.runs) == 1
    assert site.said("GitHub does not answer")
    assert site.said("/actions/runs/1")


def test_a_job_that_was_started_twice_is_done_once(site: Site) -> None:
    """The answer got lost, and GitHub shows the run too late to be found before the next try."""
    site.bridge.lost, site.bridge.unseen_seconds = 1, 6
    site.plan()
    first, second = (site.bridge.wait(number).log.read_text() for number in (1, 2))
    assert sum("This job was begun elsewhere" in log for log in (first, second)) == 1, first + second
    assert len([line for line in site.told if line.startswith("Terraform for shop-dev")]) == 1, site.told


def test_github_may_be_away_while_a_job_goes_on(site: Site) -> None:
    made = site.plan(SLOW)

    async def meanwhile() -> None:
        await site.until(lambda: site.said("works"), "the apply works")
        site.bridge.away = True
        await site.until(lambda: site.said("The job goes on."), "GitHub is missed")
        await asyncio.sleep(3)
        site.bridge.away = False
        await site.until(lambda: site.said("GitHub answers again."), "it is back")
        site.go.touch()

    asyncio.run(while_it_works(made.apply(), meanwhile()))
    assert sum("The job goes on." in line for line in site.told) == 1, "told once"
    assert site.said("terraform_data.a: Creation complete")


def test_github_may_be_away_when_a_job_is_to_begin_and_when_it_ends(site: Site) -> None:
    site.bridge.away = True
    made = site.terraform(SLOW)

    async def journey() -> None:
        await site.begun(made)

        async def back() -> None:
            await site.until(lambda: site.said("GitHub answered 503"), "GitHub is missed")
            assert not site.bridge.runs
            await asyncio.sleep(2)
            site.bridge.away = False

        async def planned() -> None:
            await made.plan()

        await while_it_works(planned(), back())

        async def gone() -> None:
            await site.until(lambda: site.said("works"), "the apply works")
            site.bridge.away = True
            site.go.touch()

        await while_it_works(made.apply(), gone())

    asyncio.run(journey())
    assert sum("GitHub answered 503" in line and "job goes on" not in line for line in site.told) == 1, site.told
    assert site.said("terraform_data.a: Creation complete"), "the bucket says all, also without GitHub"


def test_another_worker_goes_on_with_the_log_where_the_first_one_stopped(site: Site) -> None:
    made = site.plan(SLOW)

    async def first() -> None:
        working = asyncio.ensure_future(made.apply())
        await site.until(lambda: site.said("works"), "the apply works")
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(first())
    before = len(site.told)
    assert site.note is not None
    following = site.terraform(SLOW, attached=json.loads(json.dumps(site.note)))
    assert following.going_on == "apply"
    site.go.touch()
    asyncio.run(following.apply())
    assert "following it again" in site.told[before]
    assert len(site.bridge.runs) == 2
    applied = [line for line in site.told if "terraform_data.a: Cre" in line]
    assert applied == ["terraform_data.a: Creating...", *applied[1:-1], applied[-1]]
    assert sum("Creating..." in line for line in applied) == 1, "no line is lost, and none is told twice"
    assert "Creation complete" in applied[-1]


def test_a_job_that_was_noted_but_never_started_is_given_up_for_good(site: Site) -> None:
    made = site.plan()
    out = {"key": "jobs/abcdefgh-3-apply-0.zip", "secret": "", "asked": "2020-01-01T00:00:00+00:00"}
    noted = {"executor": executor.NAME, "step": "apply", "reference": out}
    following = site.terraform(QUICK, attached=noted)
    following._backend = made._backend
    asyncio.run(following.apply())
    assert not site.said("following it again")
    assert len(site.bridge.runs) == 2


def test_what_github_took_is_followed_while_it_is_away_and_no_runner_has_it(site: Site) -> None:
    settings = get_settings().model_copy(update={"github_url": site.bridge.url, "github_token": SecretStr("a-token")})
    builder = executor.GithubActions(Place(site.access, site.options), settings)
    site.bridge.idle = True
    package = site.folder / "job.zip"
    package.write_bytes(b"")
    first = {"key": "jobs/a.zip", "secret": "", "asked": datetime.now(UTC).isoformat()}
    begun = builder.begin(first, package)
    site.bridge.away = True
    assert builder.was_begun(begun)
    assert left_in_bucket(site.access) == ["jobs/a.zip"], "nothing hinders it"
    assert not builder.was_begun(first), "of which nobody knows whether GitHub took it"
    assert not builder.was_begun(first), "a worker after the one that gave it up finds the same"


def test_a_job_is_cancelled_in_good_order_and_its_state_is_kept(site: Site) -> None:
    made = site.plan(SLOW)
    steps: list[str] = []

    async def meanwhile() -> None:
        await site.until(lambda: site.said("works"), "the apply works")
        await made.cancel(5, steps.append)

    with pytest.raises(Cancelled):
        asyncio.run(while_it_works(made.apply(), meanwhile()))
    assert steps == ["GitHub Actions is asked to stop the build; Terraform there ends what is in flight."]
    assert not site.bridge.runs[1].cancelled, "GitHub's runner would have killed it"
    assert site.said("the job is cancelled")
    assert [r.address for r in asyncio.run(made.state()).resources] == ["terraform_data.a"], "tainted, and known"


def test_a_job_that_no_runner_took_is_cancelled(site: Site) -> None:
    site.bridge.idle = True
    made = site.terraform(QUICK)

    async def meanwhile() -> None:
        await site.until(lambda: bool(site.bridge.runs), "it is dispatched")
        await made.cancel(5)

    async def planned() -> None:
        await site.begun(made)
        await made.plan()

    with pytest.raises(Cancelled):
        asyncio.run(while_it_works(planned(), meanwhile()))
    assert site.bridge.runs[0].cancelled
    assert left_in_bucket(site.access) == []


def test_a_wish_to_stop_is_heard_while_github_is_away(site: Site) -> None:
    site.bridge.away = True
    made = site.terraform(QUICK)

    async def meanwhile() -> None:
        await site.until(lambda: site.said("GitHub answered 503"), "GitHub is missed")
        await made.cancel(5)

    async def planned() -> None:
        await site.begun(made)
        await made.plan()

    with pytest.raises(Cancelled, match="before it began"):
        asyncio.run(while_it_works(planned(), meanwhile()))
    site.bridge.away = False
    assert site.bridge.runs == []
    assert left_in_bucket(site.access) == []


def test_a_run_without_a_result_says_why_and_where(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.bridge.idle = True
    made = site.terraform(QUICK)

    async def planned() -> None:
        await site.begun(made)

        async def person() -> None:
            await site.until(lambda: bool(site.bridge.runs), "it is dispatched")
            await asyncio.sleep(1)
            site.bridge.runs[0].cancelled = True

        async def plan() -> None:
            await made.plan()

        await while_it_works(plan(), person())

    with pytest.raises(Conflict, match="cancelled on GitHub") as refused:
        asyncio.run(planned())
    assert f"{site.bridge.url}/actions/runs/1" in refused.value.hint
    assert left_in_bucket(site.access) == []

    site.bridge.idle = False
    site.bridge.act.program("stackyard", "#!/bin/sh\nexit 7\n")
    with pytest.raises(Unavailable, match="ended as 'failure' and left no result") as broken:
        site.plan()
    assert f"{site.bridge.url}/actions/runs/2" in broken.value.hint

    site.bridge.details, site.bridge.unseen_seconds = False, 100
    monkeypatch.setattr(executor, "SHOWN_SECONDS", 2)
    with pytest.raises(Unavailable, match="shows no run"):
        site.plan()


def test_what_github_refuses_leaves_nothing_behind(site: Site) -> None:
    for name, value in (("workflow", "other.yml"), ("ref", "release"), ("repository", "acme/other")):
        site.options = {"repository": site.bridge.repository, name: value}
        with pytest.raises(Unusable, match=value) as refused:
            site.plan()
        assert "Actions: write" in refused.value.hint
    assert site.bridge.runs == []
    assert site.note is None
    assert left_in_bucket(site.access) == []


def test_secret_variables_reach_the_job_and_no_log(site: Site) -> None:
    made = site.terraform(
        HEAD
        + 'variable "canary" { sensitive = true }\nvariable "go" {}\n'
        + 'resource "terraform_data" "a" {\n  provisioner "local-exec" {\n'
        + '    command     = "echo it is $CANARY; test -n \\"$CANARY\\""\n'
        + "    environment = { CANARY = nonsensitive(var.canary) }\n  }\n}\n",
        TF_VAR_canary="canary-in-a-mine",
    )

    async def journey() -> None:
        await site.begun(made)
        await made.plan()
        await made.apply()

    asyncio.run(journey())
    assert site.said("it is (hidden)")
    logs = "\n".join([*site.told, *(run.log.read_text() for run in site.bridge.runs)])
    assert "canary-in-a-mine" not in logs
    listed = site.access.client("secretsmanager").list_secrets()["SecretList"]
    assert listed == [], "what was handed over is taken back"


def test_packages_do_not_lie_where_they_would_start_a_pipeline(site: Site) -> None:
    builder = executor.GithubActions(Place(site.access, {}), get_settings())
    assert builder.buckets == jobs.Buckets(bucket_of(site.access), bucket_of(site.access))
    assert builder.buckets.packages != BuildPlace.of(site.access, {}).packages
