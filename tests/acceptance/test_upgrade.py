"""As an application developer I follow a new version of a pattern, and lose nothing of what is mine."""

import subprocess
from pathlib import Path

import pytest

from stackyard.cmdb.models import Environment
from stackyard.environments import change as changes
from stackyard.environments.change import ChangeRequest
from stackyard.environments.upgrade import UpgradeRequest, newer_version, preview, upgrade
from stackyard.errors import Conflict, Invalid
from stackyard.runs.approve import approve
from tests.acceptance.test_change import RECORD, carry, edit_record, ended, standing
from tests.acceptance.test_recovery import assert_nothing_is_left
from tests.versions import own_catalogue, publish
from tests.yard import Yard, log_of

pytestmark = pytest.mark.journey

VERSION_2 = {
    "locals.tf": (
        ("retention_days = 14", "retention_days = 30"),  # another default
        ("visibility_seconds = 60", "visibility_seconds = 90"),  # which the environment has otherwise
        (
            "  # How many tasks run.\n",
            '  # What the log group is for.\n  purpose = "logs"\n\n  # How many tasks run.\n',
        ),
    ),
    "versions.tf": (('version = ">= 3.39"', 'version = ">= 3.38"'),),  # so the lock has to be renewed
    "outputs.tf": (('output "queue_url"', 'output "purpose" {\n  value = local.purpose\n}\n\noutput "queue_url"'),),
}


def queue_of(yard: Yard, env: Environment) -> dict[str, str]:
    sqs = yard.access(env.sandbox).client("sqs")
    return dict(sqs.get_queue_attributes(QueueUrl=env.outputs["queue_url"], AttributeNames=["All"])["Attributes"])


def log_days(yard: Yard, env: Environment) -> int:
    logs = yard.access(env.sandbox).client("logs")
    (group,) = logs.describe_log_groups(logGroupNamePrefix=env.outputs["log_group_name"])["logGroups"]
    return int(group["retentionInDays"])


def edit_file(env: Environment, name: str, text: str) -> None:
    """A person puts a file of their own beside the pattern's, and commits."""
    (RECORD / env.record_folder / name).write_text(text)
    who = ["-c", "user.name=Hand", "-c", "user.email=hand@example.com"]
    subprocess.run(["git", "add", f"{env.record_folder}/{name}"], cwd=RECORD, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "By hand"], cwd=RECORD, check=True)


@pytest.mark.long
def test_a_newer_version_keeps_what_is_mine(yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = own_catalogue(tmp_path, monkeypatch)
    env = standing(yard, "followed", queue__visibility_seconds=300)
    edit_record(env, "max_attempts = 5", "max_attempts = 2 + 5 # tried out")
    edit_file(env, "ours.tf", '# Ours.\noutput "ours" {\n  value = "kept"\n}\n')
    assert newer_version(env) is None

    publish(folder, "2.0.0", VERSION_2)

    assert newer_version(env)
    seen = preview(yard.user, env, UpgradeRequest())
    assert {k.path for k in seen.kept} == {"queue.max_attempts", "ours.tf"}
    assert [(c.path, c.old, c.new, c.mine) for c in seen.undecided] == [("queue.visibility_seconds", "60", "90", "300")]
    with pytest.raises(Invalid, match=r"take\.queue\.visibility_seconds"):
        upgrade(yard.user, env, UpgradeRequest(), via="api")

    take = {"queue.visibility_seconds": "mine"}
    looked = carry(upgrade(yard.user, env, UpgradeRequest(take=take, plan_only=True), via="api"))
    env = ended(looked, "succeeded")
    assert (env.status, env.pattern.version, log_days(yard, env)) == ("ready", "1.0.0", 14), "to look changes nothing"

    run = carry(upgrade(yard.user, env, UpgradeRequest(take=take), via="api"))

    env = ended(run, "succeeded")
    assert (env.status, env.pattern.version) == ("ready", "2.0.0")
    assert (log_days(yard, env), queue_of(yard, env)["VisibilityTimeout"]) == (30, "300")
    assert '"maxReceiveCount":7' in queue_of(yard, env)["RedrivePolicy"].replace(" ", "")
    recorded = (RECORD / env.record_folder / "locals.tf").read_text()
    assert "max_attempts = 2 + 5" in recorded
    assert 'purpose = "logs"' in recorded
    assert (RECORD / env.record_folder / "ours.tf").read_text().startswith("# Ours.")
    assert "Kept as it was here: queue.max_attempts." in log_of(run)
    assert "they are chosen anew" in log_of(run)
    assert (RECORD / env.record_folder / ".terraform.lock.hcl").exists()
    assert newer_version(env) is None

    again = carry(changes.apply_again(yard.user, env, via="api"))
    ended(again, "succeeded")
    assert again.plan["summary"] == "no changes"
    changed = carry(changes.change(yard.user, env, ChangeRequest(set={"purpose": "audit"}), via="api"))
    ended(changed, "succeeded")

    gone = carry(yard.destroy(env))
    ended(gone, "succeeded")
    assert_nothing_is_left(yard, gone)


@pytest.mark.long
def test_a_version_that_changes_nothing_in_aws_is_registered_all_the_same(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_catalogue(tmp_path, monkeypatch)
    env = standing(yard, "renamed")
    publish(folder, "1.0.1", {"main.tf": (("# A worker", "# The worker"),)})
    run = carry(upgrade(yard.user, env, UpgradeRequest(confirm=True), via="api"))
    env = ended(run, "succeeded")
    assert (run.plan["summary"], env.pattern.version) == ("no changes", "1.0.1")
    assert (RECORD / env.record_folder / "main.tf").read_text().startswith("# The worker")

    # One that cannot be applied as a whole: the code is recorded, and both ways on are open.
    more = '# The worker\nresource "aws_sqs_queue" "more" {\n  name = "${local.name}-more"\n  tags = local.tags\n}\n#'
    setting = ("  # How many tasks run.\n", "  # For a test.\n  more = true\n\n  # How many tasks run.\n")
    publish(folder, "1.1.0", {"main.tf": (("# The worker", more),), "locals.tf": (setting,)})
    yard.emulator.fail("sqs:CreateQueue")
    broken = carry(upgrade(yard.user, env, UpgradeRequest(), via="api"))
    yard.emulator.clear_faults()
    env = ended(broken, "failed")
    assert (env.pattern.version, newer_version(env) is not None) == ("1.0.1", True), "it does not stand"
    with pytest.raises(Conflict, match="not applied"):
        preview(yard.user, env, UpgradeRequest())
    assert "more" in changes.current_settings(env), "the form is that of the recorded version"

    back = carry(changes.back_to_last_good(yard.user, env, via="api"))
    env = ended(back, "succeeded")
    assert (env.pattern.version, "more" in changes.current_settings(env)) == ("1.0.1", False)

    waiting = carry(upgrade(yard.user, env, UpgradeRequest(set={"more": False}, confirm=True), via="api"))
    ended(waiting, "waiting")
    run = carry(approve(yard.user, waiting, digest=waiting.plan["digest"]))
    env = ended(run, "succeeded")
    assert (env.pattern.version, env.settings["more"]) == ("1.1.0", False), "it goes on as what was approved"
