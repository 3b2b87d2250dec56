"""As the owner of *Web application with database* I know that each of its variants builds, comes to rest, is proven
hop by hop, can be changed, also into another, and leaves nothing behind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

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


# What stands becomes another variant: its settings, and what is changed.
CHANGES: dict[str, tuple[dict[str, Any], tuple[str, Any]]] = {
    "cloudfront comes": ({}, ("cdn.enabled", True)),
    "own load balancer comes": ({}, ("load_balancer.own", True)),
    "own load balancer goes": (OWN, ("load_balancer.own", False)),
    "postgresql becomes aurora": ({}, ("database.engine", "aurora-postgresql")),
    "aurora becomes mysql": (AURORA, ("database.engine", "mysql")),
    "redis comes": ({}, ("cache.enabled", True)),
}


@pytest.fixture(scope="module")
def built(stackyard_place: Place) -> dict[str, Variant]:
    """All variants and changes, each by its name, built side by side."""
    settings = get_settings()
    pattern = Catalogue.from_settings(settings).get(PATTERN)
    wanted = {name: (choice, None) for name, (choice, _) in VARIANTS.items()} | CHANGES

    def build(number: int, choice: dict[str, Any], change: tuple[str, Any] | None) -> Variant:
        place = replace(stackyard_place, first_priority=stackyard_place.first_priority + number)
        return try_pattern(pattern, [choice], settings, place=place, change=change).variants[0]

    with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
        started = {name: pool.submit(build, number, *wish) for number, (name, wish) in enumerate(wanted.items())}
    return {name: future.result() for name, future in started.items()}


def require_passed(variant: Variant) -> dict[str, str]:
    """All steps passed; what each found."""
    failed = [f"{step.name}: {step.message}" for step in variant.steps if step.outcome == "failed"]
    assert not failed, "\n".join([*failed, *variant.log[-40:]])
    assert {step.name: step.outcome for step in variant.steps} == dict.fromkeys(STEPS, "passed")
    return {step.name: step.message for step in variant.steps}


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_built_proven_changed_and_gone(name: str, built: dict[str, Variant]) -> None:
    found = require_passed(built[name])
    hops = set(found["verify"].removesuffix(".").split(": ")[1].split(", "))
    assert hops >= {"DNS record", "Listener", "Certificate", "Way to the database", "Database", "Secret"}
    assert hops & {*EDGE, "Firewall", "Way to the cache", "Cache"} == set(VARIANTS[name][1])
    assert ("Kept, as it was asked for" in found["proof of deletion"]) == ("snapshot" in name)


@pytest.mark.parametrize("name", CHANGES)
def test_what_stands_becomes_another_variant(name: str, built: dict[str, Variant]) -> None:
    path, value = CHANGES[name][1]
    assert require_passed(built[name])["change"].startswith(f"{path} = {value!r}: ")
