"""Departments, products, sandboxes, people, patterns and tokens."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from tests.factories import make_user
from tests.integration.portal.addresses import sent
from tests.integration.portal.site import HTMX, Site

from stackyard.cmdb.models import ApiToken, Membership, Product, Role
from stackyard.patterns.catalogue import Catalogue
from stackyard.settings import get_settings


def test_changes_are_shown_with_who_and_what(site: Site) -> None:
    client = site.client("platform")
    client.post(reverse("portal:edit-product", args=["shop"]), {"title": "The <shop>"})
    page = site.client("viewer").get(reverse("portal:product", args=["shop"])).content.decode()
    assert "pat changed" in page
    assert "<del>Web shop</del> <ins>The &lt;shop&gt;</ins>" in page


def test_saving_without_a_change_is_no_change(site: Site) -> None:
    client = site.client("platform")
    for _ in range(3):
        client.post(reverse("portal:edit-product", args=["shop"]), {"title": "Web shop"})
    assert "changed" not in client.get(reverse("portal:product", args=["shop"])).content.decode()


def test_roles_given_and_taken_are_shown(site: Site) -> None:
    client = site.client("platform")
    person = site.org.viewer
    client.post(reverse("portal:remove-role", args=[person.pk, person.memberships.get().pk]))
    page = client.get(reverse("portal:person", args=[person.pk])).content.decode()
    assert "pat removed it" in page
    assert "Give a role" in page


@pytest.mark.parametrize(
    ("role", "department", "rule"),
    [
        ("platform", "commerce", "leave this empty"),
        ("viewer", "", "Choose the department"),
        ("viewer", "commerce", "a role here already"),
    ],
)
def test_roles_that_make_no_sense_are_refused_at_the_field(site: Site, role: str, department: str, rule: str) -> None:
    data = {"role": role, "department": str(site.org.commerce.pk) if department else ""}
    response = site.client("platform").post(reverse("portal:new-role", args=[site.org.requester.pk]), data)
    assert response.status_code == 422
    assert rule in response.content.decode()


def test_nobody_locks_themselves_out(site: Site) -> None:
    me = site.org.platform
    client = site.client("platform")
    taken = client.post(reverse("portal:remove-role", args=[me.pk, me.memberships.get().pk]))
    off = client.post(reverse("portal:edit-person", args=[me.pk]), {"first_name": "Pat"})
    assert (taken.status_code, off.status_code) == (409, 409)
    assert Membership.objects.filter(user=me).exists()


def test_names_that_others_rely_on_stay(site: Site) -> None:
    site.client("platform").post(
        reverse("portal:edit-product", args=["shop"]),
        {"title": "Shop", "name": "store", "department": site.org.mobility.pk},
    )
    product = Product.objects.get(pk=site.org.shop.pk)
    assert (product.name, product.department, product.title) == ("shop", site.org.commerce, "Shop")


def test_a_role_in_another_account_is_refused_at_its_field(site: Site) -> None:
    data = {**sent("new-sandbox", site), "role_arn": "arn:aws:iam::999999999999:role/x"}
    response = site.client("platform").post(reverse("portal:new-sandbox"), data)
    assert response.status_code == 422
    assert "This role is not in account 777788889999." in response.content.decode()


def test_lists_can_be_searched(site: Site) -> None:
    client = site.client("platform")
    for path, text, row in (
        ("/products/", "fleet", "Fleet manager"),
        ("/sandboxes/", "444455556666", "mobility-dev"),
        ("/departments/", "mobi", "Mobility"),
        ("/people/", "moritz", "moritz"),
    ):
        rows = client.get(path, {"q": text}, **HTMX).content.decode()
        assert row in rows
        assert len(re.findall("row-title", rows)) == 1
        assert "Nothing fits" in client.get(path, {"q": "nowhere"}, **HTMX).content.decode()


def test_empty_lists_say_what_to_do_next(db: None) -> None:
    client = Client()
    client.force_login(make_user("pat", None, Role.PLATFORM))
    for path, words in (
        ("/departments/", "Add the first one."),
        ("/products/", "Add the first one."),
        ("/sandboxes/", "Add the first one."),
        ("/environments/", "Add a department"),
        ("/environments/new/", "Add the first one."),
        ("/runs/", "No runs yet"),
    ):
        assert words in client.get(path).content.decode(), path


def test_a_token_is_shown_once_and_works_until_it_is_revoked(site: Site) -> None:
    client = site.client("requester")
    page = client.post(reverse("portal:tokens"), {"name": "laptop"}).content.decode()
    clear = re.search(r'id="new-token">(sy_[\w-]+)<', page)
    assert clear is not None
    token = ApiToken.objects.get(digest=ApiToken.hash(clear[1]))
    assert token.user == site.org.requester
    assert clear[1] not in client.get(reverse("portal:tokens")).content.decode()
    client.post(reverse("portal:revoke-token", args=[token.pk]))
    assert not ApiToken.objects.filter(pk=token.pk).exists()


def test_a_pattern_shows_its_readme_and_its_settings(site: Site) -> None:
    page = site.client("viewer").get(reverse("portal:pattern", args=["ecs-service"])).content.decode()
    assert "<h2>What you get</h2>" in page
    assert "container.cpu" in page
    assert "at least 1, at most 65535" in page


def test_broken_patterns_are_shown_to_platform_staff_only(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "pattern.yaml").write_text("name: broken\nversion: 1.0.0\ntitle: <b>\ndescription: x\nwrong: 1\n")
    broken = Catalogue(tmp_path, get_settings().modules)
    monkeypatch.setattr("stackyard.portal.views.patterns.catalogue", lambda: broken)

    assert "wrong" in site.client("platform").get("/patterns/").content.decode()
    assert "wrong" not in site.client("requester").get("/patterns/").content.decode()
    assert site.client("requester").get("/patterns/broken/").status_code == 404


@pytest.mark.parametrize("name", ["\u202eloyal", "Loyal!loyal", "9-loyal", "a b", "-a", "a-", "x" * 25])
def test_a_name_is_a_dns_label_from_its_first_character_on(site: Site, name: str) -> None:
    data = {"department": site.org.commerce.pk, "name": name, "title": "Loyalty"}
    assert site.client("platform").post(reverse("portal:new-product"), data).status_code == 422


def test_a_new_password_ends_the_tokens_too_and_a_superusers_is_not_staffs_to_set(site: Site) -> None:
    client, owner = site.client("platform"), site.org.requester
    ApiToken.issue(owner, "made by somebody else")
    wish = {"new_password1": "long-enough-77", "new_password2": "long-enough-77"}
    assert client.post(reverse("portal:person-password", args=[owner.pk]), wish).status_code == 302
    assert not ApiToken.objects.filter(user=owner).exists()

    root = User.objects.create_superuser("root", password="not-theirs-to-know")
    assert client.post(reverse("portal:person-password", args=[root.pk]), wish).status_code == 403
    root.refresh_from_db()
    assert root.check_password("not-theirs-to-know")
