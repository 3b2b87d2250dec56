"""The load balancer, its listener and certificate, the rule and the target group."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.names import REBUILD, REBUILD_BASELINE
from stackyard.aws.hops.path import Broken, Path, ask, host, name_covers
from stackyard.aws.sessions import SandboxAccess


def load_balancer(path: Path) -> str:
    """It is there, active, and the record (or CloudFront) points to it."""
    balancer = path.balancer
    if balancer is None:
        raise Broken(f"There is no load balancer {path.output('alb_arn') or path.facts.alb_arn}.", REBUILD_BASELINE)
    name, state = balancer["DNSName"], balancer.get("State", {}).get("Code", "")
    if not path.output("cloudfront_id") and host(name) not in path.aliases_of(path.fqdn):
        raise Broken(
            f"The record points to {', '.join(sorted(path.aliases_of(path.fqdn)))}, "
            f"but the load balancer {balancer['LoadBalancerName']} is {name}.",
            REBUILD,
        )
    if state != "active":
        raise Broken(f"The load balancer {balancer['LoadBalancerName']} is {state}.", "Look at it in the EC2 console.")
    return f"{balancer['LoadBalancerName']} ({name}) is active."


def listener(path: Path) -> str:
    """It takes HTTPS on port 443 for this load balancer."""
    found = path.listener
    arn = path.output("https_listener_arn") or path.facts.https_listener_arn
    if found is None:
        raise Broken(f"There is no listener {arn}.", REBUILD_BASELINE)
    if path.balancer is not None and found["LoadBalancerArn"] != path.balancer["LoadBalancerArn"]:
        raise Broken(f"The listener {arn} belongs to another load balancer.", REBUILD_BASELINE)
    if (found["Port"], found["Protocol"]) != (443, "HTTPS"):
        raise Broken(
            f"The listener takes {found['Protocol']} on port {found['Port']}, not HTTPS on 443.", REBUILD_BASELINE
        )
    return f"HTTPS on port 443 with policy {found.get('SslPolicy', 'unknown')}."


def certificate(path: Path) -> str:
    """One of the listener's certificates is issued, in date, and covers the FQDN; or the name of the origin, where
    CloudFront asks under that one."""
    assert path.listener is not None
    names = [path.fqdn, *(host(origin["DomainName"]) for origin in path.origins)]
    answer = path.ask("elbv2", "describe_listener_certificates", ListenerArn=path.listener["ListenerArn"])
    listed = [*path.listener.get("Certificates", []), *(answer or {}).get("Certificates", [])]
    arns = sorted({item["CertificateArn"] for item in listed})
    if not arns:
        raise Broken("The listener has no certificate.", REBUILD_BASELINE)
    problems = []
    for arn in arns:
        answer = path.ask("acm", "describe_certificate", CertificateArn=arn)
        described = answer["Certificate"] if answer else None
        problem = certificate_problem(names, described)
        if described and not problem:
            return f"{described['DomainName']} covers the name, until {described['NotAfter']:%Y-%m-%d}."
        problems.append(f"{arn.rpartition('/')[2]} {problem}")
    raise Broken(
        f"No certificate of the listener fits: {'; '.join(problems)}.",
        "Add one for this name to the listener, or take a name one label under the sandbox's zone.",
    )


def names_on_certificate(access: SandboxAccess, facts: BaselineFacts) -> tuple[str, ...] | None:
    """The names that the sandbox's certificate covers; None when AWS does not tell."""
    try:
        answer = ask(access, "acm", "describe_certificate", CertificateArn=facts.certificate_arn)
    except (ClientError, BotoCoreError):
        return None
    found = answer["Certificate"] if answer else {}
    return tuple(sorted({found["DomainName"], *found.get("SubjectAlternativeNames", [])})) if found else None


def certificate_problem(names: Sequence[str], found: dict[str, Any] | None) -> str:
    """Why a certificate, as ACM describes it, is good for none of these host names; empty when it is for one."""
    if found is None:
        return "does not exist"
    if found["Status"] != "ISSUED":
        return f"is {found['Status'].lower().replace('_', ' ')}"
    if found["NotAfter"] < datetime.now(UTC):
        return f"expired on {found['NotAfter']:%Y-%m-%d}"
    covered = {found["DomainName"], *found.get("SubjectAlternativeNames", [])}
    if not any(name_covers(pattern, name) for pattern in covered for name in names):
        return f"covers {', '.join(sorted(covered))}"
    return ""


