"""Who may open and send what: one table for every address of the portal, so that none can be forgotten."""

import pytest
from django.test import Client
from django.urls import reverse
from tests.integration.portal.addresses import address, names, sent
from tests.integration.portal.site import Site

from stackyard.settings import get_settings

PEOPLE = ("viewer", "stranger", "requester", "platform")
"""A viewer and a requester of the environment's department, a requester of another one, platform staff."""

ALL = (200, 200, 200, 200)
OWN = (200, 404, 200, 200)
STAFF = (403, 403, 403, 200)
POST_ONLY = (405, 405, 405, 405)

GET: dict[str, tuple[int, int, int, int]] = {
    "home": (302, 302, 302, 302),
    "login": (302, 302, 302, 302),
    "logout": POST_ONLY,
    "account": ALL,
    "environments": ALL,
    "new-environment": (403, 200, 200, 200),
    "new-environment-live": (403, 200, 200, 200),
    "new-environment-settings": (403, 200, 200, 200),
    "new-environment-preview": POST_ONLY,
    "environment": OWN,
    "change-environment": (403, 404, 200, 200),
    "change-environment-live": POST_ONLY,
    "upgrade-environment": (403, 404, 409, 409),
    "upgrade-environment-live": POST_ONLY,
    "environment-back": POST_ONLY,
    "extend-environment": (403, 404, 200, 200),
    "look-for-drift": POST_ONLY,
    "repair-drift": POST_ONLY,
    "accept-drift": POST_ONLY,
    "notices": ALL,
    "dismiss-notice": POST_ONLY,
    "prove-path": POST_ONLY,
    "deploy-workflow": (409, 404, 409, 409),
    "destroy-environment": (403, 404, 200, 200),
    "add-fqdn": POST_ONLY,
    "remove-fqdn": POST_ONLY,
    "runs": ALL,
    "run": OWN,
    "cancel-run": (403, 404, 200, 200),
    "approve-run": POST_ONLY,
    "reject-run": POST_ONLY,
    "repeat-run": POST_ONLY,
    "run-log": OWN,
    "run-outlook": OWN,
    "patterns": ALL,
    "pattern": ALL,
    "pattern-impact": ALL,
    "products": ALL,
    "new-product": STAFF,
    "product": OWN,
    "edit-product": (403, 404, 403, 200),
    "sandboxes": ALL,
    "new-sandbox": STAFF,
    "sandbox": OWN,
    "edit-sandbox": (403, 404, 403, 200),
    "sandbox-policies": (403, 404, 403, 200),
    "check-sandbox": POST_ONLY,
    "bootstrap-sandbox": (403, 404, 403, 200),
    "destroy-baseline": (403, 404, 403, 409),
    "apply-baseline": POST_ONLY,
    "retire-sandbox": (403, 404, 403, 200),
    "reinstate-sandbox": POST_ONLY,
    "addresses": ALL,
    "address-csv": ALL,
    "new-address-pool": STAFF,
    "address-pool": OWN,
    "edit-address-pool": (403, 404, 403, 200),
    "delete-address-pool": POST_ONLY,
    "note-address-block": (403, 404, 403, 200),
    "release-address-block": POST_ONLY,
    "departments": ALL,
    "new-department": STAFF,
    "department": OWN,
    "edit-department": (403, 404, 403, 200),
    "people": STAFF,
    "new-person": STAFF,
    "person": STAFF,
    "edit-person": STAFF,
    "person-password": STAFF,
    "new-role": STAFF,
    "remove-role": POST_ONLY,
    "tokens": ALL,
    "revoke-token": POST_ONLY,
}

