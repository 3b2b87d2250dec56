"""What counts as newer: a higher number, or other content under the same one."""

import pytest

from stackyard.environments.versions import _order


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.0.0", "1.0.1"),
        ("1.9.0", "1.10.0"),
        ("1.0.0-rc.1", "1.0.0"),
        ("1.0.0-rc.2", "1.0.0-rc.10"),
        ("1.0.0-1", "1.0.0-alpha"),
        ("1.0.0-alpha", "1.0.0-alpha.1"),
    ],
)
def test_versions_are_in_order(lower: str, higher: str) -> None:
    assert _order(lower) < _order(higher)


def test_what_follows_a_plus_does_not_count() -> None:
    assert _order("1.0.0+one") == _order("1.0.0+two-2")
