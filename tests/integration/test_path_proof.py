"""The path proof is green on a good path, and names exactly the hop that was broken."""

from collections.abc import Callable

import pytest
from tests.built import FQDN, NAME, PORT, ZONE, Built, build, let_read, opening, register

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.lookup import NotFoundByDns
from stackyard.aws.path_proof import LINE, NOTHING, prove_path
from stackyard.aws.sessions import SandboxAccess

ON_WISH = {"cloudfront", "edge_certificate", "firewall", "cache_network", "cache"}


@pytest.fixture
def built(emulator: Emulator) -> Built:
    """A fresh account with baseline and environment."""
    return build(emulator)


def test_a_good_path_is_green_from_name_to_secret(built: Built) -> None:
    hops = built.prove()
    assert [(hop.name, hop.ok, hop.fix) for hop in hops] == [
        (link.name, True, "") for link in LINE if link.name not in ON_WISH
    ], hops
    assert all(hop.found and hop.checked for hop in hops)


def test_what_nobody_can_tell_does_not_end_the_line(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    not_delegated(built)
    built.client("route53").delete_hosted_zone(Id=built.outputs["parent"])
    assert [h for h in built.prove() if not h.ok] == [], "the emulator has no DNS to ask"
    assert "delegation" not in {hop.name for hop in built.prove()}

    monkeypatch.setattr(SandboxAccess, "emulated", False)
    monkeypatch.setattr("stackyard.aws.checks.delegation.delegation_of", _no_answer)
    hops = {hop.name: hop for hop in built.prove()}
    assert (hops["delegation"].ok, hops["delegation"].found) == (None, "No name server answers.")
    assert hops["record"].ok, "the line goes on"


def _no_answer(*_: object) -> set[str]:
    raise NotFoundByDns("No name server answers.", final=False)


def test_a_pattern_without_database_or_name_has_fewer_hops(built: Built) -> None:
    assert [hop.name for hop in built.prove(database_endpoint="", secret_arn="")][-1] == "task_network"
    worker = {key: built.outputs[key] for key in ("service_name", "cluster_name", "log_group_name")}
    built.outputs = worker
    assert [hop.name for hop in built.prove()] == ["service", "task_definition", "log_group"]


def no_zone(made: Built) -> None:
    made.record("DELETE", made.facts.alb_dns_name, made.facts.alb_zone_id)
    made.client("route53").delete_hosted_zone(Id=made.facts.zone_id)


def delegated_to_others(made: Built) -> None:
    made.delegate("UPSERT", ["ns-1.elsewhere.example.com"])


def not_delegated(made: Built) -> None:
    zone = made.client("route53").get_hosted_zone(Id=made.facts.zone_id)
    made.delegate("DELETE", zone["DelegationSet"]["NameServers"])


def no_record(made: Built) -> None:
    made.record("DELETE", made.facts.alb_dns_name, made.facts.alb_zone_id)


def record_without_alias(made: Built) -> None:
    no_record(made)
    record = {"Name": FQDN, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    made.client("route53").change_resource_record_sets(
        HostedZoneId=made.facts.zone_id, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )


def record_elsewhere(made: Built) -> None:
    made.record("UPSERT", "other-1.eu-central-1.elb.amazonaws.com", made.facts.alb_zone_id)


def no_balancer(made: Built) -> None:
    made.client("elbv2").delete_load_balancer(LoadBalancerArn=made.facts.alb_arn)


def no_listener(made: Built) -> None:
    made.client("elbv2").delete_listener(ListenerArn=made.facts.https_listener_arn)


def plain_listener(made: Built) -> None:
    made.client("elbv2").modify_listener(ListenerArn=made.facts.https_listener_arn, Port=8443)


def foreign_certificate(made: Built) -> None:
    arn = made.client("acm").request_certificate(DomainName="*.other.example.com", ValidationMethod="DNS")
    made.client("elbv2").modify_listener(
        ListenerArn=made.facts.https_listener_arn, Certificates=[{"CertificateArn": arn["CertificateArn"]}]
    )


def no_rule(made: Built) -> None:
    made.client("elbv2").delete_rule(RuleArn=made.outputs["listener_rule_arn"])


def rule_for_another_name(made: Built) -> None:
    made.client("elbv2").modify_rule(
        RuleArn=made.outputs["listener_rule_arn"],
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": ["other.dev.example.com"]}}],
    )


def rule_before_it(made: Built) -> None:
    made.client("elbv2").create_rule(
        ListenerArn=made.facts.https_listener_arn,
        Priority=1,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [f"*.{ZONE}"]}}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "ContentType": "text/plain"}}],
    )


