"""As an operator I keep Terraform's state in a bucket of the sandbox's own account."""

import pytest

from stackyard.settings import get_settings
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey

BUCKET = "stackyard-state-for-tests"


def test_state_lives_in_the_bucket_and_goes_with_the_environment(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_settings(), "state", "s3")
    monkeypatch.setattr(get_settings(), "state_bucket", BUCKET)
    s3 = yard.access(yard.org.sandbox).client("s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": yard.org.sandbox.region})
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    run = yard.create()
    yard.carry(run)
    env = run.environment
    env.refresh_from_db()
    assert (run.status, env.backend) == ("succeeded", "s3"), run.error + log_of(run)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"stackyard/{env.state_name}.tfstate"]

    # What was made with a bucket stays with it when the setting changes.
    monkeypatch.setattr(get_settings(), "state", "pg")
    gone = yard.destroy(env)
    yard.carry(gone)
    assert (gone.status, gone.leftovers) == ("succeeded", []), gone.error + log_of(gone)
    kept = s3.list_object_versions(Bucket=BUCKET)
    assert not kept.get("Versions")
    assert not kept.get("DeleteMarkers")
