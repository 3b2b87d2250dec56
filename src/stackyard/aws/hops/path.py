"""The path that is proven: what its hops share, and how a hop says what it found."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.stores import Store, find_cache, find_database
from stackyard.aws.sessions import SandboxAccess

_ABSENT = re.compile(r"NotFound|NoSuch|DoesNotExist|Nonexistent|^ClientException$|^InvalidGroup")


class Broken(Exception):
    """This hop does not hold: `found` says what is there instead, `fix` what a person does about it."""

    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.found = found
        self.fix = fix


class Unknown(Exception):
    """Nobody here can tell whether this hop holds: `found` says why. The line goes on."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


def ask(access: SandboxAccess, service: str, operation: str, *, region: str = "", **arguments: Any) -> Any:
    """The answer of one AWS action (boto3's names), or None when it says that the thing does not exist. `region` empty:
    the sandbox's own."""
    try:
        return getattr(access.client(service, region=region), operation)(**arguments)
    except ClientError as error:
        if _ABSENT.search(error.response["Error"]["Code"]):
            return None
        raise


class Path:
    """One environment's line from FQDN to database. What AWS says of a part is asked once, when a hop first needs it;
    None: there is no such part."""

    def __init__(
        self, access: SandboxAccess, *, fqdn: str, facts: BaselineFacts, outputs: Mapping[str, object]
    ) -> None:
        self.access = access
        self.fqdn = fqdn.rstrip(".").lower()
        self.facts = facts
        self._outputs = outputs

    def output(self, name: str) -> str:
        """An output of the environment; empty when the pattern has none of that name."""
        value = self._outputs.get(name)
        return str(value) if isinstance(value, str | int) else ""

    def ask(self, service: str, operation: str, *, region: str = "", **arguments: Any) -> Any:
        """As `ask`, in the environment's account."""
        return ask(self.access, service, operation, region=region, **arguments)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """Records of exactly the FQDN."""
        return self.records_of(self.fqdn)

    def records_of(self, name: str) -> list[dict[str, Any]]:
        """Records of exactly this name in the sandbox's zone."""
        answer = self.ask(
            "route53",
            "list_resource_record_sets",
            HostedZoneId=self.facts.zone_id,
            StartRecordName=name,
            MaxItems="10",
        )
        return [record for record in (answer or {}).get("ResourceRecordSets", []) if host(record["Name"]) == name]

    @cached_property
    def distribution(self) -> dict[str, Any] | None:
        """The CloudFront distribution of the output `cloudfront_id`."""
        if not self.output("cloudfront_id"):
            return None
        answer = self.ask("cloudfront", "get_distribution", Id=self.output("cloudfront_id"))
        return answer["Distribution"] if answer else None

    @cached_property
    def origins(self) -> list[dict[str, Any]]:
        """The origins of the distribution that lead to the load balancer, under its own name or an alias of it."""
        if self.distribution is None or self.balancer is None:
            return []
        balancer = host(self.balancer["DNSName"])
        return [
            origin
            for origin in self.distribution["DistributionConfig"]["Origins"]["Items"]
            if balancer in {host(origin["DomainName"]), *self.aliases_of(host(origin["DomainName"]))}
        ]

    def aliases_of(self, name: str) -> set[str]:
        """Where the alias records of a name in the sandbox's zone point to."""
        records = self.records if name == self.fqdn else self.records_of(name)
        return {host(item["AliasTarget"]["DNSName"]) for item in records if "AliasTarget" in item}

    @cached_property
    def balancer(self) -> dict[str, Any] | None:
        """The environment's own load balancer (output `alb_arn`), or else the sandbox's."""
        arn = self.output("alb_arn") or self.facts.alb_arn
        answer = self.ask("elbv2", "describe_load_balancers", LoadBalancerArns=[arn])
        return answer["LoadBalancers"][0] if answer and answer["LoadBalancers"] else None

    @cached_property
    def listener(self) -> dict[str, Any] | None:
        """Its HTTPS listener (output `https_listener_arn`, or else the sandbox's)."""
        arn = self.output("https_listener_arn") or self.facts.https_listener_arn
        answer = self.ask("elbv2", "describe_listeners", ListenerArns=[arn])
        return answer["Listeners"][0] if answer and answer["Listeners"] else None

    @cached_property
    def target_group(self) -> dict[str, Any] | None:
        """The target group of the output `target_group_arn`."""
        answer = self.ask("elbv2", "describe_target_groups", TargetGroupArns=[self.output("target_group_arn")])
        return answer["TargetGroups"][0] if answer and answer["TargetGroups"] else None

    @cached_property
    def service(self) -> dict[str, Any] | None:
        """The ECS service of the output `service_name`."""
        cluster = self.output("cluster_name") or self.facts.cluster_name
        answer = self.ask("ecs", "describe_services", cluster=cluster, services=[self.output("service_name")])
        return answer["services"][0] if answer and answer["services"] else None

    @cached_property
    def task_definition(self) -> dict[str, Any] | None:
        """The task definition that the service runs."""
        if self.service is None:
            return None
        answer = self.ask("ecs", "describe_task_definition", taskDefinition=self.service["taskDefinition"])
        return answer["taskDefinition"] if answer else None

    @cached_property
    def task_security_groups(self) -> list[dict[str, Any]]:
        """Security groups of the service's tasks."""
        configuration = (self.service or {}).get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        return self.security_groups(configuration.get("securityGroups", []))

    def security_groups(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """What AWS says of these security groups; those that are gone are left out."""
        filters = [{"Name": "group-id", "Values": list(ids)}]
        answer = self.ask("ec2", "describe_security_groups", Filters=filters) if ids else None
        return list(answer["SecurityGroups"]) if answer else []

    @cached_property
    def database(self) -> Store | None:
        """The Aurora cluster or RDS instance of the output `database_identifier`, or else of `database_endpoint`."""
        endpoint = self.output("database_endpoint")
        return find_database(self.ask, self.output("database_identifier") or endpoint.partition(".")[0])

    @cached_property
    def cache(self) -> Store | None:
        """The cache cluster or replication group of the output `cache_identifier`."""
        return find_cache(self.ask, self.output("cache_identifier"))


HopFunction = Callable[[Path], str]
"""Says what was found; raises Broken when the hop does not hold."""


def host(name: str) -> str:
    """A host name as it is compared: lower case, no dot at the end, without the prefix that AWS puts before the names
    of load balancers with IPv6."""
    return name.rstrip(".").lower().removeprefix("dualstack.").replace("\\052", "*")


def name_covers(pattern: str, fqdn: str) -> bool:
    """Whether a name on a certificate covers a host name. A star stands for exactly one label (RFC 6125)."""
    pattern, fqdn = host(pattern), host(fqdn)
    if not pattern.startswith("*."):
        return pattern == fqdn
    return fqdn.partition(".")[2] == pattern[2:]