def target_group_of_instances(made: Built) -> None:
    elb = made.client("elbv2")
    group = elb.create_target_group(Name="other", Protocol="HTTP", Port=80, VpcId=made.facts.vpc_id)
    arn = group["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_rule(RuleArn=made.outputs["listener_rule_arn"], Actions=[{"Type": "forward", "TargetGroupArn": arn}])
    made.outputs["target_group_arn"] = arn


def no_service(made: Built) -> None:
    made.client("ecs").delete_service(cluster=made.facts.cluster_name, service=NAME, force=True)


def service_of_another_target_group(made: Built) -> None:
    made.client("ecs").delete_service(cluster=made.facts.cluster_name, service=NAME, force=True)
    made.client("ecs").create_service(
        cluster=made.facts.cluster_name, serviceName=NAME, taskDefinition=NAME, desiredCount=1
    )


def container_on_another_port(made: Built) -> None:
    made.client("ecs").update_service(
        cluster=made.facts.cluster_name, service=NAME, taskDefinition=register(made, port=9999)
    )


def no_task_role(made: Built) -> None:
    iam = made.client("iam")
    iam.delete_role_policy(RoleName=f"{NAME}-task", PolicyName="Allow")
    iam.delete_role(RoleName=f"{NAME}-task")


def no_log_group(made: Built) -> None:
    made.client("logs").delete_log_group(logGroupName=f"/ecs/{NAME}")


def tasks_closed(made: Built) -> None:
    made.client("ec2").revoke_security_group_ingress(
        GroupId=made.outputs["security_group_id"], IpPermissions=opening(PORT, made.facts.alb_security_group_id)
    )


def no_way_out_of_the_tasks(made: Built) -> None:
    made.client("ec2").revoke_security_group_egress(
        GroupId=made.outputs["security_group_id"],
        IpPermissions=opening(5432, str(made.outputs["database_security_group_id"])),
    )


def database_closed(made: Built) -> None:
    made.client("ec2").revoke_security_group_ingress(
        GroupId=made.outputs["database_security_group_id"],
        IpPermissions=opening(5432, str(made.outputs["security_group_id"])),
    )


def no_database(made: Built) -> None:
    made.client("rds").delete_db_instance(DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)
    made.outputs["database_subnet_group_name"] = NAME


def stopped_database(made: Built) -> None:
    made.client("rds").stop_db_instance(DBInstanceIdentifier=NAME)


def subnets_in_one_zone(made: Built) -> None:
    rds = made.client("rds")
    rds.delete_db_subnet_group(DBSubnetGroupName=NAME)
    rds.create_db_subnet_group(
        DBSubnetGroupName=NAME, DBSubnetGroupDescription="-", SubnetIds=[made.facts.database_subnet_ids[0]]
    )


def secret_going(made: Built) -> None:
    made.client("secretsmanager").delete_secret(SecretId=made.outputs["secret_arn"])


def secret_not_readable(made: Built) -> None:
    made.client("iam").delete_role_policy(RoleName=f"{NAME}-task", PolicyName="Allow")


def secret_denied(made: Built) -> None:
    let_read(made, "task", "Deny")


def secret_not_readable_for_ecs(made: Built) -> None:
    handed = [{"name": "PASSWORD", "valueFrom": f"{made.outputs['secret_arn']}:password::"}]
    made.client("ecs").update_service(
        cluster=made.facts.cluster_name, service=NAME, taskDefinition=register(made, secrets=handed)
    )


@pytest.mark.parametrize(
    ("break_it", "hop", "reason"),
    [
        (no_zone, "zone", "no hosted zone"),
        (delegated_to_others, "delegation", "names ns-1.elsewhere.example.com, but it has"),
        (not_delegated, "delegation", "names none"),
        (no_record, "record", f"No record {FQDN}"),
        (record_without_alias, "record", "no alias"),
        (record_elsewhere, "load_balancer", "points to other-1."),
        (no_balancer, "load_balancer", "no load balancer"),
        (no_listener, "listener", "no listener"),
        (plain_listener, "listener", "8443"),
        (foreign_certificate, "certificate", "covers *.other.example.com"),
        (no_rule, "rule", "its own is gone"),
        (rule_for_another_name, "rule", "other.dev.example.com"),
        (rule_before_it, "rule", "priority 1 "),
        (target_group_of_instances, "target_group", "type instance"),
        (no_service, "service", "service shop-dev"),
        (service_of_another_target_group, "service", "in none"),
        (container_on_another_port, "task_definition", "8080"),
        (no_task_role, "task_definition", "shop-dev-task does not exist"),
        (no_log_group, "log_group", "/ecs/shop-dev"),
        (tasks_closed, "task_network", "port 8080"),
        (no_way_out_of_the_tasks, "database_network", "does not let out"),
        (database_closed, "database_network", "does not let the tasks in"),
        (no_database, "database", "no database shop-dev"),
        (stopped_database, "database", "stopped"),
        (subnets_in_one_zone, "subnet_group", "one zone only"),
        (secret_going, "secret", "waits for its deletion"),
        (secret_not_readable, "secret", "task role"),
        (secret_denied, "secret", "may not read"),
        (secret_not_readable_for_ecs, "secret", "execution role"),
    ],
)
def test_the_broken_hop_is_named_with_reason_and_fix(
    built: Built, break_it: Callable[[Built], None], hop: str, reason: str
) -> None:
    break_it(built)
    hops = built.prove()
    place = [item.name for item in hops].index(hop)
    assert [item.ok for item in hops] == [True] * place + [False] + [None] * (len(hops) - place - 1), hops
    assert reason in hops[place].found
    assert hops[place].fix


def test_too_few_running_tasks_are_named(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator always runs what is wanted, so its answer is changed on the way."""
    from stackyard.aws.hops.path import Path

    service = built.client("ecs").describe_services(cluster=built.facts.cluster_name, services=[NAME])["services"][0]
    stuck = {**service, "runningCount": 1, "events": [{"message": "Essential container exited."}]}
    monkeypatch.setattr(Path, "service", stuck)
    broken = next(hop for hop in built.prove() if not hop.ok)
    assert (broken.name, broken.found) == ("service", "1 of 2 tasks run. Essential container exited.")


def test_an_error_of_aws_breaks_only_the_hop_that_met_it(built: Built, emulator: Emulator) -> None:
    emulator.fail("elasticloadbalancing:DescribeRules", times=1)
    broken = next(hop for hop in built.prove() if not hop.ok)
    assert broken.name == "rule"
    assert "AccessDenied" in broken.found
    assert built.access.role_arn in broken.fix


@pytest.mark.parametrize(
    "outputs", [{}, {"queue_url": "https://queue"}, {"service_name": ""}, {"database_endpoint": None}]
)
def test_outputs_that_name_no_hop_are_no_proof(outputs: dict[str, object]) -> None:
    """Nothing is asked of AWS: there is none at this endpoint."""
    facts = BaselineFacts("vpc-1", "10.0.0.0/16", ("a",), ("b",), ("c",), *["-"] * 11)
    access = SandboxAccess("111122223333", "eu-central-1", "arn:aws:iam::111122223333:role/x", "", "http://127.0.0.1:1")
    hops = prove_path(access, fqdn=FQDN, facts=facts, outputs=outputs)
    assert hops == [NOTHING]
    assert (hops[0].ok, bool(hops[0].fix)) == (None, True)
