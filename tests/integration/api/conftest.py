"""The API as a client sees it: Django's test client, an organisation, and a token for each person."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tests.factories import Organisation, make_organisation

from stackyard.cmdb.models import ApiToken, Environment
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest


@dataclass(frozen=True)
class Caller:
    """A person with a token; `user` None: nobody."""

    user: User | None
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request below /api; `body` as JSON, or as it is when it is bytes."""
        if self.token:
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        return _http.generic(
            method,
            f"/api{path}",
            data,
            content_type="application/json",
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


# One for all: each would set up all middleware again. Errors must come as answers, not be raised here.
_http = Client(raise_request_exception=False)


@pytest.fixture
def org(db: None) -> Organisation:
    return make_organisation()


def caller(user: User | None) -> Caller:
    """Somebody with a new token, or nobody."""
    return Caller(user, ApiToken.issue(user, "test")[1]) if user is not None else Caller(None)


@pytest.fixture
def rika(org: Organisation) -> Caller:
    """The requester of the first department."""
    return caller(org.requester)


@pytest.fixture
def environment(org: Organisation) -> Environment:
    """shop-dev, whose creation waits for a worker."""
    return create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="portal").environment


def wish(**changes: Any) -> dict[str, Any]:
    """A body that is accepted."""
    return {"product": "shop", "pattern": "ecs-service", "name": "dev", **changes}


def fields(response: Any) -> list[str]:
    """The fields of a 422."""
    assert response.status_code == 422, (response.status_code, response.content[:500])
    return [problem["field"] for problem in response.json()["error"]["problems"]]
