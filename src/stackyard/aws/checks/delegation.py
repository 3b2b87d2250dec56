"""Whether the world finds the sandbox's DNS zone: its parent must name the zone's own name servers."""

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.checks.finding import Verdict
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import ask, host
from stackyard.aws.listers.search import pages
from stackyard.aws.lookup import NotFoundByDns, Server, authority_of, delegation_of
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import Problem

LIMIT = 5.0


def delegated(access: SandboxAccess, facts: BaselineFacts | None, zone_name: str, resolver: Server | None) -> Verdict:
    """The parent's name servers for the zone equal the zone's own. Without this, certificates wait in vain for most
    of an hour. The parent is asked in Route 53 when it lies in this account, else by DNS; the emulator has no DNS."""
    zone = host(zone_name)
    zone_id = facts.zone_id if facts else next((item for name, item in _zones(access) if name == zone), "")
    if not zone_id:
        return Verdict(None, f"There is no hosted zone {zone} yet; the baseline makes it.")
    answer = ask(access, "route53", "get_hosted_zone", Id=zone_id)
    if answer is None:
        return Verdict(False, f"There is no hosted zone {zone_id}.", "Build the baseline of the sandbox again.")
    own = {host(name) for name in answer.get("DelegationSet", {}).get("NameServers", [])}
    try:
        theirs = _from_account(access, zone)
        if theirs is None and access.emulated and resolver is None:
            return Verdict(None, "The emulator has no DNS, and the parent zone is not in this account.")
        if theirs is None:
            theirs = delegation_of(zone, resolver, LIMIT)
    except NotFoundByDns as missing:
        return Verdict(None, missing.found, "Check this machine's DNS, then check again.")
    servers = ", ".join(sorted(own))
    if theirs == own:
        return Verdict(True, f"The parent of {zone} names its name servers: {servers}.")
    said = f"names {', '.join(sorted(theirs))}, but it has {servers}" if theirs else "names none"
    return Verdict(
        False,
        f"The parent of {zone} {said}.",
        f"In the parent zone, make the record {zone} of type NS with the values {servers}.",
    )


def delegation_problem(
    access: SandboxAccess, facts: BaselineFacts | None, zone_name: str, resolver: Server | None = None
) -> Problem | None:
    """Why a certificate for names in this zone would wait in vain; None: it will not, or nobody can tell.

    To be asked before waiting: the parent's name servers must be the zone's own, and one of them must answer for it.
    On the emulator the records of its Route 53 are compared, as it has no DNS. `resolver` as for `delegated`.
    """
    try:
        verdict = delegated(access, facts, zone_name, resolver)
        if verdict.ok is False:
            return Problem("zone", f"{verdict.found} {verdict.fix}")
        if not verdict.ok or (access.emulated and resolver is None):
            return None
        authority_of(host(zone_name), _own_servers(access, facts, host(zone_name)) or (), resolver, LIMIT)
    except NotFoundByDns as missing:
        fix = f"Look at the hosted zone {host(zone_name)} and its NS record."
        return Problem("zone", f"No name server answers for it: {missing.found} {fix}") if missing.final else None
    except (ClientError, BotoCoreError):
        return None
    return None


def _own_servers(access: SandboxAccess, facts: BaselineFacts | None, zone: str) -> set[str] | None:
    """The name servers that Route 53 gave the zone; None when there is no such zone."""
    zone_id = facts.zone_id if facts else next((item for name, item in _zones(access) if name == zone), "")
    answer = ask(access, "route53", "get_hosted_zone", Id=zone_id) if zone_id else None
    return {host(name) for name in answer.get("DelegationSet", {}).get("NameServers", [])} if answer else None


def _from_account(access: SandboxAccess, zone: str) -> set[str] | None:
    """What the nearest parent zone in this account says; None: no parent is here."""
    parents = [(name, zone_id) for name, zone_id in _zones(access) if zone.endswith(f".{name}")]
    if not parents:
        return None
    _, zone_id = max(parents, key=lambda item: len(item[0]))
    answer = ask(
        access, "route53", "list_resource_record_sets", HostedZoneId=zone_id, StartRecordName=zone, MaxItems="10"
    )
    return {
        host(value["Value"])
        for record in (answer or {}).get("ResourceRecordSets", [])
        if record["Type"] == "NS" and host(record["Name"]) == zone
        for value in record["ResourceRecords"]
    }


def _zones(access: SandboxAccess) -> Iterator[tuple[str, str]]:
    for zone in pages(access.client("route53"), "list_hosted_zones", "HostedZones"):
        if not zone.get("Config", {}).get("PrivateZone"):
            yield host(zone["Name"]), zone["Id"].removeprefix("/hostedzone/")