def rule(path: Path) -> str:
    """The first rule that takes the FQDN hands its requests to the environment's target group."""
    assert path.listener is not None
    answer = path.ask("elbv2", "describe_rules", ListenerArn=path.listener["ListenerArn"])
    rules = [item for item in (answer or {}).get("Rules", []) if not item.get("IsDefault")]
    taking = sorted((item for item in rules if _takes(item, path)), key=lambda item: int(item["Priority"]))
    own = path.output("listener_rule_arn")
    if not taking:
        mine = next((item for item in rules if item["RuleArn"] == own), None)
        said = _taken(mine, path.fqdn) if mine else "its own is gone"
        raise Broken(f"No rule of the listener takes {path.fqdn}; {said}.", REBUILD)
    first = taking[0]
    if _targets(first) != {path.output("target_group_arn")}:
        there = ", ".join(sorted(_targets(first))) or "no target group"
        raise Broken(
            f"The rule of priority {first['Priority']} takes {path.fqdn} and hands it to {there}.",
            REBUILD if first["RuleArn"] == own else f"Another rule comes first: {first['RuleArn']}. Take it away.",
        )
    return f"Priority {first['Priority']} hands {path.fqdn} to the target group."


def _taken(item: dict[str, Any], fqdn: str) -> str:
    if any(fnmatchcase(fqdn, pattern.lower()) for pattern in _hosts(item)):
        names = ", ".join(sorted({header["HttpHeaderName"] for header in _headers(item)}))
        return f"the environment's rule wants the header {names}, which nobody sends with that value"
    return f"the environment's rule takes {', '.join(_hosts(item)) or 'any name'}"


def _hosts(item: dict[str, Any]) -> list[str]:
    return [
        value
        for condition in item["Conditions"]
        if condition["Field"] == "host-header"
        for value in condition.get("HostHeaderConfig", {}).get("Values") or condition.get("Values", [])
    ]


def _headers(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [c["HttpHeaderConfig"] for c in item["Conditions"] if c["Field"] == "http-header"]


def _takes(item: dict[str, Any], path: Path) -> bool:
    """Whether a rule takes a request for the FQDN, with the headers that CloudFront adds where there is one."""
    sent = {
        header["HeaderName"].lower(): header["HeaderValue"].lower()
        for origin in path.origins
        for header in origin.get("CustomHeaders", {}).get("Items", [])
    }
    wanted = ((header["HttpHeaderName"].lower(), header["Values"]) for header in _headers(item))
    return any(fnmatchcase(path.fqdn, pattern.lower()) for pattern in _hosts(item)) and all(
        name in sent and any(fnmatchcase(sent[name], value.lower()) for value in values) for name, values in wanted
    )


def _targets(item: dict[str, Any]) -> set[str]:
    found = set()
    for action in item["Actions"]:
        if action["Type"] == "forward":
            groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
            found |= {group["TargetGroupArn"] for group in groups} | {action.get("TargetGroupArn", "")}
    return found - {""}


def target_group(path: Path) -> str:
    """It takes IP addresses, as Fargate needs, from this load balancer, checks their health, and on AWS one is
    healthy. The emulator registers no targets, because it runs no tasks."""
    group = path.target_group
    if group is None:
        raise Broken(f"There is no target group {path.output('target_group_arn')}.", REBUILD)
    if group["TargetType"] != "ip":
        raise Broken(f"The target group takes targets of type {group['TargetType']}, Fargate needs ip.", REBUILD)
    if path.balancer is not None and path.balancer["LoadBalancerArn"] not in group["LoadBalancerArns"]:
        raise Broken(f"The target group {group['TargetGroupName']} belongs to no rule of the load balancer.", REBUILD)
    if not group.get("HealthCheckEnabled", True):
        raise Broken(f"The target group {group['TargetGroupName']} does not check health.", REBUILD)
    said = f"{group['TargetGroupName']} asks {group['HealthCheckPath']} for {group['Matcher']['HttpCode']}"
    return f"{said}." if path.access.emulated else f"{said}; {_health(path, group['TargetGroupArn'])}."


def _health(path: Path, arn: str) -> str:
    answer = path.ask("elbv2", "describe_target_health", TargetGroupArn=arn)
    states = [item["TargetHealth"] for item in (answer or {}).get("TargetHealthDescriptions", [])]
    healthy = sum(state["State"] == "healthy" for state in states)
    if healthy:
        return f"{healthy} of {len(states)} targets are healthy"
    if path.service is not None and path.service["desiredCount"] == 0:
        return "no targets, as no task is wanted"
    reasons = {state.get("Description") or state["State"] for state in states} or {"none is registered"}
    raise Broken(
        f"No target is healthy: {'; '.join(sorted(reasons))}.",
        "Look at the health check's path and at the application's log.",
    )
