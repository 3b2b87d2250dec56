"""`stackyard job run` does Terraform's part of a run with real Terraform: steps, results, secrets, and a good end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stackyard.aws.emulator.process import Emulator
from stackyard.aws.sessions import EMULATED_CREDENTIALS, SandboxAccess
from stackyard.executors.job import Job, pack, unpack

CODE = """
variable "secret" {
  default   = ""
  sensitive = true
}
resource "terraform_data" "a" { input = "one" }
resource "terraform_data" "secret" { input = var.secret }
output "plain" { value = terraform_data.a.output }
output "told" { value = nonsensitive("it is ${var.secret}") }
output "secret" {
  value     = terraform_data.secret.output
  sensitive = true
}
"""
FAILING = (
    CODE
    + """
resource "terraform_data" "b" {
  provisioner "local-exec" {
    command     = "echo 'a ##[error]b'; echo \\"$SAID\\"; exit 7"
    environment = { SAID = nonsensitive(var.secret) }
  }
  depends_on = [terraform_data.a]
}
"""
)
SLEEPY = (
    CODE
    + """
resource "terraform_data" "sleep" {
  provisioner "local-exec" { command = "exec sleep 60" }
  depends_on = [terraform_data.a]
}
"""
)
BUCKET_CODE = """
terraform {
  backend "s3" {}
}
resource "terraform_data" "a" { input = "one" }
resource "terraform_data" "wait" {
  input = "x"
  provisioner "local-exec" { command = "while [ ! -e go ]; do sleep 0.05; done" }
  depends_on = [terraform_data.a]
}
"""
COMMAND = [sys.executable, "-m", "stackyard.cli", "job", "run"]
SECRET = 'canary "in" a\ncanary-on-a-line'


def job(folder: Path, code: str, *steps: str, **fields: Any) -> Path:
    (folder / "code").mkdir(parents=True, exist_ok=True)
    (folder / "code" / "main.tf").write_text(code)
    what = {"version": 1, "run": 12, "environment": "shop-web", "uid": "abcdefgh", "steps": steps}
    (folder / "job.json").write_text(json.dumps({**what, "on_failure": "keep", "only_adds": False, **fields}))
    return folder


def environment(**given: str) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if n in ("PATH", "HOME", "PYTHONPATH", "STACKYARD_DATA")}
    return {**kept, "STACKYARD_GRACE_SECONDS": "5", **given}


def run(folder: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, str(folder), *arguments], env=environment(**given), capture_output=True, text=True, check=False
    )


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "result.json").read_text())
    return found


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "out" / "events.jsonl").read_text().splitlines()]


def resources(folder: Path) -> list[str]:
    state = json.loads((folder / "code" / "terraform.tfstate").read_text())
    return [r["name"] for r in state["resources"]]


def test_a_plan_is_applied_by_another_job_and_taken_away_by_a_third(tmp_path: Path) -> None:
    planned = job(tmp_path / "plan", CODE, "plan", only_adds=True)
    done = run(planned, TF_VAR_secret=SECRET)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "The plan: 2 to create." in done.stdout.splitlines()
    assert result(planned)["status"] == "succeeded"
    assert json.loads((planned / "out" / "plan.json").read_text())["resource_changes"]
    assert not (planned / "code" / "terraform.tfstate").exists()

    applied = job(tmp_path / "apply", CODE, "apply", only_adds=True)
    (planned / "out" / "plan.tfplan").replace(applied / "plan.tfplan")
    done = run(applied, TF_VAR_secret=SECRET)
    assert done.returncode == 0, done
    assert result(applied) == {
        "status": "succeeded",
        "step": "apply",
        "error": "",
        "hint": "",
        "diagnostics": [],
        "outputs": {"plain": "one", "told": "it is (hidden)"},
        "destroyed": False,
        "engine": result(planned)["engine"],
    }
    assert resources(applied) == ["a", "secret"]
    assert any(e["kind"] == "apply_complete" and e["address"] == "terraform_data.a" for e in events(applied))
    assert {"at", "level", "message", "address", "kind"} == set(events(applied)[0])

    job(applied, CODE, "destroy")
    assert run(applied, TF_VAR_secret=SECRET).returncode == 0
    assert resources(applied) == []


def test_secrets_and_commands_to_github_stay_harmless_in_all_texts(tmp_path: Path) -> None:
    folder = job(tmp_path, FAILING, "plan", "apply", variables={"TF_VAR_stackyard_endpoint": "http://127.0.0.1:1"})
    (folder / "code" / "more.tf").write_text(
        """
        variable "stackyard_endpoint" { default = "" }
        resource "terraform_data" "p" {
          lifecycle {
            postcondition {
              condition     = self.id == ""
              error_message = "::warning::${nonsensitive(var.secret)} at ${var.stackyard_endpoint}"
            }
          }
        }
        """
    )
    done = run(folder, "--out", str(tmp_path / "out"), TF_VAR_secret=SECRET)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert any("a ## [error]b" in line for line in lines)
    assert sum("(local-exec): (hidden)" in line for line in lines) == 2, "a secret of two lines, line by line"
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    told = result(folder)
    assert (told["status"], told["step"], told["destroyed"]) == ("failed", "apply", False)
    assert len(told["diagnostics"]) == 2
    assert any("(hidden)" in d["detail"] and "http://127.0.0.1:1" in d["detail"] for d in told["diagnostics"])
    for text in (
        done.stdout,
        done.stderr,
        *((tmp_path / "out" / n).read_text() for n in ("events.jsonl", "result.json")),
    ):
        assert "canary" not in text
    assert "a" in resources(folder), "kept, as the job says"


def test_a_failed_apply_is_taken_back_when_the_job_says_so(tmp_path: Path) -> None:
    folder = job(tmp_path, FAILING, "plan", "apply", on_failure="destroy")
    done = run(folder)
    assert done.returncode == 1
    assert "Warning: The apply failed: what was applied is destroyed." in done.stdout.splitlines()
    told = result(folder)
    assert (told["status"], told["step"], told["destroyed"]) == ("failed", "apply", True)
    assert told["error"].endswith("What was applied is destroyed again.")
    assert resources(folder) == []


def test_what_stood_before_is_not_destroyed_by_a_create_that_fails(tmp_path: Path) -> None:
    assert run(job(tmp_path, CODE, "plan", "apply", on_failure="destroy")).returncode == 0
    late = job(tmp_path, FAILING, "plan", "apply", on_failure="destroy")
    done = run(late)
    told = result(late)
    assert (done.returncode, told["status"], told["step"], told["destroyed"]) == (1, "failed", "plan", False)
    assert told["error"].startswith("Something of it stands already")
    assert resources(late) == ["a", "secret"]


def test_what_cannot_be_taken_back_is_told_and_stands(tmp_path: Path) -> None:
    one = 'resource "terraform_data" "a" { input = "one" }'
    stays = """
        resource "terraform_data" "a" {
          input = "one"
          provisioner "local-exec" {
            when    = destroy
            command = "exit 3"
          }
        }
    """
    folder = job(tmp_path, FAILING.replace(one, stays), "plan", "apply", on_failure="destroy")
    assert run(folder).returncode == 1
    told = result(folder)
    assert (told["status"], told["step"], told["destroyed"]) == ("failed", "apply", False)
    assert "Destroying what was applied failed, too" in told["error"]
    assert told["hint"]
    assert len(told["diagnostics"]) == 2
    assert "a" in resources(folder)


def test_an_apply_that_changed_nothing_takes_nothing_back(tmp_path: Path) -> None:
    folder = job(tmp_path, CODE, "plan", "apply", on_failure="destroy")
    assert run(folder).returncode == 0
    # The same package once more: its plan is of a state that has moved on.
    job(folder, CODE, "apply", on_failure="destroy")
    assert run(folder).returncode == 1
    assert result(folder)["destroyed"] is False
    assert "stale" in result(folder)["error"].lower()
    assert resources(folder) == ["a", "secret"]


def test_a_job_that_may_only_add_refuses_a_plan_that_takes_away(tmp_path: Path) -> None:
    folder = job(tmp_path, CODE, "plan", "apply", only_adds=True)
    assert run(folder).returncode == 0
    job(
        folder,
        CODE.replace('input = "one" }', "triggers_replace = 1 }"),
        "plan",
        "apply",
        only_adds=True,
    )
    done = run(folder)
    assert done.returncode == 1
    told = result(folder)
    assert (told["status"], told["step"]) == ("failed", "plan")
    assert "terraform_data.a (replace)" in told["error"]
    # A saved plan is looked at, too.
    json_of_job = json.loads((folder / "job.json").read_text())
    (folder / "job.json").write_text(json.dumps({**json_of_job, "steps": ["apply"]}))
    assert run(folder).returncode == 1
    assert result(folder)["step"] == "apply"
    assert "terraform_data.a (replace)" in result(folder)["error"]


def test_a_state_that_was_not_saved_is_pushed_first(tmp_path: Path) -> None:
    first = job(tmp_path / "first", CODE, "plan", "apply")
    assert run(first).returncode == 0
    second = job(tmp_path / "second", CODE, "plan")
    (first / "code" / "terraform.tfstate").replace(second / "errored.tfstate")
    done = run(second)
    assert done.returncode == 0, done
    assert "The plan: no changes." in done.stdout
    assert not (second / "out" / "errored.tfstate").exists()


def test_a_state_that_cannot_be_saved_is_never_lost(tmp_path: Path) -> None:
    for name, code in (("init", "resource {"), ("state", CODE)):
        folder = job(tmp_path / name, code, "plan")
        (folder / "errored.tfstate").write_text('{"version": 4, "serial": 1, "not": "a state"')
        assert run(folder).returncode == 1
        assert result(folder)["step"] == name
        assert "not" in (folder / "out" / "errored.tfstate").read_text()


def test_both_signals_end_terraform_in_good_order(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        folder = job(tmp_path / number.name, SLEEPY, "plan", "apply", on_failure="destroy")
        work = subprocess.Popen([*COMMAND, str(folder)], env=environment(), stdout=subprocess.PIPE, text=True)
        try:
            log = folder / "out" / "events.jsonl"
            _until(lambda log=log: log.exists() and '"provision_start"' in log.read_text())  # type: ignore[misc]
            for each in (number, signal.SIGINT, signal.SIGTERM):
                work.send_signal(each)
            said, _ = work.communicate(timeout=60)
        finally:
            work.kill()
            work.wait()
        assert work.returncode == 1, said
        told = result(folder)
        assert (told["status"], told["step"], told["destroyed"]) == ("cancelled", "apply", False)
        assert said.count(": the job is cancelled.") == 1
        assert "The job was cancelled." in said
        assert "a" in resources(folder), "the state was saved"


def test_a_bad_job_is_refused_with_the_field(tmp_path: Path) -> None:
    folder = job(tmp_path, CODE, "apply", "plan")
    done = run(folder)
    assert done.returncode == 2
    assert "job.json: steps" in done.stderr
    done = run(job(tmp_path, CODE, "plan"), "--out", str(folder))
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert (folder / "job.json").exists()


def test_without_terraform_the_result_says_so(tmp_path: Path) -> None:
    done = run(job(tmp_path, CODE, "plan"), STACKYARD_ENGINE="tofu")
    assert done.returncode == 1
    assert "tofu is not on PATH" in result(tmp_path)["error"]


def test_the_state_lies_in_a_bucket_and_comes_back_when_the_bucket_was_away(tmp_path: Path, emulator: Emulator) -> None:
    account, region = "400000000901", "eu-central-1"
    role = f"arn:aws:iam::{account}:role/stackyard"
    s3 = SandboxAccess(account, region, role, "x-1", emulator.endpoint).client("s3")
    s3.create_bucket(Bucket="jobs-901", CreateBucketConfiguration={"LocationConstraint": region})
    endpoint = f'"{emulator.endpoint}"'
    skips = ("use_path_style", "skip_credentials_validation", "skip_requesting_account_id", "skip_metadata_api_check")
    bucket = {
        **dict.fromkeys(skips, "true"),
        "bucket": "jobs-901",
        "key": "shop.tfstate",
        "region": region,
        "endpoints": f"{{s3={endpoint},sts={endpoint}}}",
        "assume_role": f'{{role_arn="{role}",external_id="x-1"}}',
    }
    fields = {"backend": bucket, "region": region, "account_id": account, "emulated": True}

    first = job(tmp_path / "first", BUCKET_CODE, "plan", "apply", **fields)
    with (tmp_path / "said").open("w") as said:
        work = subprocess.Popen([*COMMAND, str(first)], env=environment(**EMULATED_CREDENTIALS), stdout=said)
    try:
        log = first / "out" / "events.jsonl"
        _until(lambda: log.exists() and '"provision_start"' in log.read_text())
        emulator.fail("s3:PutObject")
        (first / "code" / "go").touch()
        assert work.wait(60) == 1, (tmp_path / "said").read_text()
    finally:
        work.kill()
        emulator.clear_faults()
    told = result(first)
    assert (told["status"], told["step"]) == ("failed", "apply")
    assert "left in errored.tfstate" in (tmp_path / "said").read_text()

    pack(
        tmp_path / "job.zip",
        Job.from_dict(json.loads((first / "job.json").read_text())),
        first / "code",
        errored_state=first / "out" / "errored.tfstate",
    )
    unpack(tmp_path / "job.zip", second := tmp_path / "second")
    done = run(second, **EMULATED_CREDENTIALS)
    assert done.returncode == 0, done
    assert "The plan: no changes." in done.stdout, "without the push it would make everything again"
    assert not (second / "out" / "errored.tfstate").exists()
    state = json.loads(s3.get_object(Bucket="jobs-901", Key="shop.tfstate")["Body"].read())
    assert sorted(r["name"] for r in state["resources"]) == ["a", "wait"]


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
