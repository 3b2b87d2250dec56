"""A plan whose parts do not fit is refused before anything is built; what it does not know is not held against it."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.factories import facts as facts_of

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.path_proof import Hop
from stackyard.runs.plan_proof import prove_plan

FACTS = BaselineFacts.from_dict(facts_of("111122223333"))
FQDN = "shop-dev.d1111.dev.example.com"
COVERED = (f"*.{FACTS.zone_name}",)
CONTAINERS = json.dumps([{"name": "app", "portMappings": [{"containerPort": 8080}]}])


def resource(kind: str, after: dict[str, Any], **unknown: Any) -> dict[str, Any]:
    """As `terraform show -json` has it."""
    address = f"module.x.{kind}.this"
    return {
        **{"address": address, "mode": "managed", "type": kind},
        "change": {"actions": ["create"], "after": after, "after_unknown": unknown},
    }


def good() -> dict[str, dict[str, Any]]:
    """A web application with a database behind the shared load balancer: what is made by the plan has no id yet."""
    tcp = {"type": "ingress", "protocol": "tcp"}
    alias = {"name": FACTS.alb_dns_name, "zone_id": FACTS.alb_zone_id}
    condition = [{"host_header": [{"values": [FQDN]}]}]
    balancer = [{"container_name": "app", "container_port": 8080}]
    return {
        "record": resource(
            "aws_route53_record", {"name": FQDN, "type": "A", "zone_id": FACTS.zone_id, "alias": [alias]}, id=True
        ),
        "rule": resource(
            "aws_lb_listener_rule",
            {"listener_arn": FACTS.https_listener_arn, "priority": 101, "condition": condition, "action": [{}]},
            action=[{"target_group_arn": True}],
            condition=[{"host_header": [{"values": [False]}]}],
        ),
        "group": resource("aws_lb_target_group", {"target_type": "ip", "vpc_id": FACTS.vpc_id}, arn=True),
        "definition": resource("aws_ecs_task_definition", {"container_definitions": CONTAINERS}, arn=True),
        "service": resource(
            "aws_ecs_service",
            {"launch_type": "FARGATE", "load_balancer": balancer, "network_configuration": [{"subnets": ["subnet-3"]}]},
            load_balancer=[{"target_group_arn": True}],
            network_configuration=[{"security_groups": True, "subnets": [False]}],
        ),
        "way in": resource(
            "aws_security_group_rule",
            {**tcp, "from_port": 8080, "to_port": 8080, "source_security_group_id": FACTS.alb_security_group_id},
            security_group_id=True,
        ),
        "way on": resource(
            "aws_security_group_rule",
            {**tcp, "from_port": 5432, "to_port": 5432},
            security_group_id=True,
            source_security_group_id=True,
        ),
        "database": resource("aws_db_instance", {"port": 5432}, vpc_security_group_ids=True),
        "subnets": resource("aws_db_subnet_group", {"subnet_ids": ["subnet-5", "subnet-6"]}),
        "secret": resource("aws_secretsmanager_secret", {"name": "shop-dev/database"}, arn=True),
        "value": resource("aws_secretsmanager_secret_version", {}, secret_id=True, secret_string=True),
        "policy": resource("aws_iam_role_policy", {"role": "shop-dev-execution"}, policy=True),
    }


def prove(plan: dict[str, dict[str, Any]]) -> list[Hop]:
    return prove_plan(list(plan.values()), fqdn=FQDN, facts=FACTS, covered=COVERED)


def verdicts(plan: dict[str, dict[str, Any]]) -> dict[str, bool | None]:
    return {hop.name: hop.ok for hop in prove(plan)}


ALL = (
    *("record", "certificate", "rule", "target_group", "service", "task_subnets", "task_network"),
    *("database_network", "subnet_group", "secret"),
)


def test_what_fits_is_told_as_such() -> None:
    assert verdicts(good()) == dict.fromkeys(ALL, True)


def after(part: str, **values: Any) -> Callable[[dict[str, dict[str, Any]]], None]:
    def change(plan: dict[str, dict[str, Any]]) -> None:
        plan[part]["change"]["after"].update(copy.deepcopy(values))
        for name, value in values.items():
            if not value:  # nothing is in it, so nothing in it is unknown
                plan[part]["change"]["after_unknown"].pop(name, None)

    return change


def without(part: str) -> Callable[[dict[str, dict[str, Any]]], None]:
    return lambda plan: plan.pop(part) and None


def known_policy(action: str) -> Callable[[dict[str, dict[str, Any]]], None]:
    def change(plan: dict[str, dict[str, Any]]) -> None:
        document = {"Statement": [{"Effect": "Allow", "Action": [action], "Resource": "*"}]}
        plan["policy"] = resource("aws_iam_role_policy", {"policy": json.dumps(document)})

    return change


OTHER_ALB = [{"name": "other-1.elb.amazonaws.com", "zone_id": "Z"}]
OTHER_NAME = [{"host_header": [{"values": ["*.other.example.com"]}]}]
OTHER_PORT = [{"container_name": "app", "container_port": 80}]
OTHER_CONTAINER = [{"container_name": "web", "container_port": 8080}]


@pytest.mark.parametrize(
    ("hop", "change", "words"),
    [
        ("record", after("record", name="shop-prod.d1111.dev.example.com"), "none for shop-dev."),
        ("record", after("record", zone_id="Z9"), "zone Z9"),
        ("record", after("record", alias=OTHER_ALB), "leads to other-1."),
        ("rule", after("rule", listener_arn=FACTS.http_listener_arn), "not the sandbox's HTTPS listener"),
        ("rule", after("rule", condition=OTHER_NAME), "takes *.other.example.com"),
        ("target_group", after("group", target_type="instance"), "type instance"),
        ("target_group", after("group", target_type=None), "type instance"),
        ("target_group", after("group", vpc_id="vpc-9"), "vpc-9"),
        ("service", after("service", load_balancer=[]), "no service registers"),
        ("service", after("service", load_balancer=OTHER_PORT), "port 80 of app, which opens 8080"),
        ("service", after("service", load_balancer=OTHER_CONTAINER), "container web"),
        ("task_network", without("way in"), "on port 8080"),
        ("task_network", after("way in", to_port=8079, from_port=8079), "on port 8080"),
        ("task_network", after("way in", source_security_group_id="sg-9"), "load balancer"),
        ("database_network", without("way on"), "on port 5432"),
        ("subnet_group", after("subnets", subnet_ids=["subnet-5"]), "1 subnets"),
        ("task_subnets", after("service", network_configuration=[{"subnets": []}]), "without subnets"),
        ("task_subnets", after("service", network_configuration=[{"subnets": ["subnet-5"]}]), "no way out"),
        ("secret", without("policy"), "No planned role"),
        ("secret", known_policy("s3:GetObject"), "No planned role"),
    ],
)
def test_what_surely_does_not_fit_is_named(hop: str, change: Any, words: str) -> None:
    plan = good()
    change(plan)
    found = next(h for h in prove(plan) if h.name == hop)
    assert found.ok is False
    assert words in found.found
    assert found.fix


def unknown(part: str, **marks: Any) -> Callable[[dict[str, dict[str, Any]]], None]:
    def change(plan: dict[str, dict[str, Any]]) -> None:
        for name in marks:
            plan[part]["change"]["after"].pop(name, None)
        plan[part]["change"]["after_unknown"].update(marks)

    return change


def subnets_of_its_own(plan: dict[str, dict[str, Any]]) -> None:
    plan["service"]["change"]["after"]["network_configuration"] = [{}]
    plan["service"]["change"]["after_unknown"]["network_configuration"] = [{"security_groups": True, "subnets": True}]


@pytest.mark.parametrize(
    ("hop", "change"),
    [
        ("record", unknown("record", name=True)),
        ("record", unknown("record", alias=True)),
        ("service", unknown("definition", container_definitions=True)),
        ("database_network", unknown("database", port=True)),
        ("subnet_group", unknown("subnets", subnet_ids=True)),
        ("task_subnets", subnets_of_its_own),
        ("task_subnets", after("service", network_configuration=[{"subnets": ["subnet-of-our-own"]}])),
        ("secret", without("value")),
    ],
)
def test_what_is_not_known_yet_is_not_held_against_it(hop: str, change: Any) -> None:
    plan = good()
    change(plan)
    assert verdicts(plan)[hop] is None
    assert False not in verdicts(plan).values()


def test_an_own_load_balancer_is_not_measured_by_the_sandbox() -> None:
    plan = good()
    plan["balancer"] = resource("aws_lb", {"name": "shop-dev"}, arn=True, dns_name=True, id=True)
    plan["listener"] = resource("aws_lb_listener", {"port": 443}, arn=True)
    unknown("rule", listener_arn=True)(plan)
    unknown("way in", source_security_group_id=True)(plan)
    plan["record"]["change"]["after"]["alias"] = [{}]
    plan["record"]["change"]["after_unknown"]["alias"] = [{"name": True, "zone_id": True}]
    assert False not in verdicts(plan).values()


DEEP = f"dev.shop.{FACTS.zone_name}"


def deep(plan: dict[str, dict[str, Any]], covered: tuple[str, ...] | None = COVERED) -> Hop:
    """The certificate of an environment whose name the sandbox's wildcard does not cover."""
    after("record", name=DEEP)(plan)
    after("rule", condition=[{"host_header": [{"values": [DEEP]}]}])(plan)
    hops = prove_plan(list(plan.values()), fqdn=DEEP, facts=FACTS, covered=covered)
    return next(hop for hop in hops if hop.name == "certificate")


