"""`stackyard pattern import`, `lint` and `schema` as a person at a terminal, with real Terraform and a real server."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from jsonschema import Draft202012Validator
from tests.factories import make_organisation
from typer.testing import CliRunner, Result

from stackyard.cli.client import Client
from stackyard.cli.main import app
from stackyard.cmdb.models import ApiToken
from stackyard.settings import get_settings

FOREIGN = Path(__file__).resolve().parents[1] / "fixtures" / "foreign"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["pattern", *map(str, arguments)])


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """The foreign module, imported."""
    done = run("import", FOREIGN, "--name", "uploads", "--into", tmp_path)
    assert done.exit_code == 0, done.output
    return tmp_path / "uploads"


def test_import_tells_what_it_found_and_what_it_left(tmp_path: Path) -> None:
    told = run("import", FOREIGN, "--name", "uploads", "--into", tmp_path).output
    assert "name is filled with environment.name" in told
    assert f"{FOREIGN}/providers.tf:18: provider.aws is left out" in told
    again = run("import", FOREIGN, "--name", "uploads", "--into", tmp_path)
    assert (again.exit_code, "There is a pattern 'uploads'" in again.output) == (5, True)


def test_lint_asks_terraform(uploads: Path) -> None:
    good = run("lint", uploads)
    assert (good.exit_code, "nothing found" in good.output) == (0, True), good.output
    (uploads / "more.tf").write_text('resource "aws_sqs_queue" "b" {\n  nme = "x"\n}\n')
    bad = run("lint", uploads)
    assert bad.exit_code == 1
    assert f"{uploads}/more.tf" in bad.output
    assert "nme" in bad.output


@pytest.mark.skipif(shutil.which("terraform") is None, reason="needs `terraform` on PATH")
def test_what_is_not_formatted_is_a_warning(uploads: Path) -> None:
    (uploads / "more.tf").write_text("locals {\n  a=1\n}\n")
    found = json.loads(run("lint", uploads, "--json").stdout)
    assert [(f["rule"], f["severity"], f["file"]) for f in found] == [("fmt", "warning", "uploads/more.tf")]


def test_lint_without_terraform_reads_the_files_only(uploads: Path) -> None:
    (uploads / "more.tf").write_text('provider "aws" {}\n')
    bad = run("lint", uploads, "--static")
    assert (bad.exit_code, f"{uploads}/more.tf:1: error: " in bad.output) == (0, False)
    (uploads / "pattern.yaml").write_text((uploads / "pattern.yaml").read_text().replace("- provider.aws\n", ""))
    bad = run("lint", uploads, "--static")
    assert bad.exit_code == 1
    assert f"{uploads}/more.tf:1: error: " in bad.output
    assert "[provider-block]" in bad.output


def test_the_schema_is_published(db: None, uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "patterns", uploads.parent)
    _, token = ApiToken.issue(make_organisation().requester, "test")

    def ask(self: Client, path: str, **query: Any) -> Any:
        return Browser().get(f"/api{path}", headers={"Authorization": f"Bearer {token}"}).json()

    monkeypatch.setattr(Client, "get", ask)
    done = run("schema", "uploads")
    assert done.exit_code == 0, done.output
    schema = json.loads(done.stdout)
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema)
    assert valid.is_valid({"queue.retention_days": 14, "trusted_services": ["a"]})
    assert not valid.is_valid({"queue.retention_days": 15})
    assert not valid.is_valid({"name": "mine"})
