"""What a pattern needs of a sandbox, held against what the sandbox has."""

from collections.abc import Mapping
from typing import Any

from stackyard.patterns.manifest import Manifest

NEEDS: Mapping[str, tuple[str, ...]] = {
    "network": ("vpc_id", "private_subnet_ids"),
    "database_network": ("database_subnet_ids",),
    "cluster": ("cluster_arn", "cluster_name"),
    "load_balancer": ("alb_arn", "alb_dns_name", "https_listener_arn", "alb_security_group_id"),
    "zone": ("zone_id", "zone_name"),
    "certificate": ("certificate_arn",),
}
"""Word in `pattern.yaml: needs` -> the facts that it stands for."""

ALWAYS = frozenset({"region", "account_id"})
"""What every sandbox is, whatever its baseline."""


def missing_facts(manifest: Manifest, facts: Mapping[str, Any]) -> list[str]:
    """What the sandbox lacks for this pattern, in the words of `needs`; also facts that `fills` asks for directly."""
    missing = [need for need in manifest.needs if any(not facts.get(f) for f in NEEDS.get(need, (need,)))]
    wanted = (source.removeprefix("sandbox.") for source in manifest.fills.values() if source.startswith("sandbox."))
    covered = {fact for need in missing for fact in NEEDS.get(need, (need,))}
    missing += [fact for fact in wanted if fact not in covered | ALWAYS and not facts.get(fact)]
    return sorted(set(missing), key=missing.index)
