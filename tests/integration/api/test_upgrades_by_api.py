"""A pattern that is not published yet is sent as files: what is none is refused, and nothing is written elsewhere."""

import base64
from pathlib import Path

import pytest
from tests.factories import SHIPPED_PATTERNS, Organisation
from tests.integration.api.conftest import caller, fields

from stackyard.patterns.catalogue import code_files
from stackyard.settings import get_settings


def files(pattern: str) -> dict[str, str]:
    """A shipped pattern and all modules, as they are sent."""
    places = {"pattern": SHIPPED_PATTERNS / pattern, "modules": get_settings().modules}
    return {
        f"{place}/{file.relative_to(root).as_posix()}": base64.b64encode(file.read_bytes()).decode()
        for place, root in places.items()
        for file in code_files(root)
    }


def test_a_pattern_that_nobody_uses_breaks_nothing(org: Organisation) -> None:
    response = caller(org.platform).ask("POST", "/patterns/ecs-worker/impact", {"files": files("ecs-worker")})
    assert response.status_code == 200, response.content
    found = response.json()
    assert (found["pattern"]["name"], found["breaks"], found["items"]) == ("ecs-worker", 0, [])


@pytest.mark.parametrize(
    "name", ["pattern/../../out.tf", "/etc/out.tf", "pattern", "other/main.tf", "pattern/\0.tf", "pattern/" + "x" * 300]
)
def test_a_name_that_leads_elsewhere_is_refused(org: Organisation, name: str) -> None:
    body = {"files": {**files("ecs-worker"), name: ""}}
    assert fields(caller(org.platform).ask("POST", "/patterns/ecs-worker/impact", body)) == ["files"]
    assert not Path("/etc/out.tf").exists()


@pytest.mark.parametrize("pattern", ["modules", "Ecs", "-"])
def test_a_pattern_without_a_fit_name_is_refused(org: Organisation, pattern: str) -> None:
    response = caller(org.platform).ask("POST", f"/patterns/{pattern}/impact", {"files": files("ecs-worker")})
    assert fields(response) == ["pattern"]


def test_what_is_no_pattern_is_told(org: Organisation) -> None:
    content = base64.b64encode(b"name: [").decode()
    response = caller(org.platform).ask(
        "POST", "/patterns/ecs-worker/impact", {"files": {"pattern/pattern.yaml": content}}
    )
    assert response.status_code == 503
    assert "is not YAML" in response.json()["error"]["message"]
    bad = caller(org.platform).ask("POST", "/patterns/ecs-worker/impact", {"files": {"pattern/main.tf": "%"}})
    assert fields(bad) == ["files"]


def test_only_platform_staff_may_send_one(org: Organisation) -> None:
    for user in (org.viewer, org.requester):
        assert caller(user).ask("POST", "/patterns/ecs-worker/impact", {"files": {}}).status_code == 403
