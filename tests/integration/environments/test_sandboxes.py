"""Sandboxes are added and changed by platform staff, and whatever cannot be is refused with its reason, by field."""

import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from pydantic import SecretStr
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import AddressBlock, AddressPool, Environment, Product, Run, Sandbox, SandboxStatus
from stackyard.environments import sandboxes
from stackyard.environments.create import create
from stackyard.environments.destroy import destroy
from stackyard.environments.issues import repository_of
from stackyard.environments.pools import PoolRequest, create_pool
from stackyard.environments.requests import CreateRequest
from stackyard.environments.sandboxes import SandboxRequest
from stackyard.environments.versions import version_of
from stackyard.errors import Conflict, Forbidden, Invalid, StackyardError
from stackyard.patterns.catalogue import Catalogue
from stackyard.runs.cancel import request_cancel
from stackyard.settings import get_settings

ACCOUNT = "222233334444"
OWN = {
    "vpc_id": "vpc-0123456789abcdef0",
    "public_subnet_ids": ["subnet-00000001", "subnet-00000002"],
    "private_subnet_ids": ["subnet-00000003", "subnet-00000004"],
    "database_subnet_ids": ["subnet-00000005", "subnet-00000006"],
    "cluster_arn": f"arn:aws:ecs:eu-central-1:{ACCOUNT}:cluster/main",
    "alb_arn": f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:loadbalancer/app/main/0123456789abcdef",
    "https_listener_arn": f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:listener/app/main/0123/4567",
    "zone_id": "Z0123456789ABC",
    "certificate_arn": f"arn:aws:acm:eu-central-1:{ACCOUNT}:certificate/1f6a",
}


@pytest.fixture(autouse=True)
def _emulator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:1")


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


@pytest.fixture
def pool(org: Organisation) -> AddressPool:
    return create_pool(org.platform, PoolRequest("corp", "10.20.0.0/16"))


def wish(**changes: Any) -> SandboxRequest:
    request = SandboxRequest(
        name="new",
        department="commerce",
        account_id=ACCOUNT,
        region="eu-central-1",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/stackyard",
        zone_name="new.example.org",
    )
    return replace(request, **changes)


def problems(error: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(p.field, p.message) for p in error.value.problems]


def standing(org: Organisation, sandbox: Sandbox, name: str = "") -> Environment:
    """A baseline that stands or, with a name, an environment of the shop."""
    pattern = Catalogue.from_settings().get("ecs-worker") if name else Catalogue.from_settings().baseline()
    return Environment.objects.create(
        product=org.shop if name else None,
        name=name or "baseline",
        slug=f"shop-{name}" if name else f"baseline-{sandbox.name}",
        sandbox=sandbox,
        pattern=version_of(pattern),
        owner=org.platform,
        status="ready",
    )


def test_an_account_is_added(org: Organisation, pool: AddressPool) -> None:
    made = sandboxes.add(org.platform, wish(pool="corp", external_id="x-1", lifetime_days=7))
    made.refresh_from_db()
    assert (made.status, made.facts, made.own_baseline, made.pool) == ("new", {}, False, pool)
    assert (made.department, made.external_id, made.lifetime_days) == (org.commerce, "x-1", 7)
    entry = made.history.get()
    assert (entry.history_type, entry.history_user) == ("+", org.platform)
    assert SandboxRequest.of(made) == wish(pool="corp", external_id="x-1", lifetime_days=7)


def test_jobs_on_github_need_a_way_to_it_and_sound_options(org: Organisation) -> None:
    with pytest.raises(Invalid) as error:
        sandboxes.add(org.platform, wish(executor="github-actions"))
    found = dict(problems(error))
    assert set(found) == {"executor", "executor_options"}
    assert "no way into GitHub: set STACKYARD_GITHUB_TOKEN, or STACKYARD_GITHUB_APP_ID" in found["executor"]
    assert "set STACKYARD_GITHUB_REPOSITORY" in found["executor_options"]
    wrong = {"repository": "../other", "workflow": "../job.yml", "ref": "-x", "pipeline": "p"}
    with pytest.raises(Invalid) as error:
        sandboxes.add(org.platform, wish(executor="github-actions", executor_options=wrong))
    told = [message for field, message in problems(error) if field == "executor_options"]
    assert [message.partition(":")[0] for message in told] == list(wrong)
    assert "has the options repository, workflow, ref, packages, results" in told[-1]


