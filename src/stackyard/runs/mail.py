"""Notices by e-mail, when a mail server is set. A letter that cannot be sent is logged; the notice itself stays."""

from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db.models import Q

from stackyard.cmdb.models import Notice, Role
from stackyard.settings import Settings

logger = structlog.get_logger()


@dataclass(frozen=True)
class Letter:
    """One e-mail."""

    to: tuple[str, ...]
    subject: str
    text: str


def letter_of(notice: Notice) -> Letter:
    """What is written about a notice: to the owner, or to all platform staff. Reads the database."""
    environment = notice.environment
    if notice.for_platform:
        staff = User.objects.filter(Q(memberships__role=Role.PLATFORM) | Q(is_superuser=True), is_active=True)
        to = tuple(sorted(set(staff.exclude(email="").values_list("email", flat=True))))
    else:
        to = (environment.owner.email,) if environment.owner.email and environment.owner.is_active else ()
    return Letter(to, f"{environment.slug}: {notice.get_kind_display().lower()}", notice.message + "\n")


def send(letters: Iterable[Letter], settings: Settings) -> None:
    """Send them, if a mail server is set. Never raises: whoever calls has more important things to do."""
    if settings.email_url is None:
        return
    for letter in letters:
        try:
            if letter.to:
                send_mail(letter.subject, letter.text, settings.email_from, list(letter.to))
        except Exception as error:  # smtplib's, a socket's, or one of an address that is none
            logger.warning("a letter could not be sent", subject=letter.subject, error=str(error))
