"""`stackyard env extend`, `env drift`, and what `create` and `list` know of expiry, as a script uses them."""

import datetime as dt
import json
import re

import pytest
from django.utils import timezone
from tests.integration.api.test_command_line import Stackyard, create, end, end_soon, org, server, stackyard
from tests.integration.api.test_lifetimes_by_api import DIFFERS

from stackyard.cmdb.models import Environment, Run

__all__ = ["org", "server", "stackyard"]


def in_days(days: int) -> str:
    return (timezone.now() + dt.timedelta(days=days)).strftime("%Y-%m-%d")


@pytest.fixture
def standing(stackyard: Stackyard) -> Environment:
    assert create(stackyard).exit_code == 0
    end(Run.objects.get(), "succeeded", "ready")
    Environment.objects.update(resources=[{"address": "a"}])
    return Environment.objects.get()


def test_created_with_an_expiry_and_extended(stackyard: Stackyard) -> None:
    assert create(stackyard, "dev", "--expires", "14").exit_code == 0
    assert in_days(14) in stackyard("env", "list").stdout
    assert stackyard("env", "list", "--expiring").stdout == ""

    extended = stackyard("env", "extend", "shop-dev", "--days", "7")
    assert extended.exit_code == 0
    assert extended.stdout.startswith(f"shop-dev expires {in_days(21)} ")
    assert in_days(40) in stackyard("env", "extend", "shop-dev", "--until", in_days(40)).stdout
    assert re.search(rf"Expires +{in_days(40)}", stackyard("env", "show", "shop-dev").stdout)

    Environment.objects.update(expires_at=timezone.now() + dt.timedelta(days=1))
    assert stackyard("env", "list", "--expiring").stdout.startswith("shop-dev\t")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 2, "--days: Say one of"),
        (("--days", "3", "--never"), 2, "--days: Say one of"),
        (("--days", "300"), 2, "days: In commerce-dev at most 90 days from now"),
        (("--until", "soon"), 2, "until: 'soon' is neither"),
        (("--never",), 4, "Only platform staff may keep an environment for ever"),
    ],
)
def test_what_is_refused_says_why(stackyard: Stackyard, arguments: tuple[str, ...], code: int, text: str) -> None:
    create(stackyard)
    refused = stackyard("env", "extend", "shop-dev", *arguments)
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert text in refused.stderr


@pytest.mark.usefixtures("standing")
def test_drift_exits_by_what_it_found(stackyard: Stackyard) -> None:
    worker = end_soon("succeeded", "ready")
    clean = stackyard("env", "drift", "shop-dev")
    worker.join()
    assert (clean.exit_code, clean.stdout) == (0, "shop-dev: AWS has what was applied.\n")

    Environment.objects.update(drift=DIFFERS)
    worker = end_soon("succeeded", "ready")
    found = stackyard("env", "drift", "shop-dev")
    worker.join()
    assert (found.exit_code, found.stdout) == (1, "aws_sqs_queue.a\ttags.a\t1\t(none)\n")
    worker = end_soon("succeeded", "ready")
    as_json = stackyard("env", "drift", "shop-dev", "--json")
    worker.join()
    assert (as_json.exit_code, json.loads(as_json.stdout)["resources"]) == (1, DIFFERS["resources"])

    worker = end_soon("failed", "ready", error="AWS said no.", hint="Ask it again.")
    failed = stackyard("env", "drift", "shop-dev")
    worker.join()
    assert (failed.exit_code, failed.stdout) == (6, "")
    assert "could not be compared. AWS said no.\n  Ask it again." in failed.stderr


@pytest.mark.usefixtures("standing")
def test_repair_and_accept_are_asked_for_what_was_found(stackyard: Stackyard) -> None:
    refused = stackyard("env", "drift", "shop-dev", "--accept")
    assert (refused.exit_code, "Look for drift first" in refused.stderr) == (5, True)
    Environment.objects.update(drift=DIFFERS)
    assert stackyard("env", "drift", "shop-dev", "--repair", "--accept").exit_code == 2
    assert stackyard("env", "drift", "shop-dev", "--accept").exit_code == 0
    asked = Run.objects.latest("id")
    assert (asked.kind, bool(asked.request["accept"])) == ("drift", True)
    Run.objects.update(status="succeeded")
    assert stackyard("env", "drift", "shop-dev", "--repair").exit_code == 0
    assert Run.objects.latest("id").kind == "change"
