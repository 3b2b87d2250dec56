"""The workflow that does one job for Stackyard: asked for over GitHub's API, its results come back in a bucket."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.actions_bridge import ActionsBridge
from tests.github_jobs import job_environment, serve_jobs
from tests.integration.actions.test_deploy_workflow import needs_aws

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.sessions import SandboxAccess
from stackyard.executors.job import Job, pack

REGION, PACKAGES, RESULTS = "eu-central-1", "packages-of-jobs", "results-of-jobs"
QUICK = 'resource "terraform_data" "a" { input = "one" }\noutput "a" { value = terraform_data.a.output }\n'
SLOW = 'resource "terraform_data" "a" {\n  provisioner "local-exec" { command = "exec sleep 60" }\n}\n'
_accounts = iter(range(720_000_000_000, 720_000_001_000))


class Jobs:
    """A repository with the workflow, what is before GitHub's API, and the buckets of an account."""

    def __init__(self, bridge: ActionsBridge, access: SandboxAccess, folder: Path) -> None:
        self.bridge, self.access, self.folder = bridge, access, folder
        self.s3 = access.client("s3")
        self.packages, self.results = f"{PACKAGES}-{access.account_id}", f"{RESULTS}-{access.account_id}"
        for bucket in (self.packages, self.results):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})

    def ask(self, verb: str, path: str, **body: Any) -> httpx.Response:
        address = f"{self.bridge.url}/repos/acme/shop/actions/{path}"
        answer = httpx.request(verb, address, headers={"Authorization": "Bearer a"}, json=body, timeout=30)
        assert answer.is_success, answer.text
        return answer

    def dispatch(self, key: str, code: str) -> None:
        """Upload a job, and have it done."""
        folder = self.folder / "code"
        folder.mkdir()
        (folder / "main.tf").write_text(code)
        results = f"s3://{self.results}/results/{key}/"
        job = Job(3, "shop-dev", "abcdefgh", ("plan", "apply"), "keep", False, results=results, emulated=True)
        pack(self.folder / "job.zip", job, folder)
        self.s3.upload_file(str(self.folder / "job.zip"), self.packages, key)
        inputs = {"key": key, "bucket": self.packages, "account": self.access.account_id, "region": REGION}
        self.ask("POST", "workflows/job.yml/dispatches", ref="main", inputs=inputs)

    def left(self, key: str, name: str) -> str:
        """A file that the job left."""
        body = self.s3.get_object(Bucket=self.results, Key=f"results/{key}/{name}")["Body"]
        return str(body.read().decode())


@pytest.fixture
def jobs(emulator: Emulator, tmp_path: Path) -> Iterator[Jobs]:
    account = str(next(_accounts))
    access = SandboxAccess(account, REGION, f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)
    with serve_jobs(tmp_path, job_environment(emulator.endpoint)) as bridge:
        bridge.grace_seconds = 30
        yield Jobs(bridge, access, tmp_path)


@needs_aws
def test_a_dispatched_job_is_done_and_its_results_come_back(jobs: Jobs) -> None:
    key = "jobs/abcdefgh-3-apply.zip"
    jobs.dispatch(key, QUICK)
    (row,) = jobs.ask("GET", "workflows/job.yml/runs").json()["workflow_runs"]
    assert row["display_title"] == f"Job {key}", "by this whoever asked finds its run again"
    run = jobs.bridge.wait(row["id"])
    assert jobs.ask("GET", f"runs/{row['id']}").json()["conclusion"] == "success", run.log.read_text()
    result = json.loads(jobs.left(key, "result.json"))
    assert (result["status"], result["outputs"]) == ("succeeded", {"a": "one"})
    kinds = [json.loads(line)["kind"] for line in jobs.left(key, "events.jsonl").splitlines()]
    assert "apply_complete" in kinds


@needs_aws
def test_a_cancelled_job_ends_in_good_order_and_says_so(jobs: Jobs) -> None:
    key = "jobs/abcdefgh-3-slow.zip"
    jobs.dispatch(key, SLOW)
    run = jobs.bridge.runs[0]
    end = time.monotonic() + 120
    while "terraform_data.a: Creating..." not in run.log.read_text():
        assert time.monotonic() < end, run.log.read_text()
        assert not run.ended, run.log.read_text()
        time.sleep(0.05)
    jobs.ask("POST", "runs/1/cancel")
    jobs.bridge.wait(1)
    assert jobs.ask("GET", "runs/1").json()["conclusion"] == "cancelled"
    assert json.loads(jobs.left(key, "result.json"))["status"] == "cancelled"
