"""The path proof covers what patterns build on wish: CloudFront, a firewall, an own load balancer, Aurora and Redis."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.built import FQDN, NAME, ZONE, Built, build, opening
from tests.built_variants import (
    KEY,
    ORIGIN,
    change_distribution,
    give_own_balancer,
    put_cache_behind,
    put_cloudfront_before,
    put_firewall_before,
    request_certificate,
    take_aurora,
)

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.path_proof import LINE, prove_path

CERTIFICATE = "CloudFront's certificate"


@pytest.fixture
def built(emulator: Emulator) -> Built:
    """A fresh account with baseline and environment."""
    return build(emulator)


@pytest.fixture
def full(built: Built) -> Built:
    """The same with everything that can be had on wish."""
    give_own_balancer(built)
    put_cloudfront_before(built)
    put_firewall_before(built)
    put_cache_behind(built)
    take_aurora(built)
    return built


def require_broken(made: Built, name: str, reason: str) -> None:
    """All before this hop hold, it does not, and those after it are not reached."""
    hops = made.prove()
    place = [hop.name for hop in hops].index(name)
    assert [hop.ok for hop in hops] == [True] * place + [False] + [None] * (len(hops) - place - 1), hops
    assert reason in hops[place].found
    assert hops[place].fix
    assert KEY not in "".join(hop.found for hop in hops), "the key that CloudFront shows is nobody else's"


def test_a_path_with_everything_is_green_hop_by_hop(full: Built) -> None:
    hops = full.prove()
    assert [(hop.name, hop.ok) for hop in hops] == [(link.name, True) for link in LINE], hops
    assert next(hop for hop in hops if hop.name == "load_balancer").found.startswith(NAME), "it is the own one"


def test_cloudfront_before_the_shared_load_balancer_is_green(built: Built) -> None:
    put_cloudfront_before(built)
    assert all(hop.ok for hop in built.prove()), built.prove()


def test_a_firewall_before_an_own_load_balancer_is_green(built: Built) -> None:
    give_own_balancer(built)
    put_firewall_before(built)
    found = {hop.name: hop for hop in built.prove()}
    assert all(hop.ok for hop in found.values()), found
    assert found["firewall"].found.endswith("stands before the load balancer.")


@pytest.mark.parametrize(
    ("changed", "hop", "reason"),
    [
        ({"header": "another-key"}, "rule", "wants the header X-Origin-Key"),
        ({"certificate": ""}, "edge_certificate", "CloudFront's own certificate"),
        ({"origin": "elsewhere.example.com"}, "cloudfront", "elsewhere.example.com do not lead to"),
        ({"alias": "other.dev.example.com"}, "cloudfront", f"other.dev.example.com, not {FQDN}"),
        ({"enabled": False}, "cloudfront", "switched off"),
    ],
)
def test_a_distribution_that_does_not_lead_on_is_named(
    built: Built, changed: dict[str, Any], hop: str, reason: str
) -> None:
    put_cloudfront_before(built, **changed)
    require_broken(built, hop, reason)


def test_a_replication_group_is_a_cache_too(built: Built) -> None:
    put_cache_behind(built)
    cache, group = built.client("elasticache"), f"{NAME}-group"
    made = cache.create_replication_group(
        ReplicationGroupId=group, ReplicationGroupDescription="-", Engine="redis", CacheNodeType="cache.t4g.micro"
    )["ReplicationGroup"]
    (shard,) = made["NodeGroups"]
    address = shard["PrimaryEndpoint"]["Address"]
    own = [str(built.outputs["cache_security_group_id"])]
    (member,) = made["MemberClusters"]  # AWS makes it along with the group, and moto does not
    cache.create_cache_cluster(
        CacheClusterId=member, Engine="redis", CacheNodeType="cache.t4g.micro", NumCacheNodes=1, SecurityGroupIds=own
    )
    built.outputs |= {"cache_identifier": group, "cache_endpoint": address}
    hops = built.prove()
    assert all(hop.ok for hop in hops), hops
    assert hops[-1].found == f"{group} is available at {address}:6379."

    built.outputs["cache_endpoint"] = "elsewhere.example.com"
    require_broken(built, "cache", "the application is told elsewhere.example.com")
    built.outputs["cache_identifier"] = "nothing"
    require_broken(built, "cache_network", "There is no cache nothing.")


def test_further_names_must_lead_there_too(built: Built) -> None:
    """Record and rule are asked for each; the certificate covers both names, as they are one label under the zone."""
    more = f"more.{ZONE}"

    def last() -> tuple[bool | None, str]:
        hop = prove_path(built.access, fqdn=FQDN, facts=built.facts, outputs=built.outputs, further=[more])[-1]
        assert (hop.name, bool(hop.fix)) == ("further_names", hop.ok is False)
        return hop.ok, hop.found

    assert last() == (False, f"{more}: DNS record: No record {more} in zone {built.facts.zone_id}.")
    built.record("UPSERT", built.facts.alb_dns_name, built.facts.alb_zone_id, more)
    ok, found = last()
    assert (ok, found.startswith(f"{more}: Listener rule: No rule of the listener takes {more}")) == (False, True)
    condition = {"Field": "host-header", "HostHeaderConfig": {"Values": [FQDN, more]}}
    built.client("elbv2").modify_rule(RuleArn=built.outputs["listener_rule_arn"], Conditions=[condition])
    assert last() == (True, f"{more}.")
    built.outputs["service_name"] = "gone"
    assert last() == (None, "Not reached.")


def record_past_cloudfront(made: Built) -> None:
    made.record("UPSERT", made.facts.alb_dns_name, made.facts.alb_zone_id)


def no_distribution(made: Built) -> None:
    made.outputs["cloudfront_id"] = "E000"


def origin_name_gone_astray(made: Built) -> None:
    made.record("UPSERT", made.facts.alb_dns_name, made.facts.alb_zone_id, ORIGIN)


def edge_certificate_of_another_name(made: Built) -> None:
    show(made, request_certificate(made, "other.dev.example.com"))


def edge_certificate_of_another_region(made: Built) -> None:
    show(made, request_certificate(made, region=made.access.region))


def edge_certificate_gone(made: Built) -> None:
    shown = made.client("cloudfront").get_distribution(Id=made.outputs["cloudfront_id"])["Distribution"]
    arn = shown["DistributionConfig"]["ViewerCertificate"]["ACMCertificateArn"]
    made.access.client("acm", region="us-east-1").delete_certificate(CertificateArn=arn)


def show(made: Built, arn: str) -> None:
    change_distribution(made, ViewerCertificate={"ACMCertificateArn": arn, "SSLSupportMethod": "sni-only"})


def firewall_off(made: Built) -> None:
    change_distribution(made, WebACLId="")


def listener_of_the_shared_one(made: Built) -> None:
    made.outputs["https_listener_arn"] = made.facts.https_listener_arn


def own_listener_with_a_foreign_certificate(made: Built) -> None:
    arn = request_certificate(made, "*.other.example.com", made.access.region)
    made.client("elbv2").modify_listener(
        ListenerArn=made.outputs["https_listener_arn"], Certificates=[{"CertificateArn": arn}]
    )


def aurora_without_instance(made: Built) -> None:
    made.client("rds").delete_db_instance(DBInstanceIdentifier=f"{NAME}-1", SkipFinalSnapshot=True)


def aurora_with_a_stopped_writer(made: Built) -> None:
    made.client("rds").stop_db_instance(DBInstanceIdentifier=f"{NAME}-1")


def aurora_at_another_address(made: Built) -> None:
    made.outputs["database_endpoint"] = "elsewhere.example.com"


def tasks_closed_to_the_cache(made: Built) -> None:
    made.client("ec2").revoke_security_group_egress(
        GroupId=made.outputs["security_group_id"],
        IpPermissions=opening(6379, str(made.outputs["cache_security_group_id"])),
    )


def cache_closed(made: Built) -> None:
    made.client("ec2").revoke_security_group_ingress(
        GroupId=made.outputs["cache_security_group_id"],
        IpPermissions=opening(6379, str(made.outputs["security_group_id"])),
    )


def no_cache(made: Built) -> None:
    made.client("elasticache").delete_cache_cluster(CacheClusterId=NAME)


def cache_at_another_address(made: Built) -> None:
    made.outputs["cache_endpoint"] = "elsewhere.example.com"


FROM_THE_END: tuple[tuple[Callable[[Built], None], str, str], ...] = (
    (cache_at_another_address, "cache", "is told elsewhere.example.com"),
    (cache_closed, "cache_network", "of the cache does not let the tasks in on port 6379"),
    (tasks_closed_to_the_cache, "cache_network", "does not let out to port 6379 of the cache"),
    (no_cache, "cache_network", f"no cache {NAME}"),
    (aurora_at_another_address, "database", "is told elsewhere.example.com"),
    (aurora_with_a_stopped_writer, "database", "writing instance is stopped"),
    (aurora_without_instance, "database", "has no instance that writes"),
    (own_listener_with_a_foreign_certificate, "certificate", "covers *.other.example.com"),
    (listener_of_the_shared_one, "listener", "belongs to another load balancer"),
    (firewall_off, "firewall", "does not stand before CloudFront, which asks none"),
    (edge_certificate_gone, "edge_certificate", "does not exist"),
    (edge_certificate_of_another_name, "edge_certificate", "covers other.dev.example.com"),
    (edge_certificate_of_another_region, "edge_certificate", "CloudFront takes those of us-east-1"),
    (origin_name_gone_astray, "cloudfront", f"{ORIGIN} do not lead to {NAME}"),
    (record_past_cloudfront, "cloudfront", "not to CloudFront's"),
    (no_distribution, "cloudfront", "no CloudFront distribution E000"),
)
"""What breaks which hop. The line ends at the first broken hop, so one environment is broken from its end on."""


def test_each_broken_hop_of_a_variant_is_named(full: Built) -> None:
    for break_it, hop, reason in FROM_THE_END:
        break_it(full)
        require_broken(full, hop, reason)


def test_an_own_load_balancer_that_is_gone_is_named(built: Built) -> None:
    give_own_balancer(built)
    built.client("elbv2").delete_load_balancer(LoadBalancerArn=built.outputs["alb_arn"])
    require_broken(built, "load_balancer", "no load balancer")


def test_a_firewall_that_is_gone_or_before_nothing_is_named(built: Built) -> None:
    give_own_balancer(built)
    put_firewall_before(built)
    waf = built.client("wafv2")
    waf.disassociate_web_acl(ResourceArn=built.outputs["alb_arn"])
    require_broken(built, "firewall", "does not stand before the load balancer, which asks none")
    built.outputs["firewall_arn"] = str(built.outputs["firewall_arn"]).rpartition("/")[0] + "/other"
    require_broken(built, "firewall", "no firewall")


def test_behind_cloudfront_the_certificate_may_be_for_the_origin_alone(built: Built) -> None:
    """A name that the sandbox's wildcard does not cover: CloudFront shows its own, and asks under a shorter name."""
    deep = f"dev.shop.{ZONE}"
    put_cloudfront_before(built, alias=deep, certificate=request_certificate(built, deep))
    built.client("elbv2").modify_rule(
        RuleArn=built.outputs["listener_rule_arn"],
        Conditions=[{"Field": "host-header", "HostHeaderConfig": {"Values": [deep]}}],
    )
    target = built.client("cloudfront").get_distribution(Id=built.outputs["cloudfront_id"])["Distribution"]
    built.record("CREATE", target["DomainName"], "Z2FDTNDATAQYW2", deep)
    hops = built.prove(fqdn=deep)
    assert all(hop.ok for hop in hops), hops
