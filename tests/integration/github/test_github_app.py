"""Stackyard as a GitHub App: it signs in by a token of its own making, and acts in the App's name."""

import pytest
from tests.factories import make_organisation
from tests.github_emulator import APP, GithubEmulator, form
from tests.integration.github.conftest import Joined, introduce

from stackyard.cmdb.models import Run
from stackyard.errors import Forbidden, StackyardError
from stackyard.github.client import PERMISSIONS, Client
from stackyard.github_api.connection import Connection, is_configured
from stackyard.settings import Settings


@pytest.fixture
def as_app(configured: Settings, github: GithubEmulator) -> Settings:
    """Settings without a token."""
    return configured.model_copy(update={"github_token": None, "github_app_id": APP, "github_app_key": github.app_key})


def test_it_signs_in_and_does_its_work(as_app: Settings, github: GithubEmulator, transactional_db: None) -> None:
    assert is_configured(as_app)
    org = make_organisation()
    introduce(org)
    joined = Joined(org, github, as_app)
    joined.tick()
    assert joined.client.login == "stackyard[bot]"
    number = github.open("New environment: dev", form())
    joined.tick()
    joined.tick()
    assert Run.objects.get().environment.issue.number == number
    (told,) = github.comments(number, "stackyard[bot]")
    assert "`shop-dev` is creating" in told


def test_of_what_the_app_may_do_its_token_may_do_what_it_is_for(as_app: Settings) -> None:
    """The App may write code and workflows there; whoever gets hold of the token for issues may not."""
    connection = Connection(as_app, as_app.github_repository, PERMISSIONS)
    assert list(connection.pages(f"{connection.base}/issues", {})) == []
    with pytest.raises(Forbidden):
        connection.ask("PUT", f"{connection.base}/contents/README.md", {"message": "Mine", "content": "TWluZQ=="})
    with pytest.raises(Forbidden):
        connection.ask("POST", f"{connection.base}/pulls", {"title": "Mine", "head": "mine", "base": "main"})


def test_a_permission_that_the_app_has_not_is_told(as_app: Settings) -> None:
    connection = Connection(as_app, as_app.github_repository, {"administration": "write"})
    with pytest.raises(StackyardError, match="not granted"):
        connection.ask("GET", connection.base)


def test_a_key_that_is_not_the_apps_is_refused(as_app: Settings, github: GithubEmulator) -> None:
    wrong = as_app.model_copy(update={"github_app_id": APP + 1})
    with pytest.raises(StackyardError, match=r"401|404"):
        Client(wrong).reach()