def test_jobs_can_be_done_on_github_where_there_is_a_way_to_it(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    options = {"repository": "acme/environments", "workflow": "job.yml", "ref": "release/1", "results": "state-of-acme"}
    made = sandboxes.add(org.platform, wish(executor="github-actions", executor_options=options))
    made.refresh_from_db()
    assert (made.executor, made.executor_options) == ("github-actions", options)
    assert SandboxRequest.of(made) == wish(executor="github-actions", executor_options=options)
    taken = {**options, "packages": f"stackyard-builds-{ACCOUNT}-eu-central-1-jobs"}
    with pytest.raises(Invalid, match="starts builds of CodeBuild"):
        sandboxes.update(org.platform, made, replace(SandboxRequest.of(made), executor_options=taken))
    made.refresh_from_db()
    monkeypatch.setattr(get_settings(), "github_repository", "acme/environments")
    without = replace(SandboxRequest.of(made), executor_options={})
    assert sandboxes.update(org.platform, made, without).executor_options == {}


def test_the_repository_of_its_issues_is_a_choice(org: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Invalid) as error:
        sandboxes.add(org.platform, wish(issues="acme/shop"))
    assert "no way into GitHub" in dict(problems(error))["issues"]
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    for wrong in ("acme", "acme/", "/x", "acme/x/y", "acme/..", "https://github.com/acme/x", " none", "None", "a b/c"):
        with pytest.raises(Invalid) as error:
            sandboxes.add(org.platform, wish(issues=wrong))
        assert [(field, "write owner/name, or none" in said) for field, said in problems(error)] == [("issues", True)]
    made = sandboxes.add(org.platform, wish(issues="Acme/Shop"))
    assert (made.issues, repository_of(made)) == ("Acme/Shop", "acme/shop")
    assert repository_of(sandboxes.update(org.platform, made, wish(issues="none"))) == ""
    monkeypatch.setattr(get_settings(), "github_repository", "acme/environments")
    assert repository_of(sandboxes.update(org.platform, made, wish(issues=""))) == "acme/environments"


def test_the_bucket_of_a_state_stays_while_something_stands(org: Organisation) -> None:
    sandbox = org.sandbox
    sandbox.executor, sandbox.executor_options = "codebuild", {"results": "one-bucket", "packages": "another"}
    sandbox.save()
    environment = standing(org, sandbox, "dev")
    Environment.objects.filter(pk=environment.pk).update(backend="s3")
    now = SandboxRequest.of(sandbox)
    for change, field in (
        ({"executor": "local", "executor_options": {}}, "executor"),
        ({"executor_options": {"results": "two-buckets"}}, "executor_options"),
        ({"executor_options": {}}, "executor_options"),
    ):
        with pytest.raises(Invalid) as error:
            sandboxes.update(org.platform, sandbox, replace(now, **change))
        assert [p.field for p in error.value.problems] == [field]
        assert "lies in bucket one-bucket" in error.value.problems[0].message
        sandbox.refresh_from_db()
    sandboxes.update(org.platform, sandbox, replace(now, executor_options={"results": "one-bucket"}))
    Environment.objects.filter(pk=environment.pk).update(status="destroyed")
    sandboxes.update(org.platform, sandbox, replace(now, executor="local", executor_options={}))


def test_others_may_do_nothing(org: Organisation) -> None:
    for who in (org.requester, org.viewer, org.stranger):
        for do in (
            lambda who=who: sandboxes.add(who, wish()),
            lambda who=who: sandboxes.update(who, org.sandbox, SandboxRequest.of(org.sandbox)),
            lambda who=who: sandboxes.check(who, org.sandbox),
            lambda who=who: sandboxes.bootstrap(who, org.sandbox, {}, via="api"),
            lambda who=who: sandboxes.destroy_baseline(who, org.sandbox, via="api"),
            lambda who=who: sandboxes.retire(who, org.sandbox),
            lambda who=who: sandboxes.reinstate(who, org.sandbox),
        ):
            with pytest.raises(Forbidden):
                do()


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"name": "New"}, "name", "lower-case"),
        ({"name": "commerce-dev"}, "name", "already"),
        ({"name": "a" * 33}, "name", "at most 32"),
        ({"name": "internal-x"}, "name", "internal-"),
        ({"department": "sales"}, "department", "no department 'sales'"),
        ({"department": "a\x00b"}, "department", "no department"),
        ({"role_arn": f"arn:aws:iam::{ACCOUNT}:user/x"}, "role_arn", "role ARN"),
        ({"role_arn": "arn:aws:iam::999999999999:role/x"}, "role_arn", f"not in account {ACCOUNT}"),
        (
            {"account_id": "111122223333", "role_arn": "arn:aws:iam::111122223333:role/x"},
            "account_id",
            "111122223333 is sandbox commerce-dev",
        ),
        ({"region": "nowhere"}, "region", "AWS region"),
        ({"zone_name": "Example"}, "zone_name", "DNS zone"),
        ({"zone_name": "d1111.dev.example.com"}, "zone_name", "is the zone of sandbox commerce-dev"),
        ({"zone_name": "x.d1111.dev.example.com"}, "zone_name", "inside of d1111.dev.example.com"),
        ({"zone_name": "dev.example.com"}, "zone_name", "would lie inside of it"),
        ({"pool": "none"}, "pool", "no address pool 'none'"),
        ({"pool": "full"}, "pool", "too small for a network of /20: its largest free block is a /21"),
        ({"parent_zone_id": "Z1", "parent_role_arn": "arn:aws:iam::1:role/x"}, "parent_role_arn", "role ARN"),
        ({"parent_role_arn": "arn:aws:iam::111111111111:role/x"}, "parent_zone_id", "which hosted zone"),
        ({"parent_zone_id": "/hostedzone/Z1"}, "parent_zone_id", "id of a hosted zone"),
        ({"parent_zone_id": "Z1", "parent_external_id": "x"}, "parent_role_arn", "which role"),
        ({"fqdn_rule": "<product>.<zone>"}, "fqdn_rule", "<environment>"),
        ({"max_environments": 0}, "max_environments", "greater than or equal"),
        ({"max_parallel_runs": 51}, "max_parallel_runs", "less than or equal"),
        ({"lifetime_days": 31, "max_lifetime_days": 30}, "max_lifetime_days", "at least the usual 31"),
        ({"facts": {}}, "facts.vpc_id", "Missing: vpc-"),
        ({"executor": "jenkins"}, "executor", "no executor 'jenkins': choose of codebuild, github-actions, local"),
        ({"executor_options": {"results": "b"}}, "executor_options", "results: The executor local has no options."),
        (
            {"executor": "codebuild", "executor_options": {"repository": "acme/x"}},
            "executor_options",
            "repository: The executor codebuild has the options packages, results, pipeline.",
        ),
        (
            {"executor": "codebuild", "executor_options": {"results": "No_Bucket"}},
            "executor_options",
            "results: Write the name of a bucket.",
        ),
        (
            {"executor": "codebuild", "executor_options": {"pipeline": 7}},
            "executor_options",
            "pipeline: Write the name of a pipeline",
        ),
        ({"executor_options": ["results"]}, "executor_options", "Write names and values."),
        ({"facts": {**OWN, "vpc_id": "10.0.0.0/16"}}, "facts.vpc_id", "is none; write vpc-"),
        ({"facts": {**OWN, "vpc": "vpc-1"}}, "facts.vpc", "no such component"),
        ({"facts": {**OWN, "private_subnet_ids": ["subnet-00000003"]}}, "facts.private_subnet_ids", "at least two"),
        (
            {"facts": {**OWN, "cluster_arn": "arn:aws:ecs:eu-central-1:999999999999:cluster/main"}},
            "facts.cluster_arn",
            "in the sandbox's account and region",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_field(org: Organisation, change: dict[str, Any], field: str, reason: str) -> None:
    full = create_pool(org.platform, PoolRequest("full", "10.30.0.0/20"))
    AddressBlock.objects.create(pool=full, block="10.30.0.0/21", purpose="somebody")
    with pytest.raises(Invalid) as error:
        sandboxes.add(org.platform, wish(**change))
    found = dict(problems(error))
    assert reason in found[field], found
    assert {f.partition(".")[0] for f in found} == {field.partition(".")[0]}, found


def test_no_environment_is_called_as_a_sandbox(org: Organisation) -> None:
    """The names of what both build in AWS would be the same."""
    Product.objects.create(department=org.commerce, name="commerce", title="Commerce itself")
    with pytest.raises(Invalid, match="'commerce-dev' is the name of a sandbox"):
        create(org.requester, CreateRequest("commerce", "ecs-worker", "dev"), via="api")
    standing(org, org.sandbox, "dev")
    with pytest.raises(Invalid, match="'shop-dev' is an environment"):
        sandboxes.add(org.platform, wish(name="shop-dev"))


def test_every_problem_is_told_at_once(org: Organisation) -> None:
    with pytest.raises(Invalid) as error:
        sandboxes.add(org.platform, wish(name="", account_id="1", zone_name="x", pool="none", region="x"))
    assert ("account_id", "An AWS account id has exactly 12 digits.") in problems(error)
    assert {f for f, _ in problems(error)} == {"name", "account_id", "role_arn", "zone_name", "pool", "region"}


def test_without_an_emulator_there_are_no_emulated_sandboxes(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "aws_endpoint", "")
    with pytest.raises(Invalid, match="STACKYARD_AWS_ENDPOINT"):
        sandboxes.add(org.platform, wish(emulated=True))


def test_what_stands_was_built_with_stays(org: Organisation, pool: AddressPool) -> None:
    sandbox = sandboxes.add(org.platform, wish(pool="corp"))
    sandboxes.update(org.platform, sandbox, wish(pool="corp", zone_name="other.example.org", region="eu-west-1"))
    baseline = standing(org, sandbox)
    with pytest.raises(Invalid) as error:
        sandboxes.update(org.platform, sandbox, wish(zone_name="x.example.org", facts=OWN))
    assert {f for f, m in problems(error) if "while something stands" in m} == {"zone_name", "region", "facts"}
    sandbox.refresh_from_db()
    changed = replace(SandboxRequest.of(sandbox), pool="", max_environments=3, external_id="new", force_empty=False)
    sandboxes.update(org.platform, sandbox, changed)
    sandbox.refresh_from_db()
    assert (sandbox.max_environments, sandbox.external_id, sandbox.force_empty) == (3, "new", False)
    baseline.status = "destroyed"
    baseline.save()
    sandboxes.update(org.platform, sandbox, wish(name="renamed"))


def test_policies_are_shown_for_copying(org: Organisation, pool: AddressPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "principal", "arn:aws:iam::555555555555:role/worker")
    parent = {"parent_zone_id": "Z1", "parent_role_arn": "arn:aws:iam::999999999999:role/dns"}
    sandbox = sandboxes.add(org.platform, wish(external_id="x-1", parent_external_id="x-2", **parent))
    shown = {title: json.loads(text) for title, text in sandboxes.policies_for(sandbox)}
    trust = shown[f"Trust policy of {sandbox.role_arn}"]["Statement"][0]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::555555555555:role/worker"}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "x-1"}}
    assert {"Permission policy stackyard-read", "Permission policy stackyard-network"} < set(shown)
    writes = shown["Permission policy of arn:aws:iam::999999999999:role/dns"]["Statement"][0]
    assert writes["Resource"] == ["arn:aws:route53:::hostedzone/Z1"]
    assert writes["Condition"]["ForAllValues:StringEquals"] == {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["new.example.org"],
        "route53:ChangeResourceRecordSetsRecordTypes": ["NS"],
    }


def test_policies_hold_what_builds_need_when_the_sandbox_builds_elsewhere(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    monkeypatch.setattr(get_settings(), "github_repository", "acme/environments")
    sandbox = sandboxes.add(org.platform, wish(external_id="x-1"))
    for executor in ("local", "codebuild", "github-actions"):
        sandbox.executor = executor
        shown = {title: json.loads(text) for title, text in sandboxes.policies_for(sandbox)}
        (trust,) = (policy for title, policy in shown.items() if title.startswith("Trust policy of "))
        sids = [statement.get("Sid") for statement in trust["Statement"]]
        assert sids == ([None] if executor == "local" else [None, "Builds"])
        assert ("Permission policy stackyard-builds" in shown) is (executor != "local")
    builds = trust["Statement"][1]["Condition"]
    assert builds["StringEquals"] == {"sts:ExternalId": "x-1"}
    assert builds["ArnEquals"]["aws:PrincipalArn"] == [
        f"arn:aws:iam::{sandbox.account_id}:role/{name}" for name in ("stackyard-builds-build", "stackyard-github")
    ]


def test_retired_and_taken_back(org: Organisation) -> None:
    environment = standing(org, org.sandbox, "dev")
    with pytest.raises(Conflict, match="still has 1 environment: shop-dev"):
        sandboxes.retire(org.platform, org.sandbox)
    environment.status = "destroyed"
    environment.save()
    baseline = standing(org, org.sandbox)
    with pytest.raises(Conflict, match="still stand"):
        sandboxes.retire(org.platform, org.sandbox)
    baseline.status = "destroyed"
    baseline.save()
    assert sandboxes.retire(org.platform, org.sandbox).status == SandboxStatus.RETIRED
    with pytest.raises(Conflict, match="retired already"):
        sandboxes.retire(org.platform, org.sandbox)
    with pytest.raises(Invalid, match="retired"):
        create(org.requester, CreateRequest("shop", "ecs-worker", "dev"), via="api")
    # Its account stays taken, and the reason says so.
    with pytest.raises(Invalid, match="commerce-dev, which is retired"):
        sandboxes.add(org.platform, wish(account_id="111122223333", role_arn="arn:aws:iam::111122223333:role/x"))
    assert sandboxes.reinstate(org.platform, org.sandbox).status == SandboxStatus.NEW
    with pytest.raises(Conflict, match="is not retired"):
        sandboxes.reinstate(org.platform, org.sandbox)


@pytest.mark.parametrize(
    ("settings", "cidr", "pooled", "fields"),
    [
        ({"logs.retention_days": 8, "nonsense": 1}, None, True, ["settings.logs.retention_days", "settings.nonsense"]),
        ({}, "10.20.0.1/20", True, ["vpc_cidr"]),
        ({}, "10.20.0.0/25", True, ["vpc_cidr"]),
        ({}, "fd00::/48", True, ["vpc_cidr"]),
        ({}, None, False, ["pool"]),
        ({"sandbox.name": "x"}, "x", False, ["settings.sandbox.name", "vpc_cidr", "pool"]),
    ],
)
def test_a_bootstrap_that_cannot_be_is_refused_before_aws_is_asked(
    org: Organisation, pool: AddressPool, settings: dict[str, Any], cidr: str | None, pooled: bool, fields: list[str]
) -> None:
    sandbox = sandboxes.add(org.platform, wish(pool="corp" if pooled else ""))
    with pytest.raises(Invalid) as error:
        sandboxes.bootstrap(org.platform, sandbox, settings, vpc_cidr=cidr, via="api")
    assert [f for f, _ in problems(error)] == fields
    assert not Environment.objects.exists()


def test_what_is_there_is_not_built_again(org: Organisation, pool: AddressPool) -> None:
    def refused(sandbox: Sandbox) -> str:
        with pytest.raises(Conflict) as error:
            sandboxes.bootstrap(org.platform, sandbox, {}, via="api")
        return error.value.message

    assert "has its common components already, and no run has built them" in refused(org.sandbox), "before the pool"
    own = sandboxes.add(org.platform, wish(facts=OWN, pool="corp"))
    assert "its account's own components" in refused(own)
    standing(org, org.other_sandbox)
    org.other_sandbox.pool = pool
    assert "has a baseline already: ready" in refused(org.other_sandbox)
    assert "retired" in refused(sandboxes.retire(org.platform, own))


@pytest.fixture
def ready(org: Organisation, pool: AddressPool, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A sandbox of whose account nothing is asked."""
    monkeypatch.setattr("stackyard.environments.baselines._ask_account", lambda _: ())
    return sandboxes.add(org.platform, wish(pool="corp"))


def test_a_bootstrap_claims_a_block_and_waits_for_a_worker(org: Organisation, ready: Sandbox) -> None:
    run = sandboxes.bootstrap(org.platform, ready, {"network.nat_per_zone": True}, via="cli")
    baseline = run.environment
    assert (run.kind, run.status, run.via, run.sandbox) == ("create", "queued", "cli", ready)
    assert (baseline.is_baseline, baseline.slug, baseline.base_name) == (True, "baseline-new", "new")
    assert (baseline.settings, baseline.backend, baseline.fqdn) == ({"network.nat_per_zone": True}, "pg", "")
    (block,) = baseline.address_blocks.all()
    assert (str(block.block), block.purpose) == ("10.20.0.0/20", "VPC of new")
    assert sandboxes.baseline_of(ready) == baseline
    # Nobody moves in before it stands, and it does not count as somebody who lives there.
    with pytest.raises(Invalid, match="is not ready"):
        create(org.requester, CreateRequest("shop", "ecs-worker", "dev", sandbox="new"), via="api")
    assert list(sandboxes.living(ready)) == []
    # Cancelled before a worker took it: all is as before.
    request_cancel(org.platform, run)
    assert sandboxes.baseline_of(ready) is None
    assert not baseline.address_blocks.filter(released_at=None).exists()
    again = sandboxes.bootstrap(org.platform, ready, {}, vpc_cidr="10.20.16.0/22", via="api")
    assert str(again.environment.address_blocks.get().block) == "10.20.16.0/22"


def test_the_wanted_block_must_be_one_of_the_pool(org: Organisation, ready: Sandbox) -> None:
    with pytest.raises(Invalid) as error:
        sandboxes.bootstrap(org.platform, ready, {}, vpc_cidr="10.99.0.0/20", via="api")
    assert problems(error) == [("vpc_cidr", "10.99.0.0/20 does not lie in pool corp, which is 10.20.0.0/16.")]
    assert not Environment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_moves_in_while_the_components_are_taken_away() -> None:
    """A create and the destroy of the baseline at the same moment: one of the two is refused, whoever is quicker."""
    org = make_organisation()
    baseline = standing(org, org.sandbox)
    gate, outcomes = threading.Barrier(2), {}

    def attempt(name: str, do: Any) -> None:
        gate.wait()
        try:
            outcomes[name] = do()
        except StackyardError as error:
            outcomes[name] = error
        finally:
            connection.close()

    threads = [
        threading.Thread(target=attempt, args=("create", lambda: create(
            org.requester, CreateRequest("shop", "ecs-worker", "dev", sandbox="commerce-dev"), via="api"))),
        threading.Thread(target=attempt, args=("destroy", lambda: destroy(org.platform, baseline, via="api"))),
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = {name for name, outcome in outcomes.items() if isinstance(outcome, StackyardError)}
    assert len(refused) == 1, outcomes
    assert Run.objects.count() == 1
