"""Stackyard and GitHub's emulator, joined by polling: a tick is made when a test says so."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from tests.factories import Organisation, make_organisation
from tests.github_emulator import (
    BOT,
    PAT,
    REPOSITORIES,
    RIKA,
    SECRET,
    STRANGER,
    GithubEmulator,
    NotInstalled,
    installed,
)

from stackyard.cmdb.models import GithubCursor, GithubLogin
from stackyard.github.client import Client
from stackyard.github.keeper import tick
from stackyard.settings import Settings, get_settings

_repositories = iter(REPOSITORIES)


@dataclass
class Joined:
    """An organisation, a GitHub, and what is between them."""

    org: Organisation
    github: GithubEmulator
    settings: Settings
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = Client(self.settings)

    def tick(self, client: Client | None = None) -> None:
        """One round of the keeper. A pause that a failure before asked for is over."""
        GithubCursor.objects.update(not_before=None, polled_at=None)
        tick(self.settings, client or self.client)


@pytest.fixture(scope="session")
def github_program() -> None:
    """The emulator is installed, or the test is skipped."""
    try:
        installed()
    except NotInstalled as reason:
        pytest.skip(f"no GitHub emulator: {reason}")


@pytest.fixture(scope="session")
def running_github(github_program: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GithubEmulator]:
    """The one GitHub of this test process."""
    running = GithubEmulator.start(tmp_path_factory.mktemp("github"))
    yield running
    running.stop()


@pytest.fixture
def github(running_github: GithubEmulator) -> GithubEmulator:
    """GitHub with a repository that no other test has."""
    running_github.repository = f"acme/{next(_repositories)}"
    return running_github


@pytest.fixture
def another(github: GithubEmulator) -> GithubEmulator:
    """The same GitHub with a second repository that no other test has."""
    return replace(github, repository=f"acme/{next(_repositories)}")


@pytest.fixture
def configured(github: GithubEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings that name this GitHub."""
    values = {
        "GITHUB_URL": github.url,
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_TOKEN": f"token-{BOT}",
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "PUBLIC_URL": "https://stackyard.example.com",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"STACKYARD_{name}", value)
    get_settings.cache_clear()
    yield get_settings()
    monkeypatch.undo()
    get_settings.cache_clear()


def introduce(org: Organisation) -> None:
    """Write who is who on GitHub."""
    for user, login in ((org.requester, RIKA), (org.platform, PAT), (org.stranger, STRANGER)):
        GithubLogin.objects.create(user=user, login=login)


@pytest.fixture
def joined(configured: Settings, github: GithubEmulator, transactional_db: None) -> Joined:
    """All of it, after a first round."""
    org = make_organisation()
    introduce(org)
    both = Joined(org, github, configured)
    both.tick()
    return both
