"""As platform staff I add AWS accounts as sandboxes: Stackyard builds what environments share, and takes it away again.

Route 53 and load balancers keep Terraform waiting for minutes, so two accounts are taken through it at the same time.
"""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from stackyard.aws.builds import BuildPlace
from stackyard.aws.emulator.process import Emulator
from stackyard.aws.inventory import leftovers
from stackyard.aws.sessions import SandboxAccess
from stackyard.cmdb.models import AddressPool, ApiToken, Environment, Run, RunEvent, Sandbox
from stackyard.environments import sandboxes
from stackyard.environments.change import ChangeRequest
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.pools import PoolRequest, create_pool
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Invalid
from stackyard.runs.context import access_to
from stackyard.settings import get_settings
from tests.acceptance.conftest import StartWorker
from tests.acceptance.faults import until
from tests.acceptance.test_in_the_browser import sign_in
from tests.factories import Organisation, make_organisation
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey

PARENT = "stack.example.com"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"})
_accounts = count(810000000000)


@dataclass
class Land:
    """An organisation with an address pool, and the parent zone in an account of its own."""

    org: Organisation
    emulator: Emulator
    pool: AddressPool
    parent: SandboxAccess
    parent_zone_id: str

    def add(self, name: str, *, delegated: bool) -> Sandbox:
        """A new account of the department, empty. `delegated`: Stackyard writes the record in the parent zone."""
        account = f"{next(_accounts):012d}"
        request = sandboxes.SandboxRequest(
            name=name,
            department="commerce",
            account_id=account,
            region="eu-central-1",
            role_arn=f"arn:aws:iam::{account}:role/stackyard",
            external_id="stackyard-4711",
            zone_name=f"{name}.{PARENT}",
            parent_zone_id=self.parent_zone_id if delegated else "",
            parent_role_arn=self.parent.role_arn if delegated else "",
            pool=self.pool.name,
            emulated=True,
        )
        return sandboxes.add(self.org.platform, request)

    def bootstrap(self, sandbox: Sandbox, **settings: object) -> Run:
        """Ask for its common components; `__` in the name of a setting is a dot."""
        dotted = {name.replace("__", "."): value for name, value in settings.items()}
        return sandboxes.bootstrap(self.org.platform, sandbox, {"logs.retention_days": 7, **dotted}, via="api")

    def create(self, sandbox: Sandbox, pattern: str) -> Run:
        """Ask for an environment in it."""
        wish = CreateRequest("shop", pattern, pattern.removeprefix("ecs-"), sandbox=sandbox.name)
        return create(self.org.requester, wish, via="api")

    def delegations(self) -> list[str]:
        """Names that the parent zone delegates."""
        found = self.parent.client("route53").list_resource_record_sets(HostedZoneId=self.parent_zone_id)
        return [
            record["Name"].rstrip(".")
            for record in found["ResourceRecordSets"]
            if record["Type"] == "NS" and record["Name"] != f"{PARENT}."
        ]

    def networks(self, sandbox: Sandbox) -> list[str]:
        """Blocks of the networks in its account that were made."""
        own = [{"Name": "is-default", "Values": ["false"]}]
        found = access_to(sandbox, get_settings()).client("ec2").describe_vpcs(Filters=own)
        return [vpc["CidrBlock"] for vpc in found["Vpcs"]]

    def left(self, environment: Environment, sandbox: Sandbox) -> list[str]:
        """What the account of this sandbox has of an environment, be it there or not."""
        found = leftovers(
            access_to(sandbox, get_settings()),
            tag_key="stackyard:environment",
            tag_value=environment.uid,
            name=environment.base_name,
        )
        return [f"{item.kind} {item.id}" for item in found]


@pytest.fixture
def land(emulator: Emulator, transactional_db: None) -> Iterator[Land]:
    org = make_organisation()
    account = f"{next(_accounts):012d}"
    parent = SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/dns", "", emulator.endpoint)
    made = parent.client("route53").create_hosted_zone(Name=PARENT, CallerReference=str(uuid.uuid4()))
    pool = create_pool(org.platform, PoolRequest("sandboxes", "10.64.0.0/14", vpc_prefix=20))
    yield Land(org, emulator, pool, parent, made["HostedZone"]["Id"].removeprefix("/hostedzone/"))
    emulator.clear_faults()


def ended(*runs: Run) -> None:
    """Wait until the worker has carried these runs to their ends."""
    for run in runs:
        until(lambda run=run: not Run.objects.get(pk=run.pk).is_active, f"the end of {run}", 240)  # type: ignore[misc]
        run.refresh_from_db()
        run.environment.refresh_from_db()
        run.sandbox.refresh_from_db()


