"""Who gets what from every operation of the API. A new operation without a line here fails the first test."""

from pathlib import Path
from typing import Any

import pytest
from tests.factories import Organisation
from tests.integration.api.conftest import Caller, caller, wish

from stackyard.api.routes import api
from stackyard.cmdb.models import AddressBlock, AddressPool, Environment
from stackyard.settings import get_settings

PEOPLE = ("anonymous", "viewer", "stranger", "requester", "platform")

# Operation -> answers for anonymous, viewer, requester of another department, requester, platform staff.
EXPECTED: dict[tuple[str, str], tuple[int, int, int, int, int]] = {
    ("GET", "/health"): (200, 200, 200, 200, 200),
    ("GET", "/me"): (401, 200, 200, 200, 200),
    ("GET", "/environments"): (401, 200, 200, 200, 200),
    ("POST", "/environments"): (401, 403, 422, 202, 202),
    ("GET", "/environments/{environment}"): (401, 200, 404, 200, 200),
    ("DELETE", "/environments/{environment}"): (401, 403, 404, 202, 202),
    ("POST", "/environments/{environment}/extend"): (401, 403, 404, 200, 200),
    ("GET", "/environments/{environment}/drift"): (401, 200, 404, 200, 200),
    ("POST", "/environments/{environment}/drift"): (401, 403, 404, 202, 202),
    ("POST", "/environments/{environment}/drift/repair"): (401, 403, 404, 202, 202),
    ("POST", "/environments/{environment}/drift/accept"): (401, 403, 404, 202, 202),
    ("GET", "/environments/{environment}/settings"): (401, 404, 404, 404, 404),  # nothing is recorded yet
    ("POST", "/environments/{environment}/preview"): (401, 422, 422, 422, 422),  # asked without a body
    ("POST", "/environments/{environment}/change"): (401, 422, 422, 422, 422),
    ("GET", "/environments/{environment}/upgrade"): (401, 403, 404, 404, 404),
    ("GET", "/environments/{environment}/upgrade/settings"): (401, 200, 404, 200, 200),
    ("POST", "/environments/{environment}/upgrade/preview"): (401, 422, 422, 422, 422),
    ("POST", "/environments/{environment}/upgrade"): (401, 422, 422, 422, 422),
    ("POST", "/environments/{environment}/retry"): (401, 403, 404, 409, 409),
    ("POST", "/environments/{environment}/back"): (401, 403, 404, 409, 409),
    ("POST", "/runs/{run_id}/approve"): (401, 422, 422, 422, 422),
    ("POST", "/runs/{run_id}/reject"): (401, 403, 404, 409, 409),
    ("POST", "/environments/{environment}/verify"): (401, 403, 404, 409, 409),  # nothing has been built yet
    ("GET", "/environments/{environment}/workflow"): (401, 409, 404, 409, 409),
    ("GET", "/environments/{environment}/logs"): (401, 200, 404, 200, 200),
    ("GET", "/environments/{environment}/fqdns"): (401, 200, 404, 200, 200),
    ("POST", "/environments/{environment}/fqdns"): (401, 403, 404, 409, 409),  # it is being created
    ("DELETE", "/environments/{environment}/fqdns/{fqdn}"): (401, 403, 404, 404, 404),
    ("GET", "/runs"): (401, 200, 200, 200, 200),
    ("GET", "/runs/{run_id}"): (401, 200, 404, 200, 200),
    ("GET", "/runs/{run_id}/events"): (401, 200, 404, 200, 200),
    ("POST", "/runs/{run_id}/cancel"): (401, 403, 404, 202, 202),
    ("GET", "/patterns"): (401, 200, 200, 200, 200),
    ("GET", "/patterns/{pattern}"): (401, 200, 200, 200, 200),
    ("GET", "/patterns/{pattern}/schema"): (401, 200, 200, 200, 200),
    ("GET", "/patterns/{pattern}/impact"): (401, 200, 200, 200, 200),
    ("POST", "/patterns/{pattern}/impact"): (401, 422, 422, 422, 422),
    ("POST", "/patterns/{pattern}/tested"): (401, 422, 422, 422, 422),  # asked without a body
    ("GET", "/products"): (401, 200, 200, 200, 200),
    ("GET", "/products/{product}"): (401, 200, 404, 200, 200),
    ("GET", "/sandboxes"): (401, 200, 200, 200, 200),
    ("GET", "/sandboxes/{sandbox}"): (401, 200, 404, 200, 200),
    ("POST", "/sandboxes"): (401, 403, 403, 403, 201),
    ("PATCH", "/sandboxes/{sandbox}"): (401, 403, 404, 403, 200),
    ("GET", "/sandboxes/{sandbox}/policies"): (401, 403, 404, 403, 200),
    ("POST", "/sandboxes/{sandbox}/check"): (401, 403, 404, 403, 200),
    ("GET", "/sandboxes/{sandbox}/baseline"): (401, 200, 404, 200, 200),
    ("POST", "/sandboxes/{sandbox}/bootstrap"): (401, 403, 404, 403, 409),  # its components stand already
    ("DELETE", "/sandboxes/{sandbox}/baseline"): (401, 403, 404, 403, 409),  # it has none
    ("POST", "/sandboxes/{sandbox}/retire"): (401, 403, 404, 403, 409),  # an environment lives in it
    ("POST", "/sandboxes/{sandbox}/reinstate"): (401, 403, 404, 403, 409),  # it is not retired
    ("GET", "/address-pools"): (401, 200, 200, 200, 200),
    ("POST", "/address-pools"): (401, 403, 403, 403, 201),
    ("GET", "/address-pools/{pool}"): (401, 200, 404, 200, 200),
    ("PUT", "/address-pools/{pool}"): (401, 403, 404, 403, 200),
    ("DELETE", "/address-pools/{pool}"): (401, 403, 404, 403, 409),
    ("POST", "/address-pools/{pool}/blocks"): (401, 403, 404, 403, 201),
    ("GET", "/address-blocks"): (401, 200, 200, 200, 200),
    ("GET", "/address-blocks.csv"): (401, 200, 200, 200, 200),
    ("DELETE", "/address-blocks/{block_id}"): (401, 403, 404, 403, 409),
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/environments"): wish(name="another"),
    ("POST", "/environments/{environment}/extend"): {"days": 7},
    ("POST", "/environments/{environment}/fqdns"): {"fqdn": "shop.d1111.dev.example.com"},
    ("POST", "/sandboxes"): {
        **{"name": "third", "department": "commerce", "account_id": "777788889999", "region": "eu-west-1"},
        **{"role_arn": "arn:aws:iam::777788889999:role/stackyard", "zone_name": "third.example.com"},
    },
    ("PATCH", "/sandboxes/{sandbox}"): {"max_environments": 9},
    ("POST", "/sandboxes/{sandbox}/bootstrap"): {"settings": {}},
    ("POST", "/address-pools"): {"name": "more", "block": "10.30.0.0/16"},
    ("PUT", "/address-pools/{pool}"): {"name": "corp", "block": "10.20.0.0/15"},
    ("POST", "/address-pools/{pool}/blocks"): {"purpose": "the office", "prefix": 24},
    ("POST", "/environments/{environment}/drift/accept"): {},
}
CODES = {401: "unauthorised", 403: "forbidden", 404: "not_found", 409: "conflict", 422: "invalid"}


