"""Common components that an account has already: which ids a person gives, and what AWS tells about them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.hops.path import ask, host
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Invalid, Problem, Unavailable, shown

_SUBNET = r"subnet-[0-9a-f]{8,17}"
_SUBNETS = "two or more such as subnet-0123456789abcdef0"
_ELB = r"arn:aws[a-z-]*:elasticloadbalancing:{region}:{account}:"

GIVEN: Mapping[str, tuple[str, str]] = {
    "vpc_id": (r"vpc-[0-9a-f]{8,17}", "vpc-0123456789abcdef0"),
    "public_subnet_ids": (_SUBNET, _SUBNETS),
    "private_subnet_ids": (_SUBNET, _SUBNETS),
    "database_subnet_ids": (_SUBNET, _SUBNETS),
    "cluster_arn": (r"arn:aws[a-z-]*:ecs:{region}:{account}:cluster/[\w-]+", "arn:aws:ecs:…:cluster/<name>"),
    "alb_arn": (_ELB + r"loadbalancer/app/[\w/-]+", "arn:aws:elasticloadbalancing:…:loadbalancer/app/…"),
    "https_listener_arn": (_ELB + r"listener/app/[\w/-]+", "arn:aws:elasticloadbalancing:…:listener/app/…"),
    "zone_id": (r"[A-Z0-9]{1,32}", "Z0123456789ABCDEFGHIJ"),
    "certificate_arn": (r"arn:aws[a-z-]*:acm:{region}:{account}:certificate/[\w-]+", "arn:aws:acm:…:certificate/…"),
}
"""What a person gives, in the account and region of the sandbox: name of the fact -> its form, and an example."""


def problems_of(given: Mapping[str, Any], *, account_id: str, region: str) -> Iterator[Problem]:
    """What is wrong with the ids, each at `facts.<name>`. AWS is not asked."""
    for name in given:
        if name not in GIVEN:
            yield Problem(f"facts.{shown(name)}", f"There is no such component. Give {', '.join(GIVEN)}.")
    for name, (form, example) in GIVEN.items():
        value = given.get(name)
        several = name.endswith("_ids")
        if not value:
            yield Problem(f"facts.{name}", f"Missing: {example}.")
            continue
        values = value if several and isinstance(value, list | tuple) else [value]
        shape = re.compile(form.replace("{region}", re.escape(region)).replace("{account}", re.escape(account_id)))
        wrong = next((v for v in values if not isinstance(v, str) or not shape.fullmatch(v)), None)
        if wrong is not None:
            where = " in the sandbox's account and region" if "{account}" in form else ""
            yield Problem(f"facts.{name}", f"'{shown(wrong)}' is none; write {example}{where}.")
        elif several and len(set(values)) < 2:
            yield Problem(f"facts.{name}", "Give at least two subnets, in two zones.")


def complete(access: SandboxAccess, given: Mapping[str, Any]) -> dict[str, Any]:
    """All facts of a baseline, from the ids that a person gave: AWS tells the rest.

    Raises Invalid, each at `facts.<name>`, when something is not there or lacks what is needed; Unavailable when AWS
    does not tell.
    """
    try:
        found, problems = _complete(access, given)
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"AWS did not tell what is in account {access.account_id}: {error}",
            hint=f"The role {access.role_arn} must be allowed to ask; then check again.",
        ) from error
    if problems:
        raise Invalid(problems, hint="Correct the ids of the sandbox's components.")
    return {**{name: list(v) if isinstance(v, tuple) else v for name, v in given.items()}, **found}


def _complete(access: SandboxAccess, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    found: dict[str, Any] = {"cluster_name": str(given["cluster_arn"]).rpartition("/")[2]}
    problems: list[Problem] = []
    vpcs = (ask(access, "ec2", "describe_vpcs", VpcIds=[given["vpc_id"]]) or {}).get("Vpcs")
    if vpcs:
        found["vpc_cidr"] = vpcs[0]["CidrBlock"]
    else:
        problems.append(_none("vpc_id", given))
    zone = ask(access, "route53", "get_hosted_zone", Id=given["zone_id"])
    if zone:
        found["zone_name"] = host(zone["HostedZone"]["Name"])
    else:
        problems.append(_none("zone_id", given))
    balancers = (ask(access, "elbv2", "describe_load_balancers", LoadBalancerArns=[given["alb_arn"]]) or {}).get(
        "LoadBalancers"
    )
    if not balancers:
        return found, [*problems, _none("alb_arn", given)]
    balancer = balancers[0]
    found["alb_dns_name"], found["alb_zone_id"] = balancer["DNSName"], balancer["CanonicalHostedZoneId"]
    if groups := balancer.get("SecurityGroups"):
        found["alb_security_group_id"] = groups[0]
    else:
        problems.append(Problem("facts.alb_arn", "The load balancer has no security group, which targets must let in."))
    listeners = ask(access, "elbv2", "describe_listeners", LoadBalancerArn=given["alb_arn"]) or {}
    http = next((item["ListenerArn"] for item in listeners.get("Listeners", []) if item["Port"] == 80), None)
    if http:
        found["http_listener_arn"] = http
    else:
        problems.append(Problem("facts.alb_arn", "It has no listener on port 80, which sends people on to HTTPS."))
    return found, problems


def _none(name: str, given: Mapping[str, Any]) -> Problem:
    return Problem(f"facts.{name}", f"There is no {given[name]} in the account.")
