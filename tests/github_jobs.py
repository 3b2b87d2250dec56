"""What the executor `github-actions` needs in tests: a repository with its workflow, which `act` runs, and a bucket."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import stackyard
from stackyard.aws.jobs import Buckets
from stackyard.aws.sessions import SandboxAccess
from stackyard.settings import get_settings
from tests.actions import SIGN_IN, Act, make_repository
from tests.actions_bridge import ActionsBridge

WORKFLOW = Path(__file__).parents[1] / "pipeline" / "github" / "environments" / ".github" / "workflows" / "job.yml"


REPOSITORY = "acme/shop"


@contextmanager
def serve_jobs(
    folder: Path, env: Mapping[str, str], *, upstream: str = "", repository: str = REPOSITORY
) -> Iterator[ActionsBridge]:
    """A GitHub whose workflow does jobs on machines with this `env`. A cancelled step has as long as GitHub's runner
    leaves it."""
    checkout = make_repository(folder / "shop", {".github/workflows/job.yml": WORKFLOW.read_text()})
    act = Act(checkout, {"aws-actions/configure-aws-credentials": SIGN_IN}, env)
    act.program("stackyard", f'#!/bin/sh\nexec {sys.executable} -m stackyard.cli "$@"\n')
    with ActionsBridge(act, upstream=upstream, repository=repository) as bridge:
        yield bridge


def job_environment(endpoint: str, data: Path | None = None) -> dict[str, str]:
    """What the machine of a job has beside what the workflow gives it: the way to the emulator, and Terraform's
    provider, which lies in `data`."""
    data = data or get_settings().data
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "STACKYARD_DATA": str(data.resolve()),
        "STACKYARD_GRACE_SECONDS": "5",
        "PYTHONPATH": str(Path(stackyard.__file__).parents[1]),
    }


def bucket_of(access: SandboxAccess) -> str:
    """Where packages, results and state lie."""
    return Buckets.of(access, {}).results


def make_bucket(access: SandboxAccess) -> None:
    """Make it, with versions."""
    s3, name = access.client("s3"), bucket_of(access)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": access.region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def left_in_bucket(access: SandboxAccess) -> list[str]:
    """Every version of an object that is still there."""
    found = access.client("s3").list_object_versions(Bucket=bucket_of(access))
    return [item["Key"] for item in found.get("Versions", ())]