POST: dict[str, tuple[int, int, int, int]] = {
    "logout": (302, 302, 302, 302),
    "account": (302, 302, 302, 302),
    "new-environment": (403, 422, 302, 302),
    "new-environment-preview": (403, 200, 200, 200),
    "destroy-environment": (403, 404, 302, 302),
    "extend-environment": (403, 404, 302, 302),
    "prove-path": (403, 404, 302, 302),
    "add-fqdn": (403, 404, 302, 302),
    "remove-fqdn": (403, 404, 302, 302),
    "look-for-drift": (403, 404, 302, 302),
    "repair-drift": (403, 404, 302, 302),
    "accept-drift": (403, 404, 409, 409),
    "dismiss-notice": (404, 404, 404, 404),
    "change-environment": (403, 404, 302, 302),
    "change-environment-live": (403, 404, 200, 200),
    "upgrade-environment": (403, 404, 409, 409),
    "upgrade-environment-live": (403, 404, 409, 409),
    "environment-back": (403, 404, 409, 409),
    "cancel-run": (403, 404, 409, 409),
    "approve-run": (403, 404, 409, 409),
    "reject-run": (403, 404, 409, 409),
    "repeat-run": (403, 404, 409, 409),
    "new-product": (403, 403, 403, 302),
    "edit-product": (403, 404, 403, 302),
    "new-sandbox": (403, 403, 403, 302),
    "edit-sandbox": (403, 404, 403, 302),
    "check-sandbox": (403, 404, 403, 200),
    "bootstrap-sandbox": (403, 404, 403, 409),
    "destroy-baseline": (403, 404, 403, 409),
    "apply-baseline": (403, 404, 403, 409),
    "retire-sandbox": (403, 404, 403, 409),
    "reinstate-sandbox": (403, 404, 403, 409),
    "new-address-pool": (403, 403, 403, 302),
    "edit-address-pool": (403, 404, 403, 302),
    "delete-address-pool": (403, 404, 403, 409),
    "note-address-block": (403, 404, 403, 302),
    "release-address-block": (403, 404, 403, 409),
    "new-department": (403, 403, 403, 302),
    "edit-department": (403, 404, 403, 302),
    "new-person": (403, 403, 403, 302),
    "edit-person": (403, 403, 403, 302),
    "person-password": (403, 403, 403, 302),
    "new-role": (403, 403, 403, 302),
    "remove-role": (403, 403, 403, 302),
    "tokens": (200, 200, 200, 200),
    "revoke-token": (404, 404, 302, 404),
}
"""The run has ended already, and its code is what is applied, of the newest version, hence 409; so is a sandbox in
which an environment lives, which has no baseline and is not retired. 15 days are not among the choices, hence 422. A
token can be revoked by its owner only."""


@pytest.fixture
def site(recorded: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """With the code of its environment, which some pages read, and with an AWS that answers nothing but good."""
    monkeypatch.setattr("stackyard.environments.proof.prove_path", lambda *_, **__: [])
    monkeypatch.setattr("stackyard.environments.sandboxes.check_sandbox", lambda *_, **__: [])
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:9")
    return recorded


def test_every_address_is_in_the_table() -> None:
    assert set(names()) == set(GET)


def test_who_may_open_what(site: Site) -> None:
    seen = {name: tuple(site.client(who).get(address(name, site)).status_code for who in PEOPLE) for name in GET}
    assert seen == GET


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("name", POST)
def test_who_may_send_what(site: Site, name: str, who: str) -> None:
    response = site.client(who).post(address(name, site), sent(name, site))
    assert response.status_code == POST[name][PEOPLE.index(who)], response.content.decode()[-2000:]


def test_strangers_to_the_house_see_the_sign_in_and_nothing_else(site: Site) -> None:
    client = site.client("anonymous")
    for name in GET:
        for response in (client.get(address(name, site)), client.post(address(name, site), sent(name, site))):
            if name == "login":
                assert response.status_code == 200
            elif name == "logout":
                assert response.status_code in (302, 405)
            else:
                assert response.status_code == 302
                assert response["Location"].startswith("/login/?next=")


def test_what_is_refused_changes_nothing(site: Site) -> None:
    client = site.client("viewer")
    for name in POST:
        if name not in ("logout", "tokens", "account"):
            client.post(address(name, site), sent(name, site))
    site.environment.refresh_from_db()
    site.role.refresh_from_db()
    assert site.environment.status == "ready"
    assert site.org.shop.environments.count() == 1
    assert site.org.shop.history.count() == 1


def test_nothing_is_accepted_without_the_csrf_token(site: Site) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(site.org.platform)
    for name in (*POST, "login"):
        response = client.post(address(name, site), sent(name, site))
        assert response.status_code == 403, name
        assert "Please try again" in response.content.decode(), name


def test_other_methods_are_refused_not_answered(site: Site) -> None:
    client = site.client("platform")
    for name in GET:
        assert client.delete(address(name, site)).status_code in (302, 405), name


def test_a_person_who_was_switched_off_is_out_at_once(site: Site) -> None:
    client = site.client("requester")
    assert client.get(reverse("portal:environments")).status_code == 200
    site.org.requester.is_active = False
    site.org.requester.save()
    assert client.get(reverse("portal:environments")).status_code == 302


def test_somebody_without_any_role_sees_that_there_is_nothing(site: Site) -> None:
    site.role.delete()
    client = site.client("requester")
    assert "There is no product that you can see" in client.get(reverse("portal:environments")).content.decode()
    assert client.get(address("environment", site)).status_code == 404
