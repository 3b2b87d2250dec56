"""As the owner of *Web application with database* I know that each of its variants builds, comes to rest, is proven
hop by hop, can be changed, and leaves nothing behind."""

import pytest

from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings
from stackyard.testing.place import Place
from stackyard.testing.report import Variant
from stackyard.testing.trial import try_pattern

# The variants are built all together, as they wait more than they work.
pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(1200)]

PATTERN = "ecs-web-db"
STEPS = ("init", "plan", "apply", "verify", "plan again", "change", "destroy", "proof of deletion")
CDN, FIREWALL, OWN = ({f"{part}": True} for part in ("cdn.enabled", "firewall.enabled", "load_balancer.own"))
CACHE, BUCKET = {"cache.enabled": True}, {"bucket.enabled": True}
AURORA, MYSQL = {"database.engine": "aurora-postgresql"}, {"database.engine": "mysql"}
SNAPSHOT = {"database.final_snapshot": True}
EDGE = ("CloudFront", "CloudFront's certificate")

# The settings of each, and the hops that it has beyond those that all have.
VARIANTS = {
    "cloudfront": (CDN, EDGE),
    "cloudfront and firewall": (CDN | FIREWALL, (*EDGE, "Firewall")),
    "own load balancer": (OWN, ()),
    "own load balancer and firewall": (OWN | FIREWALL, ("Firewall",)),
    "mysql, with a snapshot at the end": (MYSQL | SNAPSHOT, ()),
    "aurora mysql": ({"database.engine": "aurora-mysql"}, ()),
    "aurora postgresql with a standby, and a snapshot at the end": (AURORA | SNAPSHOT | {"database.standby": True}, ()),
    "redis": (CACHE, ("Way to the cache", "Cache")),
    "bucket, without alarms": (BUCKET | {"alarms.enabled": False}, ()),
    "all at once": (CDN | FIREWALL | OWN | AURORA | CACHE | BUCKET, (*EDGE, "Firewall", "Way to the cache", "Cache")),
}


@pytest.fixture(scope="module")
def built(stackyard_place: Place) -> dict[str, Variant]:
    settings = get_settings()
    pattern = Catalogue.from_settings(settings).get(PATTERN)
    wanted = [choice for choice, _ in VARIANTS.values()]
    report = try_pattern(pattern, wanted, settings, place=stackyard_place, jobs=len(wanted))
    return dict(zip(VARIANTS, report.variants, strict=True))


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_built_proven_changed_and_gone(name: str, built: dict[str, Variant]) -> None:
    steps = {step.name: step for step in built[name].steps}
    failed = [f"{s.name}: {s.message}" for s in steps.values() if s.outcome == "failed"]
    assert not failed, "\n".join([*failed, *built[name].log[-40:]])
    assert {s: steps[s].outcome for s in STEPS} == dict.fromkeys(STEPS, "passed")
    hops = steps["verify"].message.removesuffix(".").split(": ")[1].split(", ")
    assert {"DNS record", "Listener", "Certificate", "Way to the database", "Database", "Secret"} <= set(hops)
    kept = "Kept, as it was asked for" in steps["proof of deletion"].message
    assert kept == ("snapshot" in name)
    further = {*EDGE, "Firewall", "Way to the cache", "Cache"}
    assert set(hops) & further == set(VARIANTS[name][1])
