"""What patterns build on wish, made by hand on the emulator: it stands before and behind an environment of `built`."""

from typing import Any

from tests.built import FQDN, NAME, PORT, ZONE, Built, opening

ORIGIN = f"{NAME}-origin.{ZONE}"
HEADER, KEY = "X-Origin-Key", "not-a-secret"
EDGE = "us-east-1"


def give_own_balancer(made: Built) -> None:
    """A load balancer of the environment's own, which takes the place of the sandbox's."""
    ec2, elb = made.client("ec2"), made.client("elbv2")
    group = ec2.create_security_group(GroupName=f"{NAME}-alb", Description="-", VpcId=made.facts.vpc_id)["GroupId"]
    balancer = elb.create_load_balancer(
        Name=NAME, Subnets=list(made.facts.public_subnet_ids), SecurityGroups=[group], Type="application"
    )["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    listener = elb.create_listener(
        LoadBalancerArn=arn,
        Port=443,
        Protocol="HTTPS",
        Certificates=[{"CertificateArn": made.facts.certificate_arn}],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"][0]["ListenerArn"]
    elb.delete_rule(RuleArn=made.outputs["listener_rule_arn"])
    rule = elb.create_rule(
        ListenerArn=listener,
        Priority=100,
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [FQDN]}}],
        Actions=[{"Type": "forward", "TargetGroupArn": made.outputs["target_group_arn"]}],
    )["Rules"][0]["RuleArn"]
    tasks = str(made.outputs["security_group_id"])
    ec2.revoke_security_group_ingress(GroupId=tasks, IpPermissions=opening(PORT, made.facts.alb_security_group_id))
    ec2.authorize_security_group_ingress(GroupId=tasks, IpPermissions=opening(PORT, group))
    made.record("UPSERT", balancer["DNSName"], balancer["CanonicalHostedZoneId"])
    made.outputs |= {"alb_arn": arn, "https_listener_arn": listener, "listener_rule_arn": rule}


def put_cloudfront_before(made: Built, **changed: Any) -> None:
    """A distribution that asks the load balancer under its origin name, with a header that the rule wants. `changed`:
    what is otherwise, of `origin`, `alias`, `enabled`, `header` and `certificate` (an ARN; empty: CloudFront's own)."""
    name, zone = _balancer(made)
    made.record("UPSERT", name, zone, ORIGIN)
    made.client("elbv2").modify_rule(
        RuleArn=made.outputs["listener_rule_arn"],
        Conditions=[
            {"Field": "host-header", "HostHeaderConfig": {"Values": [FQDN]}},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": HEADER, "Values": [KEY]}},
        ],
    )
    certificate = changed.get("certificate")
    distribution = made.client("cloudfront").create_distribution(
        DistributionConfig=_distribution(
            origin=changed.get("origin", ORIGIN),
            alias=changed.get("alias", FQDN),
            enabled=changed.get("enabled", True),
            header=changed.get("header", KEY),
            certificate=request_certificate(made) if certificate is None else certificate,
        )
    )["Distribution"]
    made.outputs["cloudfront_id"] = distribution["Id"]
    made.record("UPSERT", distribution["DomainName"], "Z2FDTNDATAQYW2")  # the zone of all distributions


def request_certificate(made: Built, name: str = FQDN, region: str = EDGE) -> str:
    """A certificate that is issued at once."""
    acm = made.access.client("acm", region=region)
    arn: str = acm.request_certificate(DomainName=name, ValidationMethod="DNS")["CertificateArn"]
    acm.get_waiter("certificate_validated").wait(CertificateArn=arn, WaiterConfig={"Delay": 1, "MaxAttempts": 10})
    return arn


def _balancer(made: Built) -> tuple[str, str]:
    if "alb_arn" not in made.outputs:
        return made.facts.alb_dns_name, made.facts.alb_zone_id
    own = made.client("elbv2").describe_load_balancers(LoadBalancerArns=[made.outputs["alb_arn"]])["LoadBalancers"][0]
    return own["DNSName"], own["CanonicalHostedZoneId"]


