"""What every page needs: the ways to other pages, as far as this person may go."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from stackyard.cmdb import rights
from stackyard.environments.notices import open_notices


@dataclass(frozen=True)
class Entry:
    """One line of the navigation."""

    title: str
    icon: str
    url: str
    active: bool


PLACES = (
    ("Environments", "stack", "environments", False),
    ("Runs", "activity", "runs", False),
    ("Patterns", "template", "patterns", False),
    ("Products", "package", "products", False),
    ("Sandboxes", "cloud", "sandboxes", False),
    ("Addresses", "network", "addresses", False),
    ("Departments", "building", "departments", False),
    ("People", "users", "people", True),
)
"""Title, icon, name of the list page, only for platform staff."""


MOST_COUNTED = 99


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Entries for the side bar, how many notices wait, and two answers that many templates ask for. Nothing for those
    not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    platform = rights.is_platform(user)
    entries = []
    for title, icon, name, platform_only in PLACES:
        if platform or not platform_only:
            url = reverse(f"portal:{name}")
            entries.append(Entry(title, icon, url, request.path.startswith(url)))
    return {
        "navigation": entries,
        "is_platform": platform,
        "may_request": rights.may_request(user),
        # Asked only by whole pages, not by their parts.
        "notices_waiting": lambda: len(open_notices(user).values_list("pk", flat=True)[:MOST_COUNTED]),
    }
