"""Names become DNS labels and target-group names; what cannot be one is refused with the rule."""

import pytest
from django.core.exceptions import ValidationError

from stackyard.cmdb.models import Department, Product, Sandbox
from stackyard.cmdb.naming import name_problem, rule_problem
from stackyard.environments import naming

SHOP = Product(name="shop", department=Department(name="commerce"))


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


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("<product>-<environment>.<zone>", "shop-dev.d1.example.com"),
        ("<environment>.<zone>", "dev.d1.example.com"),
        ("<department>-<product>-<environment>.<zone>", "commerce-shop-dev.d1.example.com"),
        ("x9<environment>-<product>.<zone>", "x9dev-shop.d1.example.com"),
        ("<environment>.<product>.<zone>", "dev.shop.d1.example.com"),
    ],
)
def test_a_sandbox_has_a_rule_of_its_own(rule: str, name: str) -> None:
    assert rule_problem(rule, deep=True) == ""
    assert naming.fqdn(SHOP, "dev", Sandbox(zone_name="d1.example.com", fqdn_rule=rule)) == name


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("<product>-<environment>.example.org", "Must end in .<zone>"),
        ("<product>-<environment><zone>", "Must end in .<zone>"),
        ("", "Must end in .<zone>"),
        ("<environment>.<zone>.<zone>", "once"),
        ("<product>.<zone>", "Must hold <environment>"),
        ("<team>-<environment>.<zone>", "There is no <team>"),
        ("<Environment>.<zone>", "There is no <Environment>"),
        ("-<environment>.<zone>", "no part of a host name"),
        ("<environment>-.<zone>", "no part of a host name"),
        ("A<environment>.<zone>", "no part of a host name"),
        ("<environment>..<zone>", "no part of a host name"),
        ("*.<environment>.<zone>", "no part of a host name"),
        ("<environment>\n.<zone>", "no part of a host name"),
        ("<environment>.<product>.<zone>", "covers one label"),
        ("<environment", "Must end in .<zone>"),
    ],
)
def test_a_rule_that_makes_no_host_names_is_refused(rule: str, reason: str) -> None:
    assert reason in rule_problem(rule, deep=False)


@pytest.mark.parametrize(
    ("rule", "deep", "refused"),
    [
        ("<environment>.<product>.<zone>", False, ["fqdn_rule"]),
        ("<environment>.<product>.<zone>", True, []),
        ("<environment>.elsewhere", True, ["fqdn_rule"]),
    ],
)
def test_the_rule_is_checked_when_a_sandbox_is_saved(rule: str, deep: bool, refused: list[str]) -> None:
    sandbox = Sandbox(fqdn_rule=rule, deep_names=deep)
    found: list[str] = []
    try:
        sandbox.clean()
    except ValidationError as error:
        found = list(error.message_dict)
    assert found == refused


@pytest.mark.parametrize("name", ["a" * 64 + ".example.com", "a." * 130 + "com", "a..b", "-a.b", "ä.b", "a_b.c"])
def test_what_dns_does_not_take_is_no_name(name: str) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("name", ["a" * 63 + ".example.com", "a." * 125 + "com", "1.2.b", "a--b.c"])
def test_what_dns_takes_is_a_name(name: str) -> None:
    assert name_problem(name) == ""
