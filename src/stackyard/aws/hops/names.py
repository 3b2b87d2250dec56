"""DNS."""

from stackyard.aws.checks.delegation import delegated
from stackyard.aws.hops.path import Broken, Path, Unknown, host

REBUILD_BASELINE = "Build the baseline of the sandbox again; platform staff can."
REBUILD = "Run the environment again from its record; if somebody changed it by hand, undo that."


def zone(path: Path) -> str:
    """The sandbox's hosted zone is there, and the FQDN lies in it."""
    facts = path.facts
    answer = path.ask("route53", "get_hosted_zone", Id=facts.zone_id)
    if answer is None:
        raise Broken(f"There is no hosted zone {facts.zone_id} ({facts.zone_name}).", REBUILD_BASELINE)
    name = host(answer["HostedZone"]["Name"])
    if not path.fqdn.endswith(f".{name}"):
        raise Broken(
            f"{path.fqdn} does not lie in the zone {name} ({facts.zone_id}).", "Correct the sandbox's zone in the CMDB."
        )
    servers = answer.get("DelegationSet", {}).get("NameServers", [])
    return f"Zone {name} ({facts.zone_id}) with {len(servers)} name servers."


def delegation(path: Path) -> str:
    """The world finds the zone: its parent names the zone's own name servers."""
    verdict = delegated(path.access, path.facts, path.facts.zone_name, None)
    if verdict.ok is None:
        raise Unknown(verdict.found)
    if not verdict.ok:
        raise Broken(verdict.found, verdict.fix)
    return verdict.found


def record(path: Path) -> str:
    """An alias record has the FQDN."""
    found = {item["Type"]: item for item in path.records}
    if not found:
        raise Broken(f"No record {path.fqdn} in zone {path.facts.zone_id}.", REBUILD)
    alias = next((item for kind, item in found.items() if kind in ("A", "AAAA") and "AliasTarget" in item), None)
    if alias is None:
        kinds = ", ".join(sorted(found))
        raise Broken(f"{path.fqdn} has records of type {kinds}, but no alias.", REBUILD)
    return f"{alias['Type']} alias to {host(alias['AliasTarget']['DNSName'])}."
