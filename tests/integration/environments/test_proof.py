"""A path is proven whenever somebody asks: kept with its time, unless a run is going on, and only for who may act."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.integration.portal.site import HTMX, ready
from tests.yard import Yard

from stackyard.aws.path_proof import Hop
from stackyard.cmdb.models import Environment, Run
from stackyard.environments import proof
from stackyard.environments.create import create
from stackyard.environments.proof import verify
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Conflict, Forbidden, Unavailable

NAME = "shop-dev"


@pytest.fixture
def standing(yard: Yard) -> Environment:
    """A worker with its service, as its pattern builds it, and a row that says so."""
    access = yard.access(yard.org.sandbox)
    iam, ecs = access.client("iam"), access.client("ecs")
    access.client("logs").create_log_group(logGroupName=f"/ecs/{NAME}")
    roles = {
        kind: iam.create_role(RoleName=f"{NAME}-{kind}", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for kind in ("execution", "task")
    }
    options = {"logDriver": "awslogs", "options": {"awslogs-group": f"/ecs/{NAME}"}}
    ecs.register_task_definition(
        family=NAME,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=roles["execution"],
        taskRoleArn=roles["task"],
        containerDefinitions=[{"name": "app", "image": "example", "logConfiguration": options}],
    )
    facts = yard.org.sandbox.facts
    groups = [facts["alb_security_group_id"]]
    network = {"awsvpcConfiguration": {"subnets": facts["private_subnet_ids"], "securityGroups": groups}}
    ecs.create_service(
        cluster=facts["cluster_name"],
        serviceName=NAME,
        taskDefinition=NAME,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=network,
    )
    environment = ready(create(yard.user, CreateRequest("shop", "ecs-worker", "dev"), via="api")).environment
    environment.outputs = {
        "service_name": NAME,
        "cluster_name": facts["cluster_name"],
        "log_group_name": f"/ecs/{NAME}",
        "task_role_arn": roles["task"],
        "execution_role_arn": roles["execution"],
    }
    environment.hops = []
    environment.save()
    return environment


def break_it(yard: Yard) -> None:
    cluster = yard.org.sandbox.facts["cluster_name"]
    yard.access(yard.org.sandbox).client("ecs").delete_service(cluster=cluster, service=NAME, force=True)


def stored(environment: Environment) -> tuple[list[tuple[str, Any]], Any]:
    row = Environment.objects.get(pk=environment.pk)
    return [(hop["name"], hop["ok"]) for hop in row.hops], row.proven_at


GOOD = [("service", True), ("task_definition", True), ("log_group", True)]
BROKEN = [("service", False), ("task_definition", None), ("log_group", None)]


def test_the_hops_are_proven_and_kept_and_a_broken_one_is_told(yard: Yard, standing: Environment) -> None:
    changes = standing.history.count()
    assert [(hop.name, hop.ok) for hop in verify(yard.user, standing)] == GOOD
    hops, at = stored(standing)
    assert hops == GOOD
    assert at is not None

    break_it(yard)
    hops_now = verify(yard.user, standing)
    assert [(hop.name, hop.ok) for hop in hops_now] == BROKEN
    assert hops_now[0].found
    assert hops_now[0].fix
    assert stored(standing)[0] == BROKEN
    assert stored(standing)[1] > at
    assert standing.history.count() == changes, "what AWS says is no change of a person"


def test_while_a_run_is_going_on_nothing_is_kept(yard: Yard, standing: Environment) -> None:
    Run.objects.update(status="running")
    assert [(hop.name, hop.ok) for hop in verify(yard.user, standing)] == GOOD
    assert stored(standing) == ([], None)


def test_what_a_run_wrote_in_between_stays(yard: Yard, standing: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def another_run(*_: Any, **__: Any) -> list[Hop]:
        run = Run.objects.get()
        Run.objects.create(
            environment=run.environment, sandbox=run.sandbox, kind="change", status="succeeded", requested_by=yard.user
        )
        return [Hop("service", "Service", False, "", "", "", 0.0)]

    monkeypatch.setattr(proof, "prove_path", another_run)
    verify(yard.user, standing)
    assert stored(standing) == ([], None)


def test_only_who_may_act_on_it_proves_it_and_only_what_stands(yard: Yard, standing: Environment) -> None:
    for who in (yard.org.viewer, yard.org.stranger):
        with pytest.raises(Forbidden):
            verify(who, standing)
    standing.outputs = {}
    with pytest.raises(Conflict, match="no outputs"):
        verify(yard.user, standing)
    standing.status = "destroyed"
    with pytest.raises(Conflict, match="Nothing of shop-dev stands"):
        verify(yard.user, standing)


def test_a_role_that_aws_refuses_is_no_lack_of_rights_of_the_person(
    yard: Yard, standing: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> list[Hop]:
        raise Forbidden("AWS refused the role arn:x.", hint="Look at it.")

    monkeypatch.setattr(proof, "prove_path", refused)
    with pytest.raises(Unavailable, match=r"AWS refused the role arn:x\."):
        verify(yard.user, standing)


@pytest.mark.parametrize(("emulated", "live", "names"), [
    (False, None, ["record", "dns"]),
    (False, False, ["record"]),
    (True, None, ["record"]),
    (True, True, ["record", "dns"]),
])  # fmt: skip
def test_the_name_is_opened_where_that_can_succeed_or_when_asked(
    yard: Yard,
    standing: Environment,
    monkeypatch: pytest.MonkeyPatch,
    emulated: bool,
    live: bool | None,
    names: list[str],
) -> None:
    record = Hop("record", "DNS record", True, "", "", "", 0.0)
    monkeypatch.setattr(proof, "prove_path", lambda *_, **__: [record])
    monkeypatch.setattr(proof, "probe_live", lambda fqdn: [Hop("dns", fqdn, True, "", "", "", 0.0)])
    standing.sandbox.emulated = emulated
    assert [hop.name for hop in verify(yard.user, standing, live=live)] == names


def test_nothing_is_opened_behind_a_broken_hop(
    yard: Yard, standing: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "prove_path", lambda *_, **__: [Hop("record", "DNS record", False, "", "", "", 0.0)])
    monkeypatch.setattr(proof, "probe_live", lambda fqdn: pytest.fail("was opened"))
    assert [(hop.name, hop.ok) for hop in verify(yard.user, standing, live=True)] == [("record", False), ("live", None)]


def test_the_button_on_the_page_brings_the_new_line(yard: Yard, standing: Environment) -> None:
    break_it(yard)
    client = Client()
    client.force_login(yard.user)
    page = client.post(reverse("portal:prove-path", args=[standing.uid]), **HTMX).content.decode()
    assert page.count('class="hop ') == 3
    assert 'class="hop hop-broken"' in page
    assert "path-broken" in page
    assert 'id="part-path"' in page
