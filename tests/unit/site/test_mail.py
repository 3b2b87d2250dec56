"""The mail server is one address; what is not one is refused when a process starts."""

import pytest
from pydantic import SecretStr

from stackyard.errors import Invalid
from stackyard.settings import Settings
from stackyard.site.mail import mail_server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 587, "", "", True, False)),
        ("smtp://me:p%40ss@mail.example.com:2525", ("mail.example.com", 2525, "me", "p@ss", True, False)),
        ("smtp://localhost:25?plain", ("localhost", 25, "", "", False, False)),
        ("smtps://mail.example.com", ("mail.example.com", 465, "", "", False, True)),
    ],
)
def test_what_an_address_means(url: str, server: tuple[object, ...]) -> None:
    assert mail_server(Settings(email_url=SecretStr(url))) == server


@pytest.mark.parametrize(
    "url", ["", "mail.example.com", "http://a", "smtp://", "smtp://a:no", "smtp://a?tls", "smtp://[a"]
)
def test_what_is_no_address_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        mail_server(Settings(email_url=SecretStr(url)))
    assert [p.field for p in refused.value.problems] == ["STACKYARD_EMAIL_URL"]


def test_unset_is_no_error() -> None:
    assert mail_server(Settings())[0] == "localhost"
