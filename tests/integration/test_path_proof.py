"""The path proof is green on a good path, and names exactly the hop that was broken."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.lookup import NotFoundByDns
from stackyard.aws.path_proof import LINE, NOTHING, Hop, prove_path
from stackyard.aws.sessions import SandboxAccess

ACCOUNTS = count(200000000001)
NAME = "shop-dev"
ZONE = "dev.example.com"
FQDN = f"{NAME}.{ZONE}"
PORT = 8080


@dataclass
class Built:
    """An environment from FQDN to database, as a pattern would build it, and its outputs."""

    access: SandboxAccess
    facts: BaselineFacts
    outputs: dict[str, object]

    def client(self, service: str) -> Any:
        return self.access.client(service)

    def prove(self, **changed: object) -> list[Hop]:
        return prove_path(self.access, fqdn=FQDN, facts=self.facts, outputs={**self.outputs, **changed})

    def delegate(self, action: str, servers: list[str]) -> None:
        values = [{"Value": name} for name in servers]
        wanted = {"Name": ZONE, "Type": "NS", "TTL": 300, "ResourceRecords": values}
        self.client("route53").change_resource_record_sets(
            HostedZoneId=self.outputs["parent"],
            ChangeBatch={"Changes": [{"Action": action, "ResourceRecordSet": wanted}]},
        )

    def record(self, action: str, target: str, zone_id: str, name: str = FQDN) -> None:
        alias = {"DNSName": target, "HostedZoneId": zone_id, "EvaluateTargetHealth": False}
        self.client("route53").change_resource_record_sets(
            HostedZoneId=self.facts.zone_id,
            ChangeBatch={
                "Changes": [{"Action": action, "ResourceRecordSet": {"Name": name, "Type": "A", "AliasTarget": alias}}]
            },
        )


@pytest.fixture
def built(emulator: Emulator) -> Built:
    """A fresh account with baseline and environment."""
    account = str(next(ACCOUNTS))
    access = SandboxAccess(account, "eu-central-1", f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)
    facts = seed_baseline(access, zone_name=ZONE, vpc_cidr="10.0.0.0/16")
    made = Built(access, facts, {"fqdn": FQDN, "cluster_name": facts.cluster_name})
    parent = made.client("route53").create_hosted_zone(Name="example.com", CallerReference=account)["HostedZone"]["Id"]
    made.outputs["parent"] = parent
    zone = made.client("route53").get_hosted_zone(Id=facts.zone_id)
    made.delegate("CREATE", zone["DelegationSet"]["NameServers"])
    made.record("CREATE", facts.alb_dns_name, facts.alb_zone_id)
    _balancing(made)
    _database(made)
    _service(made)
    return made


def _balancing(made: Built) -> None:
    elb = made.client("elbv2")
    group = elb.create_target_group(
        Name=NAME,
        Protocol="HTTP",
        Port=80,
        TargetType="ip",
        VpcId=made.facts.vpc_id,
        HealthCheckPath="/health",
        Matcher={"HttpCode": "200-399"},
    )["TargetGroups"][0]["TargetGroupArn"]
    rule = elb.create_rule(
        ListenerArn=made.facts.https_listener_arn,
        Priority=100,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [FQDN]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": group}],
    )["Rules"][0]["RuleArn"]
    made.outputs |= {"target_group_arn": group, "listener_rule_arn": rule}


def _database(made: Built) -> None:
    ec2, rds = made.client("ec2"), made.client("rds")
    tasks, database = (
        ec2.create_security_group(GroupName=name, Description="-", VpcId=made.facts.vpc_id)["GroupId"]
        for name in (NAME, f"{NAME}-database")
    )
    everywhere = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]  # what AWS gives every new group
    ec2.revoke_security_group_egress(GroupId=tasks, IpPermissions=everywhere)
    ec2.authorize_security_group_ingress(GroupId=tasks, IpPermissions=_opening(PORT, made.facts.alb_security_group_id))
    ec2.authorize_security_group_egress(GroupId=tasks, IpPermissions=_opening(5432, database))
    ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=_opening(5432, tasks))
    rds.create_db_subnet_group(
        DBSubnetGroupName=NAME, DBSubnetGroupDescription="-", SubnetIds=list(made.facts.database_subnet_ids)
    )
    instance = rds.create_db_instance(
        DBInstanceIdentifier=NAME,
        Engine="postgres",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="app",
        MasterUserPassword="not-a-secret",
        DBSubnetGroupName=NAME,
        VpcSecurityGroupIds=[database],
        Port=5432,
    )["DBInstance"]
    secret = made.client("secretsmanager").create_secret(Name=f"{NAME}-database", SecretString="{}")["ARN"]
    made.outputs |= {
        "security_group_id": tasks,
        "database_security_group_id": database,
        "database_identifier": NAME,
        "database_endpoint": instance["Endpoint"]["Address"],
        "database_port": 5432,
        "secret_arn": secret,
    }


def _service(made: Built) -> None:
    iam, ecs = made.client("iam"), made.client("ecs")
    roles = {
        kind: iam.create_role(RoleName=f"{NAME}-{kind}", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for kind in ("execution", "task")
    }
    _let_read(made, "task")
    made.client("logs").create_log_group(logGroupName=f"/ecs/{NAME}")
    made.outputs |= {
        "service_name": NAME,
        "log_group_name": f"/ecs/{NAME}",
        "task_role_arn": roles["task"],
        "execution_role_arn": roles["execution"],
    }
    definition = _register(made)
    ecs.create_service(
        cluster=made.facts.cluster_name,
        serviceName=NAME,
        taskDefinition=definition,
        desiredCount=2,
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": list(made.facts.private_subnet_ids),
                "securityGroups": [made.outputs["security_group_id"]],
            }
        },
        loadBalancers=[
            {"targetGroupArn": made.outputs["target_group_arn"], "containerName": "app", "containerPort": PORT}
        ],
    )


def _register(made: Built, *, port: int = PORT, secrets: list[dict[str, str]] | None = None) -> str:
    arn: str = made.client("ecs").register_task_definition(
        family=NAME,
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        executionRoleArn=made.outputs["execution_role_arn"],
        taskRoleArn=made.outputs["task_role_arn"],
        containerDefinitions=[
            {
                "name": "app",
                "image": "example",
                "portMappings": [{"containerPort": port}],
                "secrets": secrets or [],
                "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": f"/ecs/{NAME}"}},
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    return arn


def _let_read(made: Built, role: str, effect: str = "Allow") -> None:
    statement = {"Effect": effect, "Action": ["secretsmanager:Get*"], "Resource": made.outputs["secret_arn"]}
    made.client("iam").put_role_policy(
        RoleName=f"{NAME}-{role}",
        PolicyName=effect,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def _opening(port: int, group: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": group}]}]


def test_a_good_path_is_green_from_name_to_secret(built: Built) -> None:
    hops = built.prove()
    assert [(hop.name, hop.ok, hop.fix) for hop in hops] == [
        (link.name, True, "") for link in LINE if link.name != "cloudfront"
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
        cluster=made.facts.cluster_name, service=NAME, taskDefinition=_register(made, port=9999)
    )


def no_task_role(made: Built) -> None:
    iam = made.client("iam")
    iam.delete_role_policy(RoleName=f"{NAME}-task", PolicyName="Allow")
    iam.delete_role(RoleName=f"{NAME}-task")


def no_log_group(made: Built) -> None:
    made.client("logs").delete_log_group(logGroupName=f"/ecs/{NAME}")


def tasks_closed(made: Built) -> None:
    made.client("ec2").revoke_security_group_ingress(
        GroupId=made.outputs["security_group_id"], IpPermissions=_opening(PORT, made.facts.alb_security_group_id)
    )


def no_way_out_of_the_tasks(made: Built) -> None:
    made.client("ec2").revoke_security_group_egress(
        GroupId=made.outputs["security_group_id"],
        IpPermissions=_opening(5432, str(made.outputs["database_security_group_id"])),
    )


def database_closed(made: Built) -> None:
    made.client("ec2").revoke_security_group_ingress(
        GroupId=made.outputs["database_security_group_id"],
        IpPermissions=_opening(5432, str(made.outputs["security_group_id"])),
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
    _let_read(made, "task", "Deny")


def secret_not_readable_for_ecs(made: Built) -> None:
    handed = [{"name": "PASSWORD", "valueFrom": f"{made.outputs['secret_arn']}:password::"}]
    made.client("ecs").update_service(
        cluster=made.facts.cluster_name, service=NAME, taskDefinition=_register(made, secrets=handed)
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


def put_cloudfront_before(made: Built, *, origin: str, alias: str = FQDN, enabled: bool = True) -> None:
    """A distribution that has the name `alias` and asks `origin`; the FQDN points to it."""
    distribution = made.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "-",
            "Comment": "-",
            "Enabled": enabled,
            "Aliases": {"Quantity": 1, "Items": [alias]},
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "alb",
                        "DomainName": origin,
                        "CustomOriginConfig": {
                            "HTTPPort": 80,
                            "HTTPSPort": 443,
                            "OriginProtocolPolicy": "https-only",
                        },
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "alb",
                "ViewerProtocolPolicy": "redirect-to-https",
                "MinTTL": 0,
                "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "all"}},
            },
        }
    )["Distribution"]
    made.outputs["cloudfront_id"] = distribution["Id"]
    made.record("UPSERT", distribution["DomainName"], "Z2FDTNDATAQYW2")  # the zone of all distributions


def test_the_way_through_cloudfront_is_green(built: Built) -> None:
    built.record("CREATE", built.facts.alb_dns_name, built.facts.alb_zone_id, f"{NAME}-origin.{ZONE}")
    put_cloudfront_before(built, origin=f"{NAME}-origin.{ZONE}")
    hops = built.prove()
    assert [(hop.name, hop.ok) for hop in hops] == [(link.name, True) for link in LINE], hops


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"enabled": False}, "switched off"),
        ({"alias": "other.dev.example.com"}, f"other.dev.example.com, not {FQDN}"),
        ({"origin": "elsewhere.example.com"}, "elsewhere.example.com do not lead to"),
    ],
)
def test_a_distribution_that_does_not_lead_on_is_named(built: Built, changed: dict[str, Any], reason: str) -> None:
    put_cloudfront_before(built, **{"origin": built.facts.alb_dns_name, **changed})
    broken = next(hop for hop in built.prove() if not hop.ok)
    assert broken.name == "cloudfront"
    assert reason in broken.found


def test_a_record_past_cloudfront_and_a_missing_distribution_are_named(built: Built) -> None:
    put_cloudfront_before(built, origin=built.facts.alb_dns_name)
    built.record("UPSERT", built.facts.alb_dns_name, built.facts.alb_zone_id)
    past = next(hop for hop in built.prove() if not hop.ok)
    assert (past.name, "not to CloudFront" in past.found) == ("cloudfront", True)
    missing = next(hop for hop in built.prove(cloudfront_id="E000") if not hop.ok)
    assert (missing.name, missing.found) == ("cloudfront", "There is no CloudFront distribution E000.")


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
