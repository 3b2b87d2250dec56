"""The rules that hops judge by: certificates, security groups, policies."""

import re
from pathlib import Path
from typing import Any

import pytest

from stackyard.aws.hops.path import host, name_covers
from stackyard.aws.hops.secret import allows
from stackyard.aws.hops.service import opens
from stackyard.aws.path_proof import LINE


@pytest.mark.parametrize(
    ("pattern", "fqdn", "covers"),
    [
        ("*.dev.example.com", "shop.dev.example.com", True),
        ("*.DEV.example.com", "shop.dev.example.com.", True),
        ("shop.dev.example.com", "shop.dev.example.com", True),
        ("*.dev.example.com", "a.shop.dev.example.com", False),
        ("*.dev.example.com", "dev.example.com", False),
        ("dev.example.com", "shop.dev.example.com", False),
        ("*.example.com", "shop.dev.example.com", False),
    ],
)
def test_a_star_stands_for_one_label(pattern: str, fqdn: str, covers: bool) -> None:
    assert name_covers(pattern, fqdn) is covers


def test_aliases_are_compared_as_aws_writes_them() -> None:
    assert host("dualstack.Sandbox-1.eu-central-1.elb.amazonaws.com.") == "sandbox-1.eu-central-1.elb.amazonaws.com"


def rule(protocol: str = "tcp", low: int = 8080, high: int = 8080, **source: Any) -> dict[str, Any]:
    ports = {} if protocol == "-1" else {"FromPort": low, "ToPort": high}
    return {"IpProtocol": protocol, **ports, "UserIdGroupPairs": [], "IpRanges": [], **source}


ALB = {"UserIdGroupPairs": [{"GroupId": "sg-alb"}]}


@pytest.mark.parametrize(
    ("permission", "open_"),
    [
        (rule(**ALB), True),
        (rule(low=1, high=65535, **ALB), True),
        (rule("-1", **ALB), True),
        (rule(IpRanges=[{"CidrIp": "0.0.0.0/0"}]), True),
        (rule(IpRanges=[{"CidrIp": "10.0.0.0/16"}]), True),
        (rule(IpRanges=[{"CidrIp": "10.0.0.0/17"}]), False),
        (rule("udp", **ALB), False),
        (rule(low=80, high=80, **ALB), False),
        (rule(UserIdGroupPairs=[{"GroupId": "sg-other"}]), False),
        (rule(), False),
    ],
)
def test_what_opens_a_port(permission: dict[str, Any], open_: bool) -> None:
    assert opens([permission], 8080, ["sg-alb"], "10.0.0.0/16") is open_


SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop-AbCdEf"
READ = "secretsmanager:GetSecretValue"


def statement(effect: str = "Allow", action: Any = READ, resource: Any = SECRET) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([statement()], True),
        (statement(), True),
        ([statement(action=["s3:Get*", "SecretsManager:getsecretvalue"])], True),
        ([statement(action="*", resource="*")], True),
        ([statement(resource=f"{SECRET[:-7]}-??????")], True),
        ([statement(resource=SECRET[:-7])], False),
        ([statement(action="secretsmanager:DescribeSecret")], False),
        ([statement(), statement("Deny", "*", "*")], False),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], False),
        ([], False),
    ],
)
def test_what_a_policy_allows(statements: Any, allowed: bool) -> None:
    assert allows([{"Statement": statements}], READ, SECRET) is allowed


def test_each_output_that_names_a_hop_is_described() -> None:
    text = (Path(__file__).parents[3] / "docs" / "patterns.md").read_text()
    section = text.partition("### Outputs that say what is proven")[2].partition("\n## ")[0]
    assert {link.needs for link in LINE} <= set(re.findall(r"`(\w+)`", section))