def _distribution(*, origin: str, alias: str, enabled: bool, header: str, certificate: str) -> dict[str, Any]:
    shown: dict[str, Any] = {"CloudFrontDefaultCertificate": True}
    if certificate:
        shown = {"ACMCertificateArn": certificate, "SSLSupportMethod": "sni-only"}
    asked = {
        "Id": "alb",
        "DomainName": origin,
        "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": HEADER, "HeaderValue": header}]},
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    return {
        "CallerReference": "-",
        "Comment": "-",
        "Enabled": enabled,
        "Aliases": {"Quantity": 1, "Items": [alias]},
        "Origins": {"Quantity": 1, "Items": [asked]},
        "ViewerCertificate": shown,
        "DefaultCacheBehavior": {
            "TargetOriginId": "alb",
            "ViewerProtocolPolicy": "redirect-to-https",
            "MinTTL": 0,
            "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "all"}},
        },
    }


def put_firewall_before(made: Built) -> None:
    """A firewall before the distribution, or else before the load balancer."""
    edge = "cloudfront_id" in made.outputs
    waf = made.access.client("wafv2", region=EDGE if edge else made.access.region)
    arn = waf.create_web_acl(
        Name=NAME,
        Scope="CLOUDFRONT" if edge else "REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": NAME},
    )["Summary"]["ARN"]
    made.outputs["firewall_arn"] = arn
    if edge:
        change_distribution(made, WebACLId=arn)
    else:
        waf.associate_web_acl(WebACLArn=arn, ResourceArn=made.outputs["alb_arn"])


def change_distribution(made: Built, **changed: Any) -> None:
    """Give the distribution other settings."""
    cloudfront = made.client("cloudfront")
    found = cloudfront.get_distribution_config(Id=made.outputs["cloudfront_id"])
    cloudfront.update_distribution(
        Id=made.outputs["cloudfront_id"],
        IfMatch=found["ETag"],
        DistributionConfig={**found["DistributionConfig"], **changed},
    )


def put_cache_behind(made: Built) -> None:
    """A Redis cache that the tasks reach."""
    ec2, cache = made.client("ec2"), made.client("elasticache")
    group = ec2.create_security_group(GroupName=f"{NAME}-cache", Description="-", VpcId=made.facts.vpc_id)["GroupId"]
    tasks = str(made.outputs["security_group_id"])
    ec2.authorize_security_group_egress(GroupId=tasks, IpPermissions=opening(6379, group))
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=opening(6379, tasks))
    cache.create_cache_cluster(
        CacheClusterId=NAME,
        Engine="redis",
        CacheNodeType="cache.t4g.micro",
        NumCacheNodes=1,
        Port=6379,
        SecurityGroupIds=[group],
    )
    found = cache.describe_cache_clusters(CacheClusterId=NAME, ShowCacheNodeInfo=True)["CacheClusters"][0]
    made.outputs |= {
        "cache_identifier": NAME,
        "cache_endpoint": found["CacheNodes"][0]["Endpoint"]["Address"],
        "cache_security_group_id": group,
    }


def take_aurora(made: Built) -> None:
    """An Aurora cluster with one instance in the place of the RDS instance."""
    rds = made.client("rds")
    rds.delete_db_instance(DBInstanceIdentifier=NAME, SkipFinalSnapshot=True)
    cluster = rds.create_db_cluster(
        DBClusterIdentifier=NAME,
        Engine="aurora-postgresql",
        MasterUsername="app",
        MasterUserPassword="not-a-secret",
        DBSubnetGroupName=NAME,
        VpcSecurityGroupIds=[made.outputs["database_security_group_id"]],
        Port=5432,
    )["DBCluster"]
    rds.create_db_instance(
        DBInstanceIdentifier=f"{NAME}-1",
        DBClusterIdentifier=NAME,
        Engine="aurora-postgresql",
        DBInstanceClass="db.t4g.medium",
    )
    made.outputs["database_endpoint"] = cluster["Endpoint"]
