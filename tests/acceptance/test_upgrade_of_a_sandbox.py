"""As platform staff I bring the common components of a sandbox to a newer version, and those who live there stay."""

from pathlib import Path

import pytest

from stackyard.cmdb.models import Environment
from stackyard.environments.upgrade import UpgradeRequest, newer_version, upgrade
from stackyard.runs.context import access_to
from stackyard.settings import get_settings
from tests.acceptance.test_change import carry, ended
from tests.acceptance.test_sandbox import Land, land
from tests.versions import own_baseline, publish

__all__ = ["land"]

pytestmark = pytest.mark.journey


def test_common_components_follow_a_newer_version(land: Land, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_baseline(tmp_path, monkeypatch)
    sandbox = land.add("grown", delegated=True)
    baseline = ended(carry(land.bootstrap(sandbox)), "succeeded")
    lived_on = {name: fact for name, fact in baseline.sandbox.facts.items() if name != "nat_public_ips"}
    assert newer_version(baseline) is None
    outputs = ('output "vpc_id"', 'output "version" {\n  value = 2\n}\n\noutput "vpc_id"')
    publish(
        folder, "1.1.0", {"outputs.tf": (outputs,), "locals.tf": (("nat_per_zone = false", "nat_per_zone = true"),)}
    )

    run = carry(upgrade(land.org.platform, baseline, UpgradeRequest(), via="api"))

    baseline = ended(run, "succeeded")
    assert (baseline.pattern.version, baseline.sandbox.status) == ("1.1.0", "ready")
    assert baseline.sandbox.facts.items() >= lived_on.items(), "what environments were built with is what it was"
    assert baseline.sandbox.facts["version"] == 2, "what the new version offers beside"
    gateways = access_to(sandbox, get_settings()).client("ec2").describe_nat_gateways()["NatGateways"]
    assert len([g for g in gateways if g["State"] == "available"]) == 2
    assert newer_version(Environment.objects.get(pk=baseline.pk)) is None
