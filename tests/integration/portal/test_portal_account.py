"""A person's own account: a new password."""

from django.test import Client
from tests.integration.portal.site import Site

ACCOUNT = "/account/"
NEW = "long-enough-77"


def send(site: Site, old: str = "a-good-password", new: str = NEW, again: str = NEW) -> tuple[int, str]:
    data = {"old_password": old, "new_password1": new, "new_password2": again}
    response = site.client("viewer").post(ACCOUNT, data)
    return response.status_code, response.content.decode()


def test_a_new_password_counts_at_once_and_this_session_goes_on(site: Site) -> None:
    elsewhere = Client()
    elsewhere.force_login(site.org.viewer)
    assert send(site)[0] == 302
    page = site.client("viewer").get(ACCOUNT)
    assert page.status_code == 200
    assert "Your password is changed" in page.content.decode()
    assert elsewhere.get(ACCOUNT).status_code == 302, "signed out everywhere else"
    assert Client().login(username="vera", password=NEW)
    assert not Client().login(username="vera", password="a-good-password")


def test_without_the_old_one_or_with_a_weak_one_nothing_is_changed(site: Site) -> None:
    for data, told in (
        ({"old": "wrong"}, "old password was entered incorrectly"),
        ({"again": "something-else-77"}, "match."),
        ({"new": "short", "again": "short"}, "too short"),
    ):
        status, page = send(site, **data)
        assert status == 422
        assert told in page
        assert NEW not in page, "what was typed is not shown again"
    site.org.viewer.refresh_from_db()
    assert site.org.viewer.check_password("a-good-password")


def test_who_signs_in_elsewhere_has_no_password_here(site: Site) -> None:
    site.org.viewer.set_unusable_password()
    site.org.viewer.save()
    client = Client()
    client.force_login(site.org.viewer)
    assert "You sign in elsewhere" in client.get(ACCOUNT).content.decode()
    client.post(ACCOUNT, {"old_password": "", "new_password1": NEW, "new_password2": NEW})
    site.org.viewer.refresh_from_db()
    assert not site.org.viewer.has_usable_password()
