"""DNS and CloudFront."""

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


def alias_targets(path: Path, name: str = "") -> set[str]:
    """Where the alias records of a name in the sandbox's zone point to; empty: of the FQDN."""
    records = path.records_of(name) if name else path.records
    return {host(item["AliasTarget"]["DNSName"]) for item in records if "AliasTarget" in item}


def cloudfront(path: Path) -> str:
    """The record points to the distribution, which is on, answers for the FQDN, and asks the load balancer."""
    distribution = path.distribution
    if distribution is None:
        raise Broken(f"There is no CloudFront distribution {path.output('cloudfront_id')}.", REBUILD)
    name, settings = distribution["DomainName"], distribution["DistributionConfig"]
    if host(name) not in alias_targets(path):
        raise Broken(f"The record points to {', '.join(alias_targets(path))}, not to CloudFront's {name}.", REBUILD)
    if not settings["Enabled"]:
        raise Broken(f"The distribution {distribution['Id']} is switched off.", "Enable it in the CloudFront console.")
    aliases = [host(alias) for alias in settings.get("Aliases", {}).get("Items", [])]
    if path.fqdn not in aliases:
        raise Broken(f"The distribution answers for {', '.join(aliases) or 'no name'}, not {path.fqdn}.", REBUILD)
    origins = {host(origin["DomainName"]) for origin in settings["Origins"]["Items"]}
    if path.balancer is not None:
        balancer = host(path.balancer["DNSName"])
        leading = origins | {target for origin in origins for target in alias_targets(path, origin)}
        if balancer not in leading:
            raise Broken(f"Its origins {', '.join(sorted(origins))} do not lead to {balancer}.", REBUILD)
    return f"Distribution {distribution['Id']} ({name}) asks the load balancer."
