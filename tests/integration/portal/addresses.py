"""Every address of the portal with something fit to be sent to it."""

from typing import Any

from django.urls import get_resolver, reverse
from tests.integration.portal.site import Site

SENT: dict[str, dict[str, str]] = {
    "account": {
        "old_password": "a-good-password",
        "new_password1": "long-enough-77",
        "new_password2": "long-enough-77",
    },
    "new-environment": {"product": "shop", "pattern": "ecs-service", "name": "two"},
    "new-environment-preview": {"product": "shop", "pattern": "ecs-service", "name": "two"},
    "change-environment": {"do": "plan", "settings.container.cpu": "512"},
    "change-environment-live": {"settings.container.cpu": "512"},
    "destroy-environment": {"confirm": "shop-dev"},
    "extend-environment": {"how": "days", "days": "7"},
    "new-product": {"department": "", "name": "loyalty", "title": "Loyalty"},
    "edit-product": {"title": "The shop"},
    "new-sandbox": {
        "department": "commerce",
        "name": "third",
        "account_id": "777788889999",
        "region": "eu-west-1",
        "role_arn": "arn:aws:iam::777788889999:role/stackyard",
        "zone_name": "third.example.com",
        "fqdn_rule": "<product>-<environment>.<zone>",
        "max_environments": "5",
        "max_parallel_runs": "2",
        "lifetime_days": "30",
        "max_lifetime_days": "90",
    },
    "edit-sandbox": {
        "role_arn": "arn:aws:iam::111122223333:role/other",
        "fqdn_rule": "<product>-<environment>.<zone>",
        "max_environments": "5",
        "max_parallel_runs": "2",
        "lifetime_days": "30",
        "max_lifetime_days": "90",
    },
    "bootstrap-sandbox": {"settings.logs.retention_days": "15"},
    "retire-sandbox": {"confirm": "commerce-dev"},
    "add-fqdn": {"fqdn": "shop.d1111.dev.example.com"},
    "new-address-pool": {"name": "more", "block": "10.30.0.0/16", "vpc_prefix": "20"},
    "edit-address-pool": {"name": "corp", "block": "10.20.0.0/15", "vpc_prefix": "22", "reserved": "10.21.0.0/16"},
    "note-address-block": {"purpose": "the office", "length": "24"},
    "new-department": {"name": "finance", "title": "Finance"},
    "edit-department": {"title": "Trade"},
    "new-person": {"username": "nora", "password1": "long-enough-77", "password2": "long-enough-77"},
    "edit-person": {"first_name": "Rika", "is_active": "on"},
    "person-password": {"new_password1": "long-enough-77", "new_password2": "long-enough-77"},
    "new-role": {"role": "viewer", "department": "other"},
    "tokens": {"name": "laptop"},
}


def names() -> list[str]:
    resolver = next(p for p in get_resolver().url_patterns if getattr(p, "app_name", "") == "portal")
    return [str(p.name) for p in resolver.url_patterns]


def address(name: str, site: Site) -> str:
    given: dict[str, dict[str, Any]] = {
        "pattern": {"name": "ecs-service"},
        "pattern-impact": {"name": "ecs-service"},
        "remove-role": {"user_id": site.role.user_id, "role_id": site.role.pk},
        "revoke-token": {"token_id": site.token.pk},
    }
    for place in ("environment", "destroy-environment", "change-environment", "change-environment-live"):
        given[place] = {"uid": site.environment.uid}
    for place in ("upgrade-environment", "upgrade-environment-live"):
        given[place] = {"uid": site.environment.uid}
    for place in ("environment-back", "extend-environment", "look-for-drift", "repair-drift", "accept-drift"):
        given[place] = {"uid": site.environment.uid}
    given["add-fqdn"] = given["remove-fqdn"] = given["prove-path"] = given["deploy-workflow"] = {
        "uid": site.environment.uid
    }
    given["dismiss-notice"] = {"notice_id": 0}
    for place in ("run", "cancel-run", "approve-run", "reject-run", "repeat-run", "run-log", "run-outlook"):
        given[place] = {"run_id": site.run.pk}
    for noun, row in (("product", "shop"), ("sandbox", "commerce-dev"), ("department", "commerce")):
        given[noun] = given[f"edit-{noun}"] = {"name": row}
    for place in ("bootstrap-sandbox", "check-sandbox", "retire-sandbox", "reinstate-sandbox"):
        given[place] = {"name": "commerce-dev"}
    given["sandbox-policies"] = given["destroy-baseline"] = given["apply-baseline"] = {"name": "commerce-dev"}
    for place in ("address-pool", "edit-address-pool", "delete-address-pool", "note-address-block"):
        given[place] = {"name": "corp"}
    given["release-address-block"] = {"name": "corp", "block_id": site.block.pk}
    for place in ("person", "edit-person", "person-password", "new-role"):
        given[place] = {"user_id": site.role.user_id}
    return reverse(f"portal:{name}", kwargs=given.get(name))


def sent(name: str, site: Site) -> dict[str, str]:
    data = dict(SENT.get(name, {}))
    if data.get("department") == "":
        data["department"] = str(site.org.commerce.pk)
    if data.get("department") == "other":
        data["department"] = str(site.org.mobility.pk)
    return data
