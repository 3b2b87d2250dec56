"""Names become DNS labels and target-group names; what cannot be one is refused with the rule."""

import pytest

from stackyard.cmdb.models import Product, Sandbox
from stackyard.environments import naming

SHOP = Product(name="shop")


def test_slug_and_fqdn_follow_from_product_and_name() -> None:
    assert naming.slug(SHOP, "dev") == "shop-dev"
    assert (
        naming.fqdn(SHOP, "dev", Sandbox(zone_name="commerce.dev.example.com")) == "shop-dev.commerce.dev.example.com"
    )


@pytest.mark.parametrize("name", ["a", "dev", "feature-12", "a" * 27])
def test_labels_that_fit_are_accepted(name: str) -> None:
    assert naming.check_name(SHOP, name) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        "A",
        "a_b",
        "a.b",
        "1a",
        "a b",
        "ä",
        "a\n",
        "a\0",
        "\u202edev",
        '"; rm -rf /',
        "${path.module}",
        "x" * 64,
    ],
)
def test_what_is_not_a_label_is_refused_at_the_field(name: str) -> None:
    problems = naming.check_name(SHOP, name)
    assert [p.field for p in problems] == ["name"]


def test_too_long_for_a_target_group_says_how_much_room_there_is() -> None:
    (problem,) = naming.check_name(SHOP, "a" * 28)
    assert "at most 32" in problem.message
    assert "at most 27 characters for this product" in problem.message
