"""The workflow for a repository of environment code: an issue of the form builds, changes and destroys."""

import itertools
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.actions import BIN, NOTHING, SIGN_IN, Act, complaints, make_repository
from tests.builds import Pipeline

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.emulator.seed import seed_baseline
from stackyard.aws.sessions import SandboxAccess
from stackyard.executors.requested import LABELS
from stackyard.patterns.catalogue import Catalogue
from stackyard.patterns.workspace import Filling, render_workspace
from stackyard.record.repository import PASSPORT
from stackyard.settings import get_settings

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "pipeline" / "github" / "environments" / ".github"
WORKFLOW = SHIPPED / "workflows" / "environment.yml"
FORM = SHIPPED / "ISSUE_TEMPLATE" / "environment.yml"
WORKFLOWS = sorted((ROOT / "pipeline" / "github").rglob("workflows/*.yml"))
REGION = "eu-central-1"
NAME = "shop-dev"
_accounts = itertools.count(810000000000)
GH = """#!/bin/sh
# What would be said on GitHub is written down. act itself asks for a token.
[ "$1" = auth ] && exit 1
echo "$@" >> "$GH_LOG"
while [ $# -gt 0 ]; do [ "$1" = --body-file ] && cat "$2" >> "$GH_LOG"; shift; done
"""
needs_aws = pytest.mark.skipif(
    shutil.which("aws") is None, reason="needs the AWS command line, as GitHub's machines have it"
)


def form(what: str, environment: str = NAME, **answers: str) -> str:
    """The text that GitHub makes of the form."""
    given = {"what": what, "environment": environment, "deletes": "no", **answers}
    return "\n\n".join(f"### {label}\n\n{given.get(name) or '_No response_'}" for name, label in LABELS.items())


class Repository:
    """A repository of environment code with the shipped workflow, and an account on the emulator."""

    def __init__(self, emulator: Emulator, account: str, folder: Path) -> None:
        self.emulator, self.account = emulator, account
        self.access = SandboxAccess(account, REGION, f"arn:aws:iam::{account}:role/stackyard", "", emulator.endpoint)
        self.gh_log, code = folder / "gh.log", folder / "checkout" / "commerce" / "shop" / "dev"
        self._render(code)
        (code / PASSPORT).write_text(
            yaml.safe_dump({"environment": NAME, "uid": f"u{account}", "account_id": account, "region": REGION})
        )
        files = {".github/workflows/environment.yml": WORKFLOW.read_text(), "README.md": "Environments"}
        repository = make_repository(folder / "checkout", files)
        self.file = repository / ".github" / "workflows" / "environment.yml"
        uses = {"aws-actions/configure-aws-credentials": SIGN_IN, "actions/upload-artifact": NOTHING}
        self.act = Act(
            repository,
            uses,
            {
                "AWS_ENDPOINT_URL": emulator.endpoint,
                "AWS_EC2_METADATA_DISABLED": "true",
                "STACKYARD_AWS_ENDPOINT": emulator.endpoint,
                "STACKYARD_DATA": str(get_settings().data.resolve()),
                "GH_LOG": str(self.gh_log),
            },
        )
        self.act.program("gh", GH)
        self.act.program("stackyard", f'#!/bin/sh\nexec {sys.executable} -m stackyard.cli "$@"\n')

    def make_buckets(self) -> None:
        """Places for packages and results, from which nothing starts."""
        s3 = self.access.client("s3")
        for use in ("jobs", "results"):
            s3.create_bucket(Bucket=self.bucket(use), CreateBucketConfiguration={"LocationConstraint": REGION})

    def bucket(self, use: str) -> str:
        return f"stackyard-builds-{self.account}-{REGION}-{use}"

    def _render(self, code: Path) -> None:
        facts = seed_baseline(self.access, zone_name=f"a{self.account}.example.com", vpc_cidr="10.30.0.0/20")
        filling = Filling(
            environment={
                "name": NAME,
                "fqdn": "",
                "further_fqdns": [],
                "tags": {"stackyard:environment": f"u{self.account}"},
                "exists": False,
            },
            sandbox=facts.as_dict(),
            allocation={},
            region=REGION,
            role_arn=self.access.role_arn,
            external_id="",
            session_name="test",
            emulated=True,
            backend="s3",
        )
        render_workspace(Catalogue.from_settings().get("ecs-worker"), filling, {}, code)

    def opened(self, body: str, **issue: Any) -> "subprocess.CompletedProcess[str]":
        """What GitHub does when somebody opens an issue."""
        self.gh_log.write_text("")
        given = {"number": 7, "title": "Environment: $(touch owned)", "body": body, "author_association": "MEMBER"}
        return self.act.run(self.file, "issues", {"action": "opened", "issue": {**given, **issue}})

    def dispatched(self, variables: Mapping[str, str], **inputs: str) -> "subprocess.CompletedProcess[str]":
        """What GitHub does when somebody starts it by hand."""
        return self.act.run(self.file, "workflow_dispatch", {"inputs": inputs}, variables=variables)

    def log_of_builds(self) -> str:
        """What the builds of the pipeline said."""
        logs, group = self.access.client("logs"), "/aws/codebuild/stackyard-builds"
        streams = [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        found = [logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] for stream in streams]
        return "\n".join(event["message"] for events in found for event in events)

    def stands(self) -> list[str]:
        """Queues and services of the environment."""
        queues = self.access.client("sqs").list_queues().get("QueueUrls", [])
        ecs = self.access.client("ecs")
        services = ecs.list_services(cluster="sandbox").get("serviceArns", []) if queues else []
        return sorted(name.rpartition("/")[2] for name in [*queues, *services])


