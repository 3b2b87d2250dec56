"""GitHub's webhooks. A delivery is checked and noted; whoever has the time looks at the issue that it names."""

import hashlib
import hmac
import json
import re
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from stackyard.cmdb.models import GithubDelivery
from stackyard.github.edits import digest_of
from stackyard.github.pulls import is_kept, note_delivery
from stackyard.github.repositories import repositories
from stackyard.settings import get_settings

LARGEST_BYTES = 1024 * 1024
"""GitHub's largest issue with its comment is about half of this."""

HEARD = {("issues", "opened"), ("issue_comment", "created")}
OURS = "<!-- stackyard:"
_GUID = re.compile(r"[A-Za-z0-9-]{1,80}")


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """202 noted, or nothing to do; 200 known already; 401 not signed with our secret; 400 not understood; 413 too long;
    404 without a secret, because then none are taken."""
    secret = get_settings().github_webhook_secret
    if secret is None or not secret.get_secret_value():
        return _said(404, "no webhooks are taken here")
    if not request.headers.get("Content-Length", "").isdecimal():
        return _said(400, "its length is not given")
    if int(request.headers["Content-Length"]) > LARGEST_BYTES:
        return _said(413, "too long")
    body = request.body
    if not is_signed(body, request.headers.get("X-Hub-Signature-256", ""), secret.get_secret_value()):
        return _said(401, "the signature does not fit")
    guid = request.headers.get("X-GitHub-Delivery", "")
    if not _GUID.fullmatch(guid):
        return _said(400, "X-GitHub-Delivery is missing or odd")
    event = request.headers.get("X-GitHub-Event", "")
    if event == "ping":
        return _said(200, "pong")
    try:
        payload = json.loads(body)
        if event == "pull_request":
            return _pull_request(payload)
        heard = _heard(event, payload)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _said(400, "not a delivery of this event")
    if heard is None:
        return _said(202, "nothing to do")
    try:
        with transaction.atomic():
            GithubDelivery.objects.create(guid=guid, **heard)
    except IntegrityError:
        return _said(200, "known already")
    return _said(202, "noted")


def _pull_request(payload: Any) -> HttpResponse:
    """Something happened to a pull request: the one that it names is looked at, so it may come twice or late."""
    number, repository = _number(payload["pull_request"]), payload["repository"]["full_name"].lower()
    if repository != get_settings().record_pull_requests.lower():
        return _said(202, "nothing to do")
    note_delivery(number)
    return _said(202, "noted")


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` (`sha256=<hex>`) is the body's HMAC; takes as long for a wrong one as for a right one."""
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), signature.encode(errors="replace"))


def _heard(event: str, payload: Any) -> dict[str, Any] | None:
    """The row to be kept: what to look at and what of it is signed. None when there is nothing to do. Raises what a
    payload of another shape raises."""
    action = payload["action"]
    if (event, action) not in HEARD:
        return None
    issue, repository, settings = payload["issue"], payload["repository"]["full_name"].lower(), get_settings()
    number, form = _number(issue), _words(issue)
    if event == "issue_comment" and repository == settings.record_pull_requests.lower() and is_kept(number):
        event = GithubDelivery.PULL_COMMENT
    elif "pull_request" in issue or repository not in repositories(settings):
        return None
    text, subject, then = form, f"issue:{number}", ""
    if event != "issues":
        text, subject, then = _words(payload["comment"]), f"comment:{_id(payload['comment'])}", digest_of(form)
    if text.lstrip().startswith(OURS):
        return None  # written by ourselves; a person who writes so is heard when GitHub is polled
    said = {"subject": subject, "text": digest_of(text), "form": then}
    return {"event": event, "repository": repository, "number": number, **said}


def _words(thing: Any) -> str:
    body = thing.get("body") or ""
    if not isinstance(body, str):
        raise TypeError("body")
    return body


def _id(thing: Any) -> int:
    number = thing["id"]
    if type(number) is not int or not 0 < number < 2**63:
        raise ValueError("id")
    return number


def _number(thing: Any) -> int:
    number = thing["number"]
    if type(number) is not int or not 0 < number < 2**31:
        raise ValueError("number")
    return number


def _said(status: int, what: str) -> HttpResponse:
    return JsonResponse({"detail": what}, status=status)
