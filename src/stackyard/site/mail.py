"""The mail server out of one address."""

from urllib.parse import unquote, urlsplit

from stackyard.errors import Invalid
from stackyard.settings import Settings

MailServer = tuple[str, int, str, str, bool, bool]
"""Host, port, user, password, STARTTLS, TLS from the start: as Django's settings EMAIL_* want them."""


def mail_server(settings: Settings) -> MailServer:
    """What `STACKYARD_EMAIL_URL` says; Invalid when it says nothing usable. Unset: a server that is never asked."""
    if settings.email_url is None:
        return ("localhost", 25, "", "", False, False)
    try:
        url = urlsplit(settings.email_url.get_secret_value())
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme not in ("smtp", "smtps") or not url.hostname or url.query not in ("", "plain"):
        raise Invalid.field("STACKYARD_EMAIL_URL", "Must be like smtp://user:password@mail.example.com:587.")
    at_once = url.scheme == "smtps"
    usual = 465 if at_once else 587
    user, password = unquote(url.username or ""), unquote(url.password or "")
    return (url.hostname, port or usual, user, password, not at_once and url.query != "plain", at_once)
