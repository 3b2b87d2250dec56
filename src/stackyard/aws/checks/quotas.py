"""Whether the account's limits leave room: for a baseline that is not there yet, and for one more environment."""

from botocore.exceptions import ClientError

from stackyard.aws.checks.finding import Verdict
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import ask
from stackyard.aws.listers.search import batches, pages
from stackyard.aws.sessions import SandboxAccess

# Codes of Service Quotas: https://docs.aws.amazon.com/servicequotas/latest/userguide/intro.html
VPCS = ("vpc", "L-F678F1CE")
ELASTIC_IPS = ("ec2", "L-0263D0A3")
FARGATE_VCPUS = ("fargate", "L-3032A538")
RULES = "rules-per-application-load-balancer"


def vpcs(access: SandboxAccess, facts: BaselineFacts | None) -> Verdict:
    """Room for the baseline's VPC."""
    used = sum(1 for _ in pages(access.client("ec2"), "describe_vpcs", "Vpcs"))
    return _room(access, VPCS, used, wanted=0 if facts else 1)


def elastic_ips(access: SandboxAccess, facts: BaselineFacts | None) -> Verdict:
    """Room for the address of the baseline's NAT gateway."""
    used = len(access.client("ec2").describe_addresses()["Addresses"])
    return _room(access, ELASTIC_IPS, used, wanted=0 if facts else 1)


def fargate(access: SandboxAccess) -> Verdict:
    """Room for tasks, by what the account's running Fargate tasks have. Every environment wants a quarter vCPU or
    more."""
    client = access.client("ecs")
    units = 0
    for cluster in pages(client, "list_clusters", "clusterArns"):
        for batch in batches(pages(client, "list_tasks", "taskArns", cluster=cluster, launchType="FARGATE"), 100):
            units += sum(
                int(task.get("cpu", 0)) for task in client.describe_tasks(cluster=cluster, tasks=batch)["tasks"]
            )
    return _room(access, FARGATE_VCPUS, units / 1024, wanted=1)


def rules(access: SandboxAccess, facts: BaselineFacts | None) -> Verdict:
    """Room for the listener rule of one more environment, on the load balancer that they share."""
    if facts is None:
        return Verdict(None, "There is no shared load balancer yet.")
    client = access.client("elbv2")
    limits = {limit["Name"]: limit.get("Max") for limit in pages(client, "describe_account_limits", "Limits")}
    used = sum(
        not rule["IsDefault"]
        for listener in pages(client, "describe_listeners", "Listeners", LoadBalancerArn=facts.alb_arn)
        for rule in pages(client, "describe_rules", "Rules", ListenerArn=listener["ListenerArn"])
    )
    limit = limits.get(RULES)
    if limit is None:
        return _unknown(used, "Elastic Load Balancing tells no limit")
    return _judged(used, float(limit), wanted=1)


def _room(access: SandboxAccess, quota: tuple[str, str], used: float, *, wanted: int) -> Verdict:
    service, code = quota
    answer = None
    try:
        for operation in ("get_service_quota", "get_aws_default_service_quota"):  # the account's own, or what all have
            answer = answer or ask(access, "service-quotas", operation, ServiceCode=service, QuotaCode=code)
    except ClientError as error:
        return _unknown(used, f"Service Quotas did not tell ({error.response['Error']['Code']})")
    if not answer:
        return _unknown(used, "Service Quotas does not know this limit")
    return _judged(used, float(answer["Quota"]["Value"]), wanted=wanted)


def _judged(used: float, limit: float, *, wanted: int) -> Verdict:
    found = f"{used:g} of {limit:g} are used."
    if used + wanted <= limit:
        return Verdict(True, found)
    return Verdict(False, found, "Ask AWS for more in the console of Service Quotas, or delete what is not used.")


def _unknown(used: float, why: str) -> Verdict:
    return Verdict(None, f"{used:g} are used; how many may be is not known: {why}.")
