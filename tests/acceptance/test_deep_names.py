"""As a department I want names such as `dev.shop.<zone>`: HTTPS works there, too, by certificates of their own."""

from typing import Any

import pytest

from stackyard.cmdb.models import Environment, Sandbox
from tests.yard import Yard, log_of

pytestmark = [pytest.mark.journey, pytest.mark.long]


def certificates(yard: Yard, sandbox: Sandbox) -> set[str]:
    """The names on the certificates of the shared listener."""
    access = yard.access(sandbox)
    listener = sandbox.facts["https_listener_arn"]
    listed = access.client("elbv2").describe_listener_certificates(ListenerArn=listener)["Certificates"]
    acm = access.client("acm")
    return {
        acm.describe_certificate(CertificateArn=item["CertificateArn"])["Certificate"]["DomainName"] for item in listed
    }


def proven(environment: Environment) -> dict[str, Any]:
    environment.refresh_from_db()
    assert all(hop["ok"] for hop in environment.hops), environment.hops
    return {hop["name"]: hop["found"] for hop in environment.hops}


def test_behind_the_load_balancer_and_behind_cloudfront(yard: Yard) -> None:
    sandbox = yard.org.sandbox
    sandbox.fqdn_rule, sandbox.deep_names = "<environment>.<product>.<zone>", True
    sandbox.save()
    zone = sandbox.zone_name
    plain = yard.create("plain", pattern="ecs-service")
    edge = yard.create("edge", pattern="ecs-web-db", cdn__enabled=True, alarms__enabled=False)
    yard.carry(plain, edge)
    assert (plain.status, edge.status) == ("succeeded", "succeeded"), log_of(plain) + log_of(edge)
    assert "Certificate: fits. module.own_certificate" in log_of(plain), "it was proven before anything was built"

    assert proven(plain.environment)["certificate"].startswith(f"plain.shop.{zone} covers the name")
    found = proven(edge.environment)
    assert found["edge_certificate"].startswith(f"edge.shop.{zone} covers the name")
    assert found["certificate"].startswith(f"*.{zone} covers the name"), "of the origin: it is one label deep"
    assert certificates(yard, sandbox) == {f"*.{zone}", f"plain.shop.{zone}"}

    gone = [yard.destroy(plain.environment), yard.destroy(edge.environment)]
    yard.carry(*gone)
    assert [(run.status, run.leftovers) for run in gone] == [("succeeded", [])] * 2, log_of(gone[0]) + log_of(gone[1])
    assert certificates(yard, sandbox) == {f"*.{zone}"}