def good(run: Run) -> None:
    ended(run)
    assert run.status == "succeeded", f"{run.error} {run.hint}\n{log_of(run)}"


def live_in(land: Land, sandbox: Sandbox, portal: str, browser: Any) -> None:
    """One environment from the browser, and beside it one from the command line: proven, destroyed, proven gone."""
    token = ApiToken.issue(land.org.requester, "test")[1]

    def stackyard(*command: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, "STACKYARD_URL": portal, "STACKYARD_TOKEN": token}
        arguments = [sys.executable, "-m", "stackyard.cli", *command]
        return subprocess.Popen(arguments, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    line = stackyard("env", "create", "shop", "ecs-web-db", "line", "--sandbox", sandbox.name, "--wait")
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(240_000)
    sign_in(page, portal, "rika")
    page.goto(f"{portal}/environments/new/?product=shop&pattern=ecs-worker")
    page.fill("[name=name]", "worker")
    page.select_option("[name=sandbox]", sandbox.name)
    page.get_by_role("button", name="Create").click()
    page.locator("#part-header").get_by_text("Ready", exact=True).wait_for()
    assert page.locator(".hop").count() == page.locator(".hop-ok").count() >= 2
    with pytest.raises(Conflict, match="still has 2 environments"):
        sandboxes.destroy_baseline(land.org.platform, sandbox, via="api")

    told = line.communicate(timeout=240)[0]
    assert line.returncode == 0, told
    environments = Environment.objects.filter(sandbox=sandbox, product__isnull=False)
    assert {e.status for e in environments} == {"ready"}
    proof = stackyard("env", "verify", "shop-line")
    told = proof.communicate(timeout=60)[0]
    assert proof.returncode == 0, told
    for hop in ("DNS record", "Listener", "Target group", "Service", "Way to the database", "Database", "Secret"):
        assert hop in told, told

    gone = stackyard("env", "destroy", "shop-line", "--yes", "--wait")
    page.get_by_role("link", name="Destroy").click()
    page.fill("#destroy [name=confirm]", "shop-worker")
    page.locator("#destroy").get_by_role("button", name="Destroy").click()
    page.locator("#part-header").get_by_text("Destroyed", exact=True).wait_for()
    told = gone.communicate(timeout=240)[0]
    assert gone.returncode == 0, told
    for environment in environments.all():
        assert (environment.status, land.left(environment, sandbox)) == ("destroyed", [])
        assert environment.runs.latest("id").leftovers == []
    page.close()


@pytest.mark.browser
@pytest.mark.timeout(600)
def test_accounts_are_added_bootstrapped_lived_in_and_given_back(
    land: Land, start_worker: StartWorker, portal: str, browser: Any
) -> None:
    start_worker()
    platform = land.org.platform
    one, two = land.add("commerce-one", delegated=True), land.add("commerce-two", delegated=False)
    found = {finding.title: finding for finding in sandboxes.check(platform, one)}
    assert [finding for finding in found.values() if finding.ok is False] == []
    assert found["Parent zone"].found == f"commerce-one.{PARENT} lies in {PARENT} ({land.parent_zone_id})."
    assert found["Address block"].found == "10.64.0.0/20 overlaps with nothing."

    # The first attempt in account two fails half way.
    land.emulator.fail("route53:CreateHostedZone", times=1)
    failing = land.bootstrap(two)
    until(lambda: RunEvent.objects.filter(run=failing, level="error").exists(), "the zone is refused")
    building = land.bootstrap(one)
    with pytest.raises(Conflict, match="has a baseline already"):
        land.bootstrap(one)
    with pytest.raises(Invalid, match="is not ready"):
        land.create(one, "ecs-worker")

    ended(failing)
    assert (failing.status, failing.environment.status) == ("failed", "failed"), failing.error + log_of(failing)
    assert "Route53" in failing.error or "Route 53" in failing.error, failing.error
    assert (failing.sandbox.status, failing.sandbox.facts, land.networks(two)) == ("new", {}, [])
    assert land.left(failing.environment, two) == []
    assert not failing.environment.address_blocks.filter(released_at=None).exists()
    again = land.bootstrap(two)

    # The second comes as far as it can until somebody has made the record in the parent zone.
    ended(again)
    assert (again.status, again.environment.status) == ("attention", "attention"), again.error + log_of(again)
    assert f"make the record commerce-two.{PARENT} of type NS" in again.hint
    assert again.sandbox.status == "new"
    completed = sandboxes.change_baseline(platform, two, ChangeRequest(), via="api")

    good(building)
    baseline = building.environment
    assert (building.sandbox.status, building.sandbox.facts) == ("ready", baseline.outputs)
    assert building.sandbox.facts["vpc_cidr"] in land.networks(one)
    assert [hop["title"] for hop in baseline.hops if hop["ok"] is False] == []
    assert all(stage.status == "done" and stage.seconds is not None for stage in building.stages.all())
    assert "Sandbox commerce-one is ready for environments." in log_of(building)
    assert land.delegations() == [f"commerce-one.{PARENT}"]
    assert (Path(get_settings().data) / "record" / baseline.record_folder / "locals.tf").exists()

    live_in(land, one, portal, browser)

    gone = sandboxes.destroy_baseline(platform, one, via="api")
    with pytest.raises(Invalid, match="common components are not whole"):
        land.create(one, "ecs-worker")
    # Meanwhile account two has what it should have had, in an account of its own, and an environment with a name.
    good(completed)
    assert completed.sandbox.status == "ready"
    assert land.networks(two) == [completed.sandbox.facts["vpc_cidr"]]
    assert (land.left(completed.environment, two) != [], land.left(completed.environment, one)) == (True, [])
    web = land.create(two, "ecs-service")

    good(gone)
    assert (gone.leftovers, gone.sandbox.status, gone.sandbox.facts) == ([], "new", {})
    assert land.networks(one) == []
    assert land.delegations() == []
    assert land.left(baseline, one) == []
    assert not baseline.address_blocks.filter(released_at=None).exists()
    assert sandboxes.retire(platform, gone.sandbox).status == "retired"

    good(web)
    assert [hop["title"] for hop in web.environment.hops if not hop["ok"]] == []


def test_a_sandbox_that_empties_nothing_says_what_to_empty(yard: Yard) -> None:
    sandbox = yard.org.sandbox
    sandbox.force_empty = False
    sandbox.save()
    made = yard.create()
    yard.carry(made)
    environment = made.environment
    ecr = yard.access(sandbox).client("ecr")
    ecr.put_image(repositoryName=environment.slug, imageManifest=MANIFEST, imageTag="v1")

    refused = yard.destroy(environment)
    yard.carry(refused)
    assert refused.status == "attention", log_of(refused)
    assert "repository with 1 image shop-dev" in refused.error
    assert refused.hint == "Delete the images in shop-dev. Then press Destroy again."
    assert [item["kind"] for item in refused.leftovers] == ["repository with 1 image"]
    environment.refresh_from_db()
    assert (
        yard.access(sandbox)
        .client("ecs")
        .describe_services(cluster=sandbox.facts["cluster_name"], services=[environment.slug])["services"]
    ), "nothing is gone yet"

    ecr.batch_delete_image(repositoryName=environment.slug, imageIds=[{"imageTag": "v1"}])
    # The role is asked for another external id by now than when the code was recorded.
    Sandbox.objects.filter(pk=sandbox.pk).update(external_id="renewed")
    gone = yard.destroy(environment)
    yard.carry(gone)
    assert (gone.status, gone.leftovers) == ("succeeded", []), gone.error + log_of(gone)
    assert f"The way into account {sandbox.account_id} is the sandbox's of today." in log_of(gone)
    assert "sandbox's of today" not in log_of(refused)


@pytest.mark.timeout(600)
def test_common_components_hold_all_that_builds_in_the_account_need(land: Land, start_worker: StartWorker) -> None:
    start_worker()
    sandbox = land.add("commerce-builds", delegated=True)
    sandbox.executor = "codebuild"
    sandbox.save()
    wanted = {"builds__codebuild": True, "github__sign_in": True, "builds__github_repository": "acme/environments"}
    good(land.bootstrap(sandbox, **wanted))
    sandbox.refresh_from_db()
    found = {finding.title: finding for finding in sandboxes.check(land.org.platform, sandbox)}
    assert found["Builds"].ok, found["Builds"]
    facts, place = sandbox.facts, BuildPlace.of(access_to(sandbox, get_settings()), {})
    assert (facts["builds_packages"], facts["builds_results"]) == (place.packages, place.results)
    assert facts["builds_pipeline"] == place.pipeline

    run = land.create(sandbox, "ecs-worker")
    good(run)
    assert [build["step"] for build in run.builds] == ["plan", "apply"]
    gone = destroy(land.org.requester, run.environment, via="api")
    good(gone)
    assert [build["step"] for build in gone.builds] == ["destroy"]
    last = sandboxes.destroy_baseline(land.org.platform, sandbox, via="api")
    good(last)
    assert last.leftovers == []
    assert sandboxes.check(land.org.platform, sandbox)[-1].found.startswith("There is no bucket stackyard-builds-")
