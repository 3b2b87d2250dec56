"""The record, CloudFront, and the certificates of both ways in."""

from stackyard.aws.hops.path import Broken, host, name_covers
from stackyard.aws.listers.search import EDGE_REGION
from stackyard.runs.planned.parts import (
    ADDRESSES,
    BALANCERS,
    DISTRIBUTIONS,
    LISTENERS,
    PATTERN,
    RULES,
    UNKNOWN,
    Planned,
    Said,
    elsewhere,
    listed,
)

AT_LISTENERS = ("aws_lb_listener_certificate", "aws_alb_listener_certificate")


def record(planned: Planned) -> Said:
    """It has the environment's name, and leads to CloudFront or a load balancer."""
    records = [r for r in planned.of("aws_route53_record") if r.value("type") in ADDRESSES]
    if not records:
        return None
    names = [r.value("name") for r in records]
    if UNKNOWN in names:
        return None, "Names are not known yet."
    named = [r for r, name in zip(records, names, strict=True) if host(str(name)) == planned.fqdn]
    if not named and not planned.of(*RULES, *LISTENERS, *BALANCERS, *DISTRIBUTIONS):
        return None, f"Records are planned for {listed(names)}; nothing is planned that a host name would lead to."
    if not named:
        raise Broken(f"Records are planned for {listed(names)}, none for {planned.fqdn}.", PATTERN)
    if all(elsewhere(r.value("zone_id"), planned.facts.zone_id) for r in named):
        zone = named[0].value("zone_id")
        raise Broken(f"{planned.fqdn} is planned in zone {zone}, which is not the sandbox's.", PATTERN)
    targets = [alias.value("name") for record in named for alias in record.blocks("alias")]
    own = planned.of(*BALANCERS, *DISTRIBUTIONS)
    if targets and UNKNOWN not in targets and not own:
        leads = {host(str(target)) for target in targets}
        if host(planned.facts.alb_dns_name) not in leads:
            raise Broken(f"{planned.fqdn} leads to {listed(leads)}, not to the sandbox's load balancer.", PATTERN)
        return True, f"{planned.fqdn} leads to the sandbox's load balancer."
    return None, f"{planned.fqdn} is planned; what it leads to is not known yet."


def cloudfront(planned: Planned) -> Said:
    """A distribution answers for the name."""
    distributions = planned.of(*DISTRIBUTIONS)
    if not distributions:
        return None
    aliases = [d.value("aliases") for d in distributions]
    if UNKNOWN in aliases:
        return None, "The names that it answers for are not known yet."
    names = {host(str(name)) for given in aliases for name in given or ()}
    if planned.fqdn not in names:
        raise Broken(f"It answers for {listed(names) or 'no name'}, not {planned.fqdn}.", PATTERN)
    return True, f"It answers for {planned.fqdn}, and asks {listed(_origins(planned)) or 'what is not known yet'}."


def edge_certificate(planned: Planned) -> Said:
    """CloudFront shows a certificate of us-east-1 that covers the name."""
    shown = [block for d in planned.of(*DISTRIBUTIONS) for block in d.blocks("viewer_certificate")]
    if not shown:
        return None
    arns = [block.value("acm_certificate_arn") for block in shown]
    if not any(arns) and all(block.value("cloudfront_default_certificate") for block in shown):
        raise Broken(f"CloudFront would show its own certificate, which does not cover {planned.fqdn}.", PATTERN)
    regions = {arn.split(":")[3] for arn in arns if isinstance(arn, str) and arn.startswith("arn:")}
    if regions - {EDGE_REGION}:
        raise Broken(f"Its certificate lies in {listed(regions)}; CloudFront takes those of {EDGE_REGION}.", PATTERN)
    if UNKNOWN in arns and (covering := _covering(planned, [planned.fqdn])):
        return True, f"{covering} is planned for {planned.fqdn}."
    return None, "The names of its certificate are not known yet."


def certificate(planned: Planned) -> Said:
    """The listener has a certificate for the name, or for the one under which CloudFront asks."""
    if not planned.of(*RULES):
        return None
    names = [planned.fqdn, *_origins(planned)]
    own = [listener.value("certificate_arn") for listener in planned.of(*LISTENERS)]
    foreign = [arn for arn in own if arn not in (None, "", planned.facts.certificate_arn)]
    if not foreign:
        for pattern in planned.covered or ():
            if any(name_covers(pattern, name) for name in names):
                return True, f"The sandbox's certificate for {pattern} covers it."
    further = [item.value("certificate_arn") for item in planned.of(*AT_LISTENERS)]
    if UNKNOWN in (*further, *foreign) and (covering := _covering(planned, names)):
        return True, f"{covering} is planned for it."
    if foreign or further or planned.covered is None:
        return None, "The names on the listener's certificates are not known yet."
    raise Broken(
        f"The sandbox's certificate covers {listed(planned.covered)}, not {planned.fqdn}, and none is planned for it.",
        "Give the pattern a certificate of the name's own (module listener-certificate), or the sandbox a rule for "
        "host names with one label before its zone.",
    )


def _origins(planned: Planned) -> list[str]:
    """The names under which CloudFront asks, as far as they are known."""
    origins = [o.value("domain_name") for d in planned.of(*DISTRIBUTIONS) for o in d.blocks("origin")]
    return [host(name) for name in origins if isinstance(name, str)]


def _covering(planned: Planned, names: list[str]) -> str:
    """The address of a planned certificate that covers one of these names; empty: there is none."""
    for part in planned.of("aws_acm_certificate"):
        further = part.value("subject_alternative_names")
        on_it = [part.value("domain_name"), *(further if isinstance(further, list) else ())]
        if any(name_covers(str(pattern), name) for pattern in on_it if isinstance(pattern, str) for name in names):
            return part.address
    return ""
