"""The portal as a browser sees it: an organisation with one environment that stands, and a client for each person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from tests.factories import make_organisation
from tests.integration.portal.site import Site, keep, ready

from stackyard.cmdb.models import AddressBlock, AddressPool, ApiToken, Run
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.settings import get_settings


@pytest.fixture
def site(db: None) -> Site:
    org = make_organisation()
    run = ready(create(org.requester, CreateRequest("shop", "ecs-service", "dev"), via="portal"))
    token, _ = ApiToken.issue(org.requester, "script")
    org.sandbox.pool = AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    org.sandbox.save()
    block = AddressBlock.objects.create(
        pool=org.sandbox.pool, block="10.20.0.0/26", purpose="subnets", environment=run.environment
    )
    return Site(org, run.environment, run, org.requester.memberships.get(), token, block)


@pytest.fixture
def recorded(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same, with the environment's code in a record of the test's own."""
    monkeypatch.setattr(get_settings(), "data", tmp_path)
    keep(site.environment, tmp_path)
    return site


@pytest.fixture
def make(site: Site) -> Callable[..., Run]:
    """Make one more environment; its run waits."""

    def make_run(name: str, user: User | None = None, **settings: Any) -> Run:
        product = "fleet" if user == site.org.stranger else "shop"
        request = CreateRequest(product, "ecs-service", name, settings=settings)
        return create(user or site.org.requester, request, via="portal")

    return make_run
