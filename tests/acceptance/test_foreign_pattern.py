"""As platform staff I import a Terraform root module of ours, as it is, and people build environments from it."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stackyard.cli.main import app
from stackyard.environments.create import create
from stackyard.environments.requests import CreateRequest
from stackyard.errors import Invalid
from stackyard.settings import get_settings
from tests.yard import Yard, log_of

FOREIGN = Path(__file__).resolve().parents[1] / "fixtures" / "foreign"

pytestmark = pytest.mark.journey


@pytest.fixture
def patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A patterns folder of our own, into which the foreign module is imported by the command line."""
    monkeypatch.setattr(get_settings(), "patterns", tmp_path / "patterns")
    shutil.copytree(FOREIGN, tmp_path / "uploads")
    told = CliRunner().invoke(app, ["pattern", "import", str(tmp_path / "uploads")])
    assert told.exit_code == 0, told.output
    assert "providers.tf:11: terraform.backend.s3 is left out" in told.output
    return tmp_path / "patterns"


def test_a_foreign_module_is_imported_linted_built_and_taken_away(yard: Yard, patterns: Path) -> None:
    for file in FOREIGN.iterdir():
        assert (patterns / "uploads" / file.name).read_bytes() == file.read_bytes()
    linted = CliRunner().invoke(app, ["pattern", "lint", str(patterns / "uploads")])
    assert linted.exit_code == 0, linted.output

    wrong = {"purpose": "Two words", "queue.attempts": "three"}
    with pytest.raises(Invalid) as refused:
        create(yard.user, CreateRequest("shop", "uploads", "dev", settings=wrong), via="api")
    assert [(p.field, p.message) for p in refused.value.problems] == [
        ("settings.queue.attempts", "Must be a number."),
        ("settings.purpose", "The purpose is one word of 2 to 16 small letters and digits."),
    ]

    settings = {"queue.retention_days": 2, "queue.keep_failed": False, "purpose": "scans"}
    run = create(yard.user, CreateRequest("shop", "uploads", "dev", settings=settings), via="api")
    yard.carry(run)

    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.status) == ("succeeded", "ready"), run.error + log_of(run)
    assert env.outputs["bucket_name"] == f"shop-dev-scans-{env.sandbox.account_id}"
    sqs, s3 = yard.access(env.sandbox).client("sqs"), yard.access(env.sandbox).client("s3")
    queue = env.outputs["queue_url"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["MessageRetentionPeriod"] == str(2 * 86400)
    assert sqs.list_queues()["QueueUrls"] == [queue]  # and none for what fails too often
    # The module knows nothing of tags; the proof of deletion needs them on everything all the same.
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"]["stackyard:environment"] == env.uid
    tagged = s3.get_bucket_tagging(Bucket=env.outputs["bucket_name"])["TagSet"]
    assert {"Key": "stackyard:environment", "Value": env.uid} in tagged
    recorded = get_settings().data / "record" / env.record_folder
    assert "our-terraform-states" not in "".join(f.read_text() for f in recorded.glob("*.tf"))

    gone = yard.destroy(env)
    yard.carry(gone)

    env.refresh_from_db()
    assert (gone.status, gone.leftovers, env.status) == ("succeeded", [], "destroyed"), gone.error + log_of(gone)
    assert s3.list_buckets()["Buckets"] == []
    assert "QueueUrls" not in sqs.list_queues()
