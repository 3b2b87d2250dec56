"""Whether what the CMDB knows of a baseline is still there."""

from datetime import UTC, datetime

from stackyard.aws.checks.finding import Verdict
from stackyard.aws.hops.path import Path, host, name_covers

REBUILD = "Build the baseline again, or register what the account has now."


def vpc(path: Path) -> Verdict:
    """It is there, with the block that the CMDB knows."""
    facts = path.facts
    answer = path.ask("ec2", "describe_vpcs", VpcIds=[facts.vpc_id])
    if not answer or not answer["Vpcs"]:
        return _missing(facts.vpc_id)
    cidrs = {item["CidrBlock"] for item in answer["Vpcs"][0].get("CidrBlockAssociationSet", [])}
    if facts.vpc_cidr not in cidrs | {answer["Vpcs"][0]["CidrBlock"]}:
        return Verdict(False, f"{facts.vpc_id} has {', '.join(sorted(cidrs))}, not {facts.vpc_cidr}.", REBUILD)
    return Verdict(True, f"{facts.vpc_id} with {facts.vpc_cidr}.")


def subnets(path: Path) -> Verdict:
    """All are there, in the VPC; those of each kind lie in two zones at least."""
    facts = path.facts
    wanted = {
        "public": facts.public_subnet_ids,
        "private": facts.private_subnet_ids,
        "database": facts.database_subnet_ids,
    }
    every = sorted({subnet for ids in wanted.values() for subnet in ids})
    answer = path.ask("ec2", "describe_subnets", Filters=[{"Name": "subnet-id", "Values": every}])
    found = {item["SubnetId"]: item for item in (answer or {}).get("Subnets", [])}
    if missing := [subnet for subnet in every if subnet not in found]:
        return _missing(", ".join(missing))
    if strangers := [subnet for subnet in every if found[subnet]["VpcId"] != facts.vpc_id]:
        return Verdict(False, f"{', '.join(strangers)} lie in another VPC than {facts.vpc_id}.", REBUILD)
    for kind, ids in wanted.items():
        if len({found[subnet]["AvailabilityZone"] for subnet in ids}) < 2:
            return Verdict(False, f"The {kind} subnets lie in one zone only.", REBUILD)
    return Verdict(True, f"{len(every)} subnets in {facts.vpc_id}.")


def cluster(path: Path) -> Verdict:
    """It is active."""
    facts = path.facts
    answer = path.ask("ecs", "describe_clusters", clusters=[facts.cluster_arn])
    found = answer["clusters"] if answer else []
    if not found:
        return _missing(facts.cluster_name)
    status = found[0]["status"]
    said = f"{facts.cluster_name} is {status.lower()}."
    return Verdict(status == "ACTIVE", said, "" if status == "ACTIVE" else REBUILD)


def load_balancer(path: Path) -> Verdict:
    """It is active, in the VPC."""
    facts = path.facts
    found = path.balancer
    if found is None:
        return _missing(facts.alb_arn)
    if found["VpcId"] != facts.vpc_id:
        return Verdict(False, f"It lies in {found['VpcId']}, not in {facts.vpc_id}.", REBUILD)
    state = found.get("State", {}).get("Code", "unknown")
    said = f"{found['LoadBalancerName']} ({found['DNSName']}) is {state}."
    return Verdict(state == "active", said, "" if state == "active" else REBUILD)


def listener(path: Path) -> Verdict:
    """It takes HTTPS on port 443, at the load balancer."""
    facts = path.facts
    found = path.listener
    if found is None:
        return _missing(facts.https_listener_arn)
    if found["LoadBalancerArn"] != facts.alb_arn:
        return Verdict(False, "It belongs to another load balancer.", REBUILD)
    said = f"It takes {found['Protocol']} on port {found['Port']}."
    ok = (found["Protocol"], found["Port"]) == ("HTTPS", 443)
    return Verdict(ok, said, "" if ok else REBUILD)


def certificate(path: Path) -> Verdict:
    """It is issued, in date, and covers names one label under the zone."""
    facts = path.facts
    wanted = f"any.{facts.zone_name}"
    answer = path.ask("acm", "describe_certificate", CertificateArn=facts.certificate_arn)
    if answer is None:
        return _missing(facts.certificate_arn)
    found = answer["Certificate"]
    if found["Status"] != "ISSUED":
        said = f"It is {found['Status'].lower().replace('_', ' ')}."
        return Verdict(False, said, "Check the zone's delegation and the record that proves the name.")
    if found["NotAfter"] < datetime.now(UTC):
        return Verdict(False, f"It expired on {found['NotAfter']:%Y-%m-%d}.", REBUILD)
    names = sorted({found["DomainName"], *found.get("SubjectAlternativeNames", [])})
    if not any(name_covers(name, wanted) for name in names):
        return Verdict(False, f"It covers {', '.join(names)}, not *.{host(facts.zone_name)}.", REBUILD)
    return Verdict(True, f"{', '.join(names)}, until {found['NotAfter']:%Y-%m-%d}.")


def _missing(what: str) -> Verdict:
    return Verdict(False, f"There is no {what} any more.", REBUILD)
