"""The parts of a plan, with what is known of each before it is built."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import host

UNKNOWN = object()
"""A value that is known only after the apply."""

BALANCERS = ("aws_lb", "aws_alb")
LISTENERS = ("aws_lb_listener", "aws_alb_listener")
RULES = ("aws_lb_listener_rule", "aws_alb_listener_rule")
GROUPS = ("aws_lb_target_group", "aws_alb_target_group")
DATABASES = ("aws_db_instance", "aws_rds_cluster")
CACHES = ("aws_elasticache_cluster", "aws_elasticache_replication_group")
DISTRIBUTIONS = ("aws_cloudfront_distribution",)
ADDRESSES = ("A", "AAAA", "CNAME")
PATTERN = "Correct the pattern."

Said = tuple[bool | None, str] | None
"""What a hop says: whether it fits, None when that is not known before it is built, with what was found; or None alone,
when the plan has no part of it. One that surely does not fit raises Broken."""


@dataclass(frozen=True)
class Part:
    """One resource as the plan leaves it."""

    address: str
    type: str
    after: Mapping[str, Any]
    unknown: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """An attribute; UNKNOWN when it, or something inside of it, is known only later."""
        return UNKNOWN if _any_unknown(self.unknown.get(name)) else self.after.get(name)

    def blocks(self, name: str) -> list["Part"]:
        """The nested blocks of that name, each as a part of its own; none when their number is not known."""
        unknown = self.unknown.get(name)
        after = self.after.get(name)
        if unknown is True or not isinstance(after, list):
            return []
        inner = unknown if isinstance(unknown, list) else []
        return [
            Part(self.address, name, block, inner[n] if n < len(inner) and isinstance(inner[n], dict) else {})
            for n, block in enumerate(after)
            if isinstance(block, dict)
        ]


class Planned:
    """The parts of a plan that stay or come. `covered`: the names on the certificate of the sandbox's listener; None:
    not known."""

    def __init__(
        self,
        resources: Sequence[Mapping[str, Any]],
        fqdn: str,
        facts: BaselineFacts,
        covered: Sequence[str] | None = None,
    ) -> None:
        self.fqdn = host(fqdn)
        self.facts = facts
        self.covered = covered
        self._parts = [
            Part(str(r.get("address", "")), str(r.get("type", "")), change["after"], change.get("after_unknown") or {})
            for r in resources
            if r.get("mode", "managed") == "managed"
            and isinstance((change := r.get("change") or {}).get("after"), dict)
        ]

    def of(self, *types: str) -> list[Part]:
        """Those of these types."""
        return [part for part in self._parts if part.type in types]

    @property
    def ingress(self) -> list[Part]:
        """All rules that let somebody in, however they are written."""
        alone = [p for p in self.of("aws_security_group_rule") if p.value("type") == "ingress"]
        inline = [rule for group in self.of("aws_security_group") for rule in group.blocks("ingress")]
        return [*alone, *inline, *self.of("aws_vpc_security_group_ingress_rule")]


def elsewhere(value: Any, place: str) -> bool:
    """Whether a value is known, and is not this one."""
    return value is not UNKNOWN and value is not None and value != place


def _any_unknown(marks: Any) -> bool:
    if isinstance(marks, dict):
        return any(_any_unknown(mark) for mark in marks.values())
    if isinstance(marks, list):
        return any(_any_unknown(mark) for mark in marks)
    return marks is True


def listed(values: Any) -> str:
    return ", ".join(sorted(str(value) for value in _few(values)))


def _few(values: Any) -> Iterator[Any]:
    yield from list(values)[:5]