def test_a_name_that_no_certificate_covers_is_refused() -> None:
    found = deep(good())
    assert found.ok is False
    assert found.found.startswith(f"The sandbox's certificate covers *.{FACTS.zone_name}, not {DEEP}")
    assert found.fix


def test_a_certificate_of_its_own_covers_a_deep_name() -> None:
    own = resource("aws_acm_certificate", {"domain_name": DEEP}, arn=True)
    attached = resource("aws_lb_listener_certificate", {"listener_arn": FACTS.https_listener_arn}, certificate_arn=True)
    assert deep({**good(), "own": own, "attached": attached}).ok
    assert deep({**good(), "own": own}).ok is False, "nobody shows it"
    other = resource("aws_acm_certificate", {"domain_name": f"prod.shop.{FACTS.zone_name}"}, arn=True)
    assert deep({**good(), "own": other, "attached": attached}).ok is None


def test_what_is_on_the_sandbox_s_certificate_counts() -> None:
    assert deep(good(), (*COVERED, f"*.shop.{FACTS.zone_name}")).ok
    assert deep(good(), None).ok is None, "AWS did not tell"


def test_a_worker_has_hardly_any_hops_and_an_empty_plan_none() -> None:
    worker = {"service": good()["service"], "definition": good()["definition"]}
    after("service", load_balancer=[])(worker)
    assert verdicts(worker) == {"service": True, "task_subnets": True}
    assert prove({}) == []


def test_what_is_deleted_or_only_read_does_not_count() -> None:
    plan = good()
    gone = copy.deepcopy(plan["record"])
    gone["change"]["after"] = None
    read = {**copy.deepcopy(plan["rule"]), "mode": "data"}
    assert prove_plan([gone, read], fqdn=FQDN, facts=FACTS, covered=COVERED) == []
