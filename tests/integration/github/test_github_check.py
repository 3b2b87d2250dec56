"""`stackyard github` as a person calls it: what is right, and what is wrong in words that lead on."""

import base64
from pathlib import Path

import pytest
from tests.factories import make_organisation
from tests.github_emulator import APP, BOT, REPOSITORIES, GithubEmulator
from typer.testing import CliRunner

from stackyard.cli.main import app
from stackyard.cmdb.models import Sandbox
from stackyard.settings import Settings, get_settings

pytestmark = pytest.mark.django_db(transaction=True)


def check(monkeypatch: pytest.MonkeyPatch, *command: str, **values: object) -> tuple[int, str]:
    """Exit code and what is said, with these settings beside those that are set."""
    for name, value in values.items():
        name = f"STACKYARD_{name}"
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, str(value))
    get_settings.cache_clear()
    done = CliRunner().invoke(app, ["github", *(command or ("check",))])
    return done.exit_code, " ".join((done.output + str(done.exception or "")).split())


def test_all_is_well(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = check(monkeypatch)
    assert code == 0
    assert f"Speaks as: {BOT}" in said
    assert f"Issues of: {configured.github_repository}" in said


def test_the_record_has_to_lie_where_its_pull_requests_are(
    configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"RECORD_PULL_REQUESTS": f"acme/{REPOSITORIES[0]}"}
    for remote in (f"git@github.com:acme/{REPOSITORIES[0]}.git", f"https://github.com/acme/{REPOSITORIES[0]}"):
        assert check(monkeypatch, **there, RECORD_REMOTE=remote)[0] == 0
    code, said = check(monkeypatch, **there, RECORD_REMOTE="git@github.com:acme/other.git")
    assert code == 1
    assert f"STACKYARD_RECORD_REMOTE does not lead to acme/{REPOSITORIES[0]}" in said
    code, said = check(monkeypatch, RECORD_PULL_REQUESTS="acme/no-such", RECORD_REMOTE="x")
    assert code == 1
    assert "Pull requests of: GitHub answered 404" in said


def test_an_app_that_is_not_set_up_is_told_in_words(
    configured: Settings, github: GithubEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_app = {"GITHUB_TOKEN": None, "GITHUB_APP_ID": APP}
    assert check(monkeypatch, **as_app, GITHUB_APP_KEY=github.app_key)[0] == 0
    wrong = tmp_path / "key.pem"
    wrong.write_text("no key")
    for file, words in (
        (None, "The App's private key is not set. STACKYARD_GITHUB_APP_KEY names its file."),
        (tmp_path / "none.pem", "cannot be read: No such file"),
        (wrong, "is not a private key in PEM"),
    ):
        code, said = check(monkeypatch, **as_app, GITHUB_APP_KEY=file)
        assert code == 1
        assert words in said
    code, said = check(monkeypatch, GITHUB_APP_KEY=github.app_key, GITHUB_REPOSITORY="acme/no-such")
    assert code == 1
    assert "The App is not installed for acme/no-such" in said


def test_the_forms_are_pushed_and_only_those_that_differ(
    configured: Settings, github: GithubEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = make_organisation()
    code, said = check(monkeypatch, "form", "--push")
    assert (code, said.count(": committed")) == (0, 3)
    there = github.ask("GET", "/contents/.github/ISSUE_TEMPLATE/new-environment.yml")
    assert org.sandbox.name in base64.b64decode(there["content"]).decode()
    code, said = check(monkeypatch, "form", "--push")
    assert (code, said.count(": as it was")) == (0, 3)
    org.sandbox.delete()
    code, said = check(monkeypatch, "form", "--push")
    assert code == 0
    assert said.startswith("new-environment.yml: committed change-environment.yml: as it was")


def test_the_repository_of_a_sandbox_has_forms_of_its_own_and_is_looked_at(
    configured: Settings, github: GithubEmulator, another: GithubEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    org, there = make_organisation(), another
    code, said = check(monkeypatch, "form", "--push", "--repository", there.repository)
    assert code != 0
    assert f"--repository: No sandbox names {there.repository}" in said
    Sandbox.objects.filter(pk=org.sandbox.pk).update(issues=there.repository)
    code, said = check(monkeypatch, "form", "--push", "--repository", there.repository)
    assert (code, said.count(": committed")) == (0, 3)
    form = "/contents/.github/ISSUE_TEMPLATE/new-environment.yml"
    text = base64.b64decode(there.ask("GET", form)["content"]).decode()
    assert (org.sandbox.name in text, "- shop" in text, "- fleet" in text) == (True, True, False)
    assert check(monkeypatch, "form", "--push")[0] == 0
    assert org.sandbox.name not in base64.b64decode(github.ask("GET", form)["content"]).decode()
    code, said = check(monkeypatch)
    assert code == 0
    assert f"Issues of: {configured.github_repository} Issues of: {there.repository}" in said
    Sandbox.objects.filter(pk=org.sandbox.pk).update(issues="acme/no-such")
    code, said = check(monkeypatch)
    assert (code, "Issues of: GitHub answered 404" in said) == (1, True)


def test_what_is_not_configured_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["check"], ["form", "--push"]):
        code, said = check(monkeypatch, *command)
        assert code == 6
        assert "GitHub is not configured. Set STACKYARD_GITHUB_REPOSITORY" in said
