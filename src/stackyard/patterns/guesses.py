"""What well-known names stand for, when a Terraform root module becomes a pattern."""

import re
from collections.abc import Iterable, Mapping

from stackyard.patterns.interface import Offer
from stackyard.patterns.needs import NEEDS
from stackyard.patterns.types import Kind

NAMES = (
    "name",
    "name_prefix",
    "prefix",
    "resource_prefix",
    "base_name",
    "app_name",
    "service_name",
    "project_name",
    "project",
    "environment_name",
    "environment",
    "env",
)
"""Which value becomes the environment's name, the likeliest first. Only one does."""

_PRIVATE, _TAGS = "sandbox.private_subnet_ids", "environment.tags"
SOURCES: Mapping[str, tuple[Kind, str]] = {
    "tags": ("map", _TAGS),
    "common_tags": ("map", _TAGS),
    "default_tags": ("map", _TAGS),
    "fqdn": ("string", "environment.fqdn"),
    "hostname": ("string", "environment.fqdn"),
    "host_name": ("string", "environment.fqdn"),
    "domain_name": ("string", "environment.fqdn"),
    "vpc_id": ("string", "sandbox.vpc_id"),
    "vpc_cidr": ("string", "sandbox.vpc_cidr"),
    "vpc_cidr_block": ("string", "sandbox.vpc_cidr"),
    "subnet_ids": ("list", _PRIVATE),
    "subnets": ("list", _PRIVATE),
    "private_subnet_ids": ("list", _PRIVATE),
    "private_subnets": ("list", _PRIVATE),
    "public_subnet_ids": ("list", "sandbox.public_subnet_ids"),
    "public_subnets": ("list", "sandbox.public_subnet_ids"),
    "database_subnet_ids": ("list", "sandbox.database_subnet_ids"),
    "database_subnets": ("list", "sandbox.database_subnet_ids"),
    "cluster_arn": ("string", "sandbox.cluster_arn"),
    "ecs_cluster_arn": ("string", "sandbox.cluster_arn"),
    "cluster_name": ("string", "sandbox.cluster_name"),
    "ecs_cluster_name": ("string", "sandbox.cluster_name"),
    "alb_arn": ("string", "sandbox.alb_arn"),
    "alb_dns_name": ("string", "sandbox.alb_dns_name"),
    "alb_zone_id": ("string", "sandbox.alb_zone_id"),
    "alb_security_group_id": ("string", "sandbox.alb_security_group_id"),
    "http_listener_arn": ("string", "sandbox.http_listener_arn"),
    "https_listener_arn": ("string", "sandbox.https_listener_arn"),
    "listener_arn": ("string", "sandbox.https_listener_arn"),
    "alb_listener_arn": ("string", "sandbox.https_listener_arn"),
    "listener_rule_priority": ("number", "allocation.listener_rule_priority"),
    "rule_priority": ("number", "allocation.listener_rule_priority"),
    "zone_id": ("string", "sandbox.zone_id"),
    "hosted_zone_id": ("string", "sandbox.zone_id"),
    "route53_zone_id": ("string", "sandbox.zone_id"),
    "zone_name": ("string", "sandbox.zone_name"),
    "certificate_arn": ("string", "sandbox.certificate_arn"),
    "acm_certificate_arn": ("string", "sandbox.certificate_arn"),
    "region": ("string", "sandbox.region"),
    "aws_region": ("string", "sandbox.region"),
    "account_id": ("string", "sandbox.account_id"),
    "aws_account_id": ("string", "sandbox.account_id"),
}
"""Last part of a path -> the kind it must have, and where its value comes from."""

_COMPONENTS = (
    (r"aws_(route53|acm)", "DNS and certificates"),
    (r"aws_(lb|alb|elb)", "Load balancer"),
    (r"aws_(ecs|appautoscaling|autoscaling|instance|launch)", "Service"),
    (r"aws_lambda", "Functions"),
    (r"aws_(db|rds|docdb|dynamodb|neptune)", "Database"),
    (r"aws_elasticache", "Cache"),
    (r"aws_(s3|efs)", "Storage"),
    (r"aws_(sqs|sns|kinesis|mq)", "Messages"),
    (r"aws_cloudfront", "CDN"),
    (r"aws_waf", "Firewall"),
    (r"aws_ecr", "Images"),
    (r"aws_iam", "Permissions"),
    (r"aws_(secretsmanager|ssm|kms)", "Secrets"),
    (r"aws_cloudwatch_log", "Logs"),
    (r"aws_cloudwatch", "Alarms"),
    (r"aws_(vpc|subnet|security_group|route|nat|internet|eip|network)", "Network"),
)


def guess_fills(offers: Iterable[Offer]) -> tuple[dict[str, str], list[tuple[Offer, str]]]:
    """Path -> source for values whose names say what they are, and those whose type does not fit, with the reason."""
    listed = list(offers)
    fills: dict[str, str] = {}
    unfit: list[tuple[Offer, str]] = []
    if (name := _the_name(listed)) is not None:
        fills[name.name] = "environment.name"
    for offer in listed:
        known = SOURCES.get(str(offer.path[-1]).lower())
        if known is None or offer.name in fills or offer.secret:
            continue
        kind, source = known
        if offer.type.kind == kind or offer.type.shape == "any":
            fills[offer.name] = source
        else:
            unfit.append((offer, f"is a {offer.type.kind}, and {source} is a {kind}"))
    return fills, unfit


def _the_name(offers: list[Offer]) -> Offer | None:
    """Top-level text that all names of resources are likely to begin with."""
    texts = {str(o.path[0]).lower(): o for o in offers if len(o.path) == 1 and o.type.kind == "string" and not o.secret}
    return next((texts[name] for name in NAMES if name in texts), None)


def guess_needs(sources: Iterable[str]) -> list[str]:
    """The words of `needs` that cover these sources."""
    facts = {source.removeprefix("sandbox.") for source in sources if source.startswith("sandbox.")}
    return [need for need, covered in NEEDS.items() if facts.intersection(covered)]


def guess_components(types: Iterable[str], modules: Iterable[str]) -> dict[str, list[str]]:
    """Title -> resource types and module addresses."""
    found: dict[str, list[str]] = {}
    for type_ in sorted(set(types)):
        title = next((title for pattern, title in _COMPONENTS if re.match(pattern, type_)), "Other")
        found.setdefault(title, []).append(type_)
    for module in modules:
        found.setdefault(module.replace("_", " ").replace("-", " ").capitalize(), []).append(f"module.{module}")
    return found
