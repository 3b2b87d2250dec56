"""What stands before the load balancer: CloudFront, its certificate, and the firewall."""

import re

from stackyard.aws.hops.balancing import certificate_problem
from stackyard.aws.hops.names import REBUILD
from stackyard.aws.hops.path import Broken, Path, Unknown, host
from stackyard.aws.listers.search import EDGE_REGION

# https://docs.aws.amazon.com/waf/latest/APIReference/API_WebACL.html
WEB_ACL = re.compile(
    r"arn:[a-z-]+:wafv2:(?P<region>[a-z0-9-]+):[0-9]*:(?P<scope>global|regional)/webacl/(?P<name>[^/]+)/(?P<id>[^/]+)"
)


def cloudfront(path: Path) -> str:
    """The record points to the distribution, which is on, answers for the FQDN, and asks the load balancer."""
    distribution = path.distribution
    if distribution is None:
        raise Broken(f"There is no CloudFront distribution {path.output('cloudfront_id')}.", REBUILD)
    name, settings = distribution["DomainName"], distribution["DistributionConfig"]
    if host(name) not in path.aliases_of(path.fqdn):
        raise Broken(
            f"The record points to {', '.join(path.aliases_of(path.fqdn))}, not to CloudFront's {name}.", REBUILD
        )
    if not settings["Enabled"]:
        raise Broken(f"The distribution {distribution['Id']} is switched off.", "Enable it in the CloudFront console.")
    aliases = [host(alias) for alias in settings.get("Aliases", {}).get("Items", [])]
    if path.fqdn not in aliases:
        raise Broken(f"The distribution answers for {', '.join(aliases) or 'no name'}, not {path.fqdn}.", REBUILD)
    if path.balancer is not None and not path.origins:
        asked = ", ".join(host(origin["DomainName"]) for origin in settings["Origins"]["Items"])
        raise Broken(f"Its origins {asked} do not lead to {host(path.balancer['DNSName'])}.", REBUILD)
    return f"Distribution {distribution['Id']} ({name}) asks the load balancer."


def edge_certificate(path: Path) -> str:
    """The distribution shows a certificate that is issued, in date, and covers the FQDN. CloudFront takes those of
    us-east-1 only."""
    assert path.distribution is not None
    shown = path.distribution["DistributionConfig"].get("ViewerCertificate", {})
    arn = shown.get("ACMCertificateArn", "")
    if not arn:
        raise Broken(f"The distribution shows CloudFront's own certificate, which does not cover {path.fqdn}.", REBUILD)
    region = arn.split(":")[3]
    if region != EDGE_REGION:
        raise Broken(f"The certificate {arn} lies in {region}; CloudFront takes those of {EDGE_REGION}.", REBUILD)
    answer = path.ask("acm", "describe_certificate", region=region, CertificateArn=arn)
    described = answer["Certificate"] if answer else None
    problem = certificate_problem([path.fqdn], described)
    if problem or described is None:
        raise Broken(f"CloudFront's certificate {arn.rpartition('/')[2]} {problem}.", REBUILD)
    return f"{described['DomainName']} covers the name, until {described['NotAfter']:%Y-%m-%d}."


def firewall(path: Path) -> str:
    """It exists, and CloudFront, or else the load balancer, asks it about every request."""
    arn = path.output("firewall_arn")
    parts = WEB_ACL.fullmatch(arn)
    if parts is None:
        raise Unknown(f"{arn} is no firewall of AWS WAF; what stands before it is not known here.")
    name, scope = parts["name"], "CLOUDFRONT" if parts["scope"] == "global" else "REGIONAL"
    answer = path.ask("wafv2", "get_web_acl", region=parts["region"], Name=name, Scope=scope, Id=parts["id"])
    if answer is None:
        raise Broken(f"There is no firewall {name} ({arn}).", REBUILD)
    where = "CloudFront" if path.distribution else "the load balancer"
    asked = path.distribution["DistributionConfig"].get("WebACLId", "") if path.distribution else _of_balancer(path)
    if asked != arn:
        raise Broken(f"{name} does not stand before {where}, which asks {asked or 'none'}.", REBUILD)
    return f"{name} with {len(answer['WebACL'].get('Rules', []))} rules stands before {where}."


def _of_balancer(path: Path) -> str:
    if path.balancer is None:
        return ""
    arn = path.balancer["LoadBalancerArn"]
    answer = path.ask("wafv2", "get_web_acl_for_resource", ResourceArn=arn) or {}
    return str((answer.get("WebACL") or {}).get("ARN", ""))
