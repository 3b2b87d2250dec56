"""An environment made by hand on the emulator, part by part, as a pattern would build it: to be broken on purpose."""

import json
from dataclasses import dataclass
from itertools import count
from typing import Any

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.path_proof import Hop, prove_path
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

    def prove(self, *, fqdn: str = FQDN, **changed: object) -> list[Hop]:
        return prove_path(self.access, fqdn=fqdn, facts=self.facts, outputs={**self.outputs, **changed})

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


def build(emulator: Emulator) -> Built:
    """A fresh account with baseline and environment: shared load balancer, service, PostgreSQL and its secret."""
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
    ec2.authorize_security_group_ingress(GroupId=tasks, IpPermissions=opening(PORT, made.facts.alb_security_group_id))
    ec2.authorize_security_group_egress(GroupId=tasks, IpPermissions=opening(5432, database))
    ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=opening(5432, tasks))
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
    let_read(made, "task")
    made.client("logs").create_log_group(logGroupName=f"/ecs/{NAME}")
    made.outputs |= {
        "service_name": NAME,
        "log_group_name": f"/ecs/{NAME}",
        "task_role_arn": roles["task"],
        "execution_role_arn": roles["execution"],
    }
    definition = register(made)
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


def register(made: Built, *, port: int = PORT, secrets: list[dict[str, str]] | None = None) -> str:
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


def let_read(made: Built, role: str, effect: str = "Allow") -> None:
    statement = {"Effect": effect, "Action": ["secretsmanager:Get*"], "Resource": made.outputs["secret_arn"]}
    made.client("iam").put_role_policy(
        RoleName=f"{NAME}-{role}",
        PolicyName=effect,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def opening(port: int, group: str) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "UserIdGroupPairs": [{"GroupId": group}]}]
