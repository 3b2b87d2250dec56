"""The catalogue lists what environments are built from; the baseline of sandboxes stands apart."""

import shutil
from pathlib import Path

import pytest

from stackyard.errors import NotFound, Unusable
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings

SHIPPED = get_settings()


def test_the_baseline_is_known_and_not_listed() -> None:
    catalogue = Catalogue.from_settings(SHIPPED)
    baseline = catalogue.baseline()
    assert baseline.manifest.kind == "baseline"
    assert {p.path for p in baseline.parameters if not p.hidden} >= {"network.nat_per_zone", "state.bucket"}
    assert "baseline" not in [p.name for p in catalogue.list()]
    with pytest.raises(NotFound):
        catalogue.get("baseline")


def test_a_baseline_among_the_patterns_is_none_of_them(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED.baseline, tmp_path / "baseline")
    shutil.copytree(SHIPPED.patterns / "ecs-worker", tmp_path / "ecs-worker")
    catalogue = Catalogue(tmp_path, SHIPPED.modules)
    assert [p.name for p in catalogue.list()] == ["ecs-worker"]
    assert catalogue.broken() == {}
    with pytest.raises(NotFound):
        catalogue.get("baseline")
    with pytest.raises(Unusable, match="STACKYARD_BASELINE"):
        catalogue.baseline()


def test_a_pattern_of_environments_is_no_baseline() -> None:
    catalogue = Catalogue(SHIPPED.patterns, SHIPPED.modules, SHIPPED.patterns / "ecs-worker")
    with pytest.raises(Unusable, match="kind: baseline"):
        catalogue.baseline()