@pytest.fixture
def repository(emulator: Emulator, tmp_path: Path) -> Repository:
    made = Repository(emulator, str(next(_accounts)), tmp_path)
    made.make_buckets()
    return made


@pytest.mark.journey
@needs_aws
def test_from_the_form_to_an_environment_and_away_again(repository: Repository) -> None:
    done = repository.opened(form("create"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert any(name.startswith(NAME) for name in repository.stands())
    assert (
        f"issue comment 7 --repo acme/shop --body-file text.md\ncreate {NAME}: done." in repository.gh_log.read_text()
    )

    twice = repository.opened(form("create"))
    assert twice.returncode == 1
    assert f"{NAME} stands already." in twice.stdout
    assert any(name.startswith(NAME) for name in repository.stands()), "what stood before is not taken back"
    assert f"create {NAME}: failed." in repository.gh_log.read_text()

    done = repository.opened(form("destroy", confirmation=NAME))
    assert done.returncode == 0, done.stdout + done.stderr
    assert repository.stands() == []
    assert "issue close 7 --repo acme/shop" in repository.gh_log.read_text()


@pytest.mark.long
@pytest.mark.journey
@needs_aws
def test_what_a_failing_apply_made_is_destroyed_and_the_job_is_red(repository: Repository) -> None:
    repository.emulator.fail("ecs:CreateService")
    try:
        done = repository.opened(form("create"))
    finally:
        repository.emulator.clear_faults()
    assert done.returncode == 1
    assert "What was applied is destroyed again." in done.stdout
    assert repository.stands() == []
    assert f"create {NAME}: failed." in repository.gh_log.read_text()


TELLS = """
terraform {
  backend "s3" {}
}
variable "word" {
  sensitive = true
}
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.word == "canary = \\"a\\"\\nb"
      error_message = "It is another word."
    }
  }
}
"""


@needs_aws
@pytest.mark.parametrize(
    ("secret", "status", "said"),
    [
        (json.dumps({"word": 'canary = "a"\nb'}), 0, "The job succeeded."),
        (json.dumps({"word": "other"}), 1, "It is another word."),
        # The step's own last words are not looked for: act now and then drops the last line before a step's end.
        ("word = canary", 1, "Failure - Main Do the job"),
        ('["canary"]', 1, "Failure - Main Do the job"),
    ],
)
def test_secret_variables_reach_terraform_as_they_are(
    repository: Repository, secret: str, status: int, said: str
) -> None:
    code = repository.act.repository / "commerce" / "shop" / "dev"
    for file in code.glob("*.tf"):
        file.unlink()
    (code / "main.tf").write_text(TELLS)
    issue = {"number": 7, "title": "", "body": form("create"), "author_association": "MEMBER"}
    event = {"action": "opened", "issue": issue}
    done = repository.act.run(repository.file, "issues", event, secrets={"STACKYARD_VARIABLES": secret})
    assert (done.returncode, said in done.stdout) == (status, True), done.stdout + done.stderr
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.journey
@needs_aws
def test_by_hand_it_is_packed_and_handed_over(repository: Repository, tmp_path: Path) -> None:
    done = repository.dispatched({"STACKYARD_BUILD_IN": "codebuild"}, what="create", environment=NAME, deletes="no")
    assert done.returncode == 0, done.stdout + done.stderr
    s3 = repository.access.client("s3")
    (package,) = s3.list_objects_v2(Bucket=repository.bucket("jobs"))["Contents"]
    assert package["Key"].startswith(f"jobs/{NAME}-")
    s3.download_file(repository.bucket("jobs"), package["Key"], str(tmp_path / "job.zip"))
    shutil.unpack_archive(tmp_path / "job.zip", tmp_path / "job")
    job = json.loads((tmp_path / "job" / "job.json").read_text())
    assert (job["steps"], job["on_failure"], job["only_adds"]) == (["plan", "apply"], "destroy", True)
    assert job["backend"]["bucket"] == repository.bucket("results")
    assert (tmp_path / "job" / "code" / "main.tf").exists()
    assert repository.stands() == [], "nothing was built here"


@pytest.mark.long
@pytest.mark.journey
@needs_aws
def test_what_is_handed_over_the_pipeline_builds_and_takes_away(emulator: Emulator, tmp_path: Path) -> None:
    repository = Repository(emulator, str(next(_accounts)), tmp_path)
    Pipeline.apply(repository.access, tmp_path / "pipeline", tmp_path / "mirror")
    client = repository.access.client("codepipeline")
    for number, what in enumerate(("create", "destroy"), 1):
        done = repository.dispatched({"STACKYARD_BUILD_IN": "codebuild"}, what=what, environment=NAME, deletes="no")
        assert done.returncode == 0, done.stdout + done.stderr
        end = time.monotonic() + 120
        while (statuses := _statuses(client)) != ["Succeeded"] * number:
            assert "Failed" not in statuses, repository.log_of_builds()
            assert time.monotonic() < end, statuses
            time.sleep(0.5)
        assert bool(repository.stands()) is (what == "create")


def _statuses(client: Any) -> list[str]:
    found = client.list_pipeline_executions(pipelineName="stackyard-builds")["pipelineExecutionSummaries"]
    return [row["status"] for row in found]


@pytest.mark.parametrize(
    ("issue", "said"),
    [
        ({"body": "Something else"}, ""),
        ({"body": form("create"), "author_association": "NONE"}, ""),
        ({"body": form("destroy")}, "confirmation: Write the name again"),
        ({"body": form("create", "$(touch owned)`touch owned`")}, "environment: Its name with its product"),
        ({"body": form("create", "nowhere")}, "No folder of this repository holds the code of nowhere."),
        ({"body": form("::set-output name=what::create\n")}, "what: One of create, change, destroy."),
    ],
)
def test_who_asks_wrongly_is_told_and_nothing_is_done(repository: Repository, issue: dict[str, str], said: str) -> None:
    done = repository.opened(**issue)
    told = repository.gh_log.read_text()
    assert (said in told, bool(told)) == (True, bool(said)), told + done.stdout + done.stderr
    assert done.returncode == bool(said)
    assert repository.stands() == []
    assert not list(repository.act.repository.parent.rglob("owned"))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_the_linters_find_nothing_and_actions_are_pinned(file: Path) -> None:
    assert complaints(file) == []
    read = yaml.safe_load(file.read_text())
    assert read["permissions"] == {}
    steps = [step for job in read["jobs"].values() for step in job["steps"]]
    assert all("@" in s["uses"] and len(s["uses"].partition("@")[2]) == 40 for s in steps if "uses" in s)
    assert not any("${{" in step.get("run", "") for step in steps), "texts reach commands by the environment"
    # Ubuntu 24.04, which runs them, refuses what `pip` would install beside its own packages.
    assert not any("pip install" in step.get("run", "") for step in steps)


def test_the_linters_find_something_when_there_is_something(tmp_path: Path) -> None:
    file = tmp_path / "bad.yml"
    file.write_text(
        "on: issues\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo ${{ github.event.issue.title }}\n      - uses: actions/checkout@v7\n    nonsense: 1\n"
    )
    assert [text.partition(":")[0] for text in complaints(file)] == ["check-jsonschema", "actionlint", "zizmor"]


def test_it_listens_to_opened_issues_only_and_asks_what_is_read() -> None:
    read = yaml.safe_load(WORKFLOW.read_text())
    assert read[True]["issues"] == {"types": ["opened"]}  # YAML takes `on` for true; act heeds no types
    assert set(read[True]["workflow_dispatch"]["inputs"]) == {"what", "environment", "deletes"}
    asked = yaml.safe_load(FORM.read_text())
    assert {field["id"]: field["attributes"]["label"] for field in asked["body"]} == LABELS
    checker = [str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-issue-forms", str(FORM)]
    assert subprocess.run(checker, capture_output=True, check=False).returncode == 0
