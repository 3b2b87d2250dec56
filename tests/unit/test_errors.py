"""What was written wrongly is told with what may have been meant."""

import pytest

from stackyard.errors import meant

SETTINGS = ("container.cpu", "container.memory", "scaling.min")


@pytest.mark.parametrize(
    ("written", "names", "found"),
    [
        ("shop-dve", ["shop-dev", "fleet-dev"], "shop-dev"),
        ("commerce", ["commerce-dev", "mobility-dev"], "commerce-dev"),
        ("container.cpuu", SETTINGS, "container.cpu"),
        ("cpu", SETTINGS, "container.cpu"),
        ("MEMORY", SETTINGS, "container.memory"),
    ],
)
def test_the_nearest_name_is_offered(written: str, names: list[str], found: str) -> None:
    assert meant(written, names) == f"Did you mean '{found}'?"


@pytest.mark.parametrize("written", ["", "xyz", "\ud800", "c" * 100_000])
def test_what_is_like_none_gets_no_offer(written: str) -> None:
    assert meant(written, SETTINGS) == ""
