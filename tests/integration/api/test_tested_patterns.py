"""A pattern that passed its test as a whole is shown as tested, for exactly the content that was tested."""

from typing import Any

import pytest
from tests.factories import Organisation
from tests.integration.api.conftest import caller

from stackyard.patterns.catalogue import Catalogue


def report(**more: Any) -> dict[str, Any]:
    pattern = Catalogue.from_settings().get("ecs-worker")
    return {
        "pattern": pattern.name,
        "version": pattern.version,
        "digest": pattern.digest,
        "passed": True,
        "variants": [{"name": "defaults"}],
        **more,
    }


@pytest.mark.parametrize("who", ["viewer", "requester"])
def test_only_platform_staff_marks(org: Organisation, who: str) -> None:
    answer = caller(getattr(org, who)).ask("POST", "/patterns/ecs-worker/tested", report())
    assert answer.status_code == 403


def test_marked_shown_and_taken_away_again(org: Organisation) -> None:
    platform, viewer = caller(org.platform), caller(org.viewer)
    assert platform.ask("POST", "/patterns/ecs-worker/tested", report()).json()["tested_at"]
    listed = {p["name"]: p["tested_at"] for p in viewer.ask("GET", "/patterns").json()["items"]}
    assert listed["ecs-worker"]
    assert listed["ecs-service"] is None

    assert platform.ask("POST", "/patterns/ecs-worker/tested", report(passed=False)).json()["tested_at"] is None


@pytest.mark.parametrize(("more", "status"), [({"digest": "0" * 64}, 409), ({"pattern": "ecs-service"}, 422)])
def test_another_content_or_pattern_is_refused(org: Organisation, more: dict[str, Any], status: int) -> None:
    answer = caller(org.platform).ask("POST", "/patterns/ecs-worker/tested", report(**more))
    assert answer.status_code == status, answer.content
