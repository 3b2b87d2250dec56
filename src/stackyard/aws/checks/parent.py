"""The zone above the sandbox's own, in an account that may be another's: it delegates by an NS record of ours."""

from botocore.exceptions import BotoCoreError, ClientError

from stackyard.aws.checks.finding import Verdict
from stackyard.aws.facts import BaselineFacts
from stackyard.aws.hops.path import ask, host
from stackyard.aws.listers.search import Leftover
from stackyard.aws.sessions import SandboxAccess
from stackyard.errors import StackyardError, Unavailable

CORRECT = "Correct the parent zone of the sandbox, then check again."


def parent_zone(
    access: SandboxAccess, facts: BaselineFacts | None, parent: SandboxAccess, parent_zone_id: str, zone_name: str
) -> Verdict:
    """The parent's role opens its account, `zone_name` lies in the zone there, and that has an NS record with the name
    servers of ours; while there is no baseline (`facts` None) it has none, since that would be somebody else's."""
    zone = host(zone_name)
    try:
        parent.confirm_account()
    except StackyardError as error:
        return Verdict(False, error.message, error.hint or "Check the role of the parent zone, then check again.")
    answer = ask(parent, "route53", "get_hosted_zone", Id=parent_zone_id)
    if answer is None:
        return Verdict(False, f"There is no hosted zone {parent_zone_id} in account {parent.account_id}.", CORRECT)
    name = host(answer["HostedZone"]["Name"])
    if not zone.endswith(f".{name}"):
        return Verdict(False, f"{parent_zone_id} is {name}, and {zone} does not lie in it.", CORRECT)
    theirs = _servers(parent, parent_zone_id, zone)
    said = f"{name} delegates {zone} to {', '.join(sorted(theirs))}"
    if facts is None:
        if not theirs:
            return Verdict(True, f"{zone} lies in {name} ({parent_zone_id}).")
        fix = f"If nobody uses it, delete the record {zone} of type NS in {parent_zone_id}; else take another zone."
        return Verdict(False, f"{said} already.", fix)
    own = ask(access, "route53", "get_hosted_zone", Id=facts.zone_id)
    ours = {host(server) for server in (own or {}).get("DelegationSet", {}).get("NameServers", [])}
    if theirs == ours:
        return Verdict(True, f"{said}.")
    servers = ", ".join(sorted(ours)) or "none"
    return Verdict(
        False,
        f"{said if theirs else f'{name} does not delegate {zone}'}; its name servers are {servers}.",
        "Build the baseline again.",
    )


def delegation_left(parent: SandboxAccess, parent_zone_id: str, zone_name: str) -> list[Leftover]:
    """The NS record of a sandbox's zone in its parent zone. Unavailable when AWS does not tell."""
    zone = host(zone_name)
    try:
        servers = _servers(parent, parent_zone_id, zone)
    except (ClientError, BotoCoreError) as error:
        raise Unavailable(
            f"Route 53 could not be asked what is left in the parent zone {parent_zone_id}: {error}",
            hint=f"The role {parent.role_arn} must be allowed to list its records.",
        ) from error
    how = f"Delete the record {zone} of type NS in hosted zone {parent_zone_id} of account {parent.account_id}."
    return [Leftover("route53", "record", f"NS {zone}", how)] if servers else []


def _servers(parent: SandboxAccess, parent_zone_id: str, zone: str) -> set[str]:
    answer = ask(
        parent,
        "route53",
        "list_resource_record_sets",
        HostedZoneId=parent_zone_id,
        StartRecordName=zone,
        StartRecordType="NS",
        MaxItems="1",
    )
    return {
        host(value["Value"])
        for record in (answer or {}).get("ResourceRecordSets", [])
        if record["Type"] == "NS" and host(record["Name"]) == zone
        for value in record["ResourceRecords"]
    }
