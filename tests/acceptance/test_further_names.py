"""As an application developer I give my environment more host names, and take one away again.

One label deep the sandbox's certificate covers a name; a deeper one gets a certificate of its own on the listener.
"""

from typing import Any

import pytest

from stackyard.cmdb.models import AddressPool
from stackyard.environments.addresses import claim_block
from stackyard.environments.fqdns import add_fqdn, further_names, remove_fqdn
from stackyard.runs.approve import approve
from stackyard.runs.filling import further_fqdns
from tests.acceptance.test_change import assert_passport_says_what_the_cmdb_holds, carry
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey


def records(yard: Yard) -> set[str]:
    """Host names with an alias in the sandbox's zone."""
    route53 = yard.access(yard.org.sandbox).client("route53")
    found = route53.list_resource_record_sets(HostedZoneId=yard.org.sandbox.facts["zone_id"])["ResourceRecordSets"]
    return {record["Name"].rstrip(".") for record in found if "AliasTarget" in record}


def listener(yard: Yard) -> tuple[list[Any], set[str]]:
    """The host names of each rule, and the subjects of the certificates."""
    access, arn = yard.access(yard.org.sandbox), yard.org.sandbox.facts["https_listener_arn"]
    elb, acm = access.client("elbv2"), access.client("acm")
    rules = elb.describe_rules(ListenerArn=arn)["Rules"]
    hosts = [c["HostHeaderConfig"]["Values"] for r in rules for c in r["Conditions"] if c["Field"] == "host-header"]
    arns = {c["CertificateArn"] for c in elb.describe_listener_certificates(ListenerArn=arn)["Certificates"]}
    return hosts, {acm.describe_certificate(CertificateArn=a)["Certificate"]["DomainName"] for a in arns}


def test_names_come_and_go(yard: Yard) -> None:
    zone = yard.org.sandbox.zone_name
    first, flat, deep = f"shop-dev.{zone}", f"shop.{zone}", f"api.shop.{zone}"
    created = carry(yard.create(pattern="ecs-service"))
    assert created.status == "succeeded", log_of(created)
    environment = created.environment
    listener_arn = yard.org.sandbox.facts["https_listener_arn"]
    assert assert_passport_says_what_the_cmdb_holds(environment) == [
        {"kind": "fqdn", "scope": "", "value": first},
        {"kind": "rule_priority", "scope": listener_arn, "value": "101"},
    ]
    pool = AddressPool.objects.create(name="corp", block="10.20.0.0/24")
    claim_block(pool, 26, purpose="its subnets", environment=environment)

    run = carry(add_fqdn(yard.user, environment, flat, via="api"))
    assert run.status == "succeeded", log_of(run)
    assert records(yard) >= {first, flat}
    environment.refresh_from_db()
    assert (environment.hops[-1]["name"], environment.hops[-1]["found"]) == ("further_names", f"{flat}.")
    hosts, certificates = listener(yard)
    assert sorted(hosts[0]) == sorted([first, flat])
    assert certificates == {f"*.{zone}"}
    said = assert_passport_says_what_the_cmdb_holds(environment)
    assert {"kind": "cidr", "scope": "corp", "value": "10.20.0.0/26"} in said
    assert [row["value"] for row in said if row["kind"] == "fqdn"] == [first, flat]

    run = carry(add_fqdn(yard.user, environment, deep, via="api"))
    assert run.status == "succeeded", log_of(run)
    assert_passport_says_what_the_cmdb_holds(environment)
    assert not run.plan["destructive"], "a further name takes nothing away"
    assert records(yard) >= {first, flat, deep}
    assert listener(yard)[1] == {f"*.{zone}", deep}

    run = carry(remove_fqdn(yard.user, environment, deep, via="api"))
    assert run.status == "waiting", log_of(run)
    assert deep in further_fqdns(environment), "nobody else gets it while its record stands"
    run = carry(approve(yard.user, run, confirmation=environment.slug))
    assert run.status == "succeeded", log_of(run)
    assert further_fqdns(environment) == [flat]
    assert_passport_says_what_the_cmdb_holds(environment)
    assert deep not in records(yard)
    hosts, certificates = listener(yard)
    assert sorted(hosts[0]) == sorted([first, flat])
    assert certificates == {f"*.{zone}"}

    gone = carry(yard.destroy(environment))
    assert gone.status == "succeeded", log_of(gone)
    assert further_names(environment) == []
    assert not records(yard) & {first, flat, deep}