def operations() -> set[tuple[str, str]]:
    paths = api.get_openapi_schema()["paths"]
    return {(method.upper(), path.removeprefix("/api")) for path, item in paths.items() for method in item}


def person(org: Organisation, name: str) -> Caller:
    return caller({"anonymous": None, **org.__dict__}[name])


def _block(org: Organisation, environment: Environment) -> AddressBlock:
    """A block of the environment, in a pool of its sandbox."""
    org.sandbox.pool = AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    org.sandbox.save()
    return AddressBlock.objects.create(
        pool=org.sandbox.pool, block="10.20.0.0/26", environment=environment, purpose="subnets"
    )


def test_the_table_covers_every_operation() -> None:
    assert set(EXPECTED) == operations()


@pytest.fixture(autouse=True)
def empty_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one in which journeys have left environments of the same name."""
    monkeypatch.setattr(get_settings(), "data", tmp_path)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize(("method", "path"), EXPECTED)
def test_every_operation_for_everybody(
    org: Organisation, environment: Environment, method: str, path: str, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:9")
    monkeypatch.setattr("stackyard.environments.sandboxes.check_sandbox", lambda *_, **__: [])
    run = environment.runs.get()
    if method == "DELETE" or "drift" in path:  # what may be destroyed or compared is ready and at rest
        environment.runs.update(status="succeeded")
        differs = {"resources": [{"address": "a.b", "action": "delete", "attributes": []}]}
        Environment.objects.update(status="ready", resources=[{"address": "a.b"}], drift=differs)
    names = {"pattern": "ecs-service", "product": "shop", "sandbox": "commerce-dev", "pool": "corp", "fqdn": "a.b"}
    address = path.format(environment=environment.slug, run_id=run.pk, block_id=_block(org, environment).pk, **names)

    response = person(org, who).ask(method, address, BODIES.get((method, path)))

    expected = EXPECTED[(method, path)][PEOPLE.index(who)]
    assert response.status_code == expected, response.content
    if expected >= 400:
        assert response.json()["error"]["code"] == CODES[expected]
        assert response.json()["error"]["message"]
    made = expected == 202 and (method, path) == ("POST", "/environments")
    assert (Environment.objects.count() == 2) == made


LISTS = {"/environments": "slug", "/runs": "environment", "/products": "name", "/sandboxes": "name"}


@pytest.mark.parametrize("path", LISTS)
def test_lists_hold_only_the_own_department(org: Organisation, environment: Environment, path: str) -> None:
    def seen(who: str) -> list[Any]:
        return [item[LISTS[path]] for item in person(org, who).ask("GET", path).json()["items"]]

    assert seen("requester") == seen("viewer") != []
    assert not set(seen("stranger")) & set(seen("requester"))
    assert set(seen("platform")) == set(seen("requester")) | set(seen("stranger"))


def test_an_environment_of_another_department_and_none_read_the_same(
    org: Organisation, environment: Environment
) -> None:
    stranger = caller(org.stranger)
    hidden = stranger.ask("GET", "/environments/shop-dev").json()["error"]["message"]
    absent = stranger.ask("GET", "/environments/shop-xyz").json()["error"]["message"]
    assert hidden.replace("shop-dev", "") == absent.replace("shop-xyz", "")
    by_uid = stranger.ask("GET", f"/environments/{environment.uid}")
    assert by_uid.status_code == 404
