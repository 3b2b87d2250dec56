"""`stackyard sandbox`, as platform staff and their scripts use it."""

import json
from typing import Any

import pytest
from pydantic import SecretStr
from tests.factories import Organisation
from tests.integration.api.test_command_line import Stackyard, org, server, stackyard

from stackyard.aws.check import Finding
from stackyard.cli.pattern_test import _sandbox
from stackyard.cmdb.models import AddressPool, ApiToken, Run, Sandbox
from stackyard.settings import get_settings

__all__ = ["org", "server", "stackyard"]


@pytest.fixture
def staff(stackyard: Stackyard, org: Organisation, monkeypatch: pytest.MonkeyPatch) -> Stackyard:
    """The command, run as platform staff, far from AWS."""
    monkeypatch.setattr(get_settings(), "aws_endpoint", "http://127.0.0.1:9")
    monkeypatch.setattr("stackyard.environments.baselines._ask_account", lambda sandbox: ())
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.platform, "test")[1])
    AddressPool.objects.create(name="corp", block="10.20.0.0/16")
    return stackyard


def add(staff: Stackyard, *more: str) -> Any:
    given = ("third", "commerce", "777788889999", "eu-west-1", "third.example.com", "--emulated")
    return staff("sandbox", "add", *given, *more)


def test_added_with_a_role_an_external_id_and_the_only_pool(staff: Stackyard) -> None:
    added = add(staff)
    assert added.exit_code == 0, added.output
    row = Sandbox.objects.get(name="third")
    assert row.role_arn == "arn:aws:iam::777788889999:role/stackyard"
    assert len(row.external_id) >= 16
    assert row.pool is not None
    assert "third\tnew\t777788889999" in staff("sandbox", "list").stdout
    policies = staff("sandbox", "policies", "third", "--json")
    assert row.external_id in policies.stdout
    assert json.loads(policies.stdout)[0]["policy"]["Statement"]


def test_refusals_name_the_fields(staff: Stackyard) -> None:
    refused = add(staff, "--role", "nonsense", "--own", "vpc_id=x")
    assert refused.exit_code == 2
    assert "role_arn:" in refused.stderr
    assert "facts.vpc_id: 'x' is none" in refused.stderr


def test_a_check_exits_with_1_when_something_is_missing(staff: Stackyard, monkeypatch: pytest.MonkeyPatch) -> None:
    add(staff)
    found = [Finding("Role", True, "It opens.", ""), Finding("VPCs", None, "Not told.", "Allow it.")]
    monkeypatch.setattr("stackyard.environments.sandboxes.check_sandbox", lambda *_, **__: found)
    assert staff("sandbox", "check", "third").exit_code == 0
    found.append(Finding("Zone", False, "It is nobody's.", "Make the record."))
    checked = staff("sandbox", "check", "third")
    assert checked.exit_code == 1
    assert "missing\tZone\tIt is nobody's." in checked.stdout
    assert "Zone: Make the record." in checked.stderr
    assert "not fit to be built in: Zone" in checked.stderr
    as_json = staff("sandbox", "check", "third", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["fit"] is False


def test_settings_are_typed_and_fields_are_edited(staff: Stackyard) -> None:
    add(staff)
    assert staff("sandbox", "edit", "third", "--set", "max_environments=9").exit_code == 0
    assert Sandbox.objects.get(name="third").max_environments == 9
    rule = "approvals=[{kinds: [create], role: platform}]"
    edited = staff("sandbox", "edit", "third", "--set", rule, "--set", "executor=codebuild")
    assert edited.exit_code == 0, edited.output
    assert "1 rules beside the usual one" in edited.stdout
    row = Sandbox.objects.get(name="third")
    assert (row.approvals, row.executor) == ([{"kinds": ["create"], "role": "platform"}], "codebuild")
    refused = staff("sandbox", "edit", "third", "--set", "approvals=[{role: boss}]", "--set", "executor=jenkins")
    assert refused.exit_code == 2
    assert "approvals: Rule 1, role:" in refused.stderr
    assert "executor: There is no executor 'jenkins'" in refused.stderr
    named = "executor_options={results: state-of-third}"
    assert staff("sandbox", "edit", "third", "--set", named).exit_code == 0
    assert "codebuild results=state-of-third" in staff("sandbox", "show", "third").stdout
    refused = staff("sandbox", "edit", "third", "--set", "executor_options={colour: red}")
    assert refused.exit_code == 2
    assert "executor_options: colour: The executor codebuild has the options" in refused.stderr
    refused = staff("sandbox", "edit", "third", "--set", "executor=github-actions")
    assert refused.exit_code == 2
    assert "executor: Stackyard has no way into GitHub: set STACKYARD_GITHUB_TOKEN" in refused.stderr
    wrong = staff("sandbox", "bootstrap", "third", "--set", "logs.retention_days=15")
    assert wrong.exit_code == 2
    assert "settings.logs.retention_days" in wrong.stderr
    built = staff("sandbox", "bootstrap", "third", "--set", "network.nat_per_zone=true", "--cidr", "10.20.32.0/20")
    assert built.exit_code == 0, built.output
    assert Run.objects.get().environment.settings == {"network.nat_per_zone": True}
    assert "baseline-third, creating" in staff("sandbox", "show", "third").stdout


def test_the_repository_of_its_issues_is_given_shown_and_edited(
    staff: Stackyard, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = add(staff, "--issues", "third")
    assert refused.exit_code == 2
    assert "issues: 'third' is no repository: write owner/name, or none." in refused.stderr
    monkeypatch.setattr(get_settings(), "github_token", SecretStr("a-token"))
    assert add(staff, "--issues", "acme/third").exit_code == 0
    assert "acme/third" in staff("sandbox", "show", "third").stdout
    assert json.loads(staff("sandbox", "show", "third", "--json").stdout)["issues"] == "acme/third"
    for text, said in (("none", "none"), ("", "as the installation has it")):
        edited = staff("sandbox", "edit", "third", "--set", f"issues={text}")
        assert edited.exit_code == 0, edited.output
        assert f"Issues        {said}" in edited.stdout
        assert Sandbox.objects.get(name="third").issues == text


def test_retired_only_with_yes_and_back(staff: Stackyard) -> None:
    add(staff)
    assert staff("sandbox", "retire", "third").exit_code == 2
    assert staff("sandbox", "retire", "third", "--yes").exit_code == 0
    assert Sandbox.objects.get(name="third").status == "retired"
    assert staff("sandbox", "reinstate", "third").exit_code == 0
    assert Sandbox.objects.get(name="third").status == "new"


def test_a_pattern_is_tested_in_a_sandbox_with_the_external_id_of_its_role(
    staff: Stackyard, org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sandbox.objects.filter(pk=org.sandbox.pk).update(external_id="only-for-this-one")
    assert _sandbox("commerce-dev").access.external_id == "only-for-this-one"
    monkeypatch.setenv("STACKYARD_TOKEN", ApiToken.issue(org.requester, "test")[1])
    refused = staff("pattern", "test", "ecs-worker", "--sandbox", "commerce-dev")
    assert refused.exit_code == 4, refused.output
    assert "Only platform staff may test in the sandbox commerce-dev" in refused.stderr
    assert "Leave --sandbox out" in refused.stderr
