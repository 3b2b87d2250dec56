"""A failure is one readable line, and says what it calls for."""

import pytest

from stackyard.terraform.diagnostics import KNOWN, Known, TerraformFailed
from stackyard.terraform.events import Diagnostic

SEEN = [
    ("Error creating ECR repository: ThrottlingException: Rate exceeded", "retry"),
    ("RequestLimitExceeded: Request limit exceeded.", "retry"),
    ("TooManyRequestsException: slow down", "retry"),
    ("AccessDeniedException: User x is not authorized to perform: ecs:CreateService", "hold"),
    ("UnauthorizedOperation: You are not authorized to perform this operation.", "hold"),
    ("ExpiredToken: The security token included in the request is expired", "hold"),
    ("ExpiredTokenException: The security token included in the request is expired", "hold"),
    ("InvalidClientTokenId: The security token included in the request is invalid.", "hold"),
    ("error configuring Terraform AWS Provider: no valid credential sources found", "hold"),
    ("IAM Role (arn:aws:iam::1:role/x) cannot be assumed.", "hold"),
    ("RepositoryAlreadyExistsException: The repository with name 'x' already exists", "destroy"),
    ("EntityAlreadyExists: Role with name x already exists.", "destroy"),
    ("PriorityInUse: Priority '100' is currently in use", "destroy"),
    ("InvalidGroup.Duplicate: The security group 'x' exists", "destroy"),
    ("VpcLimitExceeded: The maximum number of VPCs has been reached.", "destroy"),
    ("ServiceQuotaExceededException: quota", "destroy"),
    ("TooManyTargetGroups: The maximum number of target groups has been reached", "destroy"),
    ("InsufficientDBInstanceCapacity: no room", "retry"),
    ("Error acquiring the state lock", "retry"),
    ("error waiting for ECS service (x) to become steady state: timeout while waiting for state", "destroy"),
    ("timeout while waiting for resource to be gone (last state: 'x', timeout: 10m0s)", "retry"),
    ("dial tcp 127.0.0.1:1: connect: connection refused", "retry"),
    ("Post https://ecs: net/http: TLS handshake timeout", "retry"),
    ("Resource precondition failed. Fargate does not offer this.", "setting"),
    ("Invalid value for variable. Must be at least 1.", "setting"),
    ("InvalidParameterException: bad cpu", "setting"),
    ("Failed to query available provider packages", "retry"),
    ("something that nobody foresaw", "destroy"),
]


@pytest.mark.parametrize(("summary", "recovery"), SEEN)
def test_what_a_failure_calls_for(summary: str, recovery: str) -> None:
    failed = TerraformFailed("apply", [Diagnostic("error", summary)], 1)
    assert failed.recovery == recovery
    assert bool(failed.hint) == (failed.known is not None)


def test_a_refused_sign_in_is_not_a_missing_permission_of_the_sandbox() -> None:
    text = "AccessDenied: User: x is not authorized to perform: sts:AssumeRole on resource: y"
    known = TerraformFailed("plan", [Diagnostic("error", text)], 1).known
    assert known is not None
    assert "sign in" in known.hint


@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry.example[:40])
def test_every_entry_of_the_table_knows_its_own_example(entry: Known) -> None:
    assert TerraformFailed("apply", [Diagnostic("error", entry.example)], 1).known is entry
    for sentence in (entry.why, entry.fix):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_the_attribute_that_was_refused_is_told() -> None:
    text = "ClientException: Invalid 'cpu' setting for task."
    failed = TerraformFailed("apply", [Diagnostic("error", text)], 1)
    assert failed.known is not None
    assert failed.known.attribute(failed.diagnostics[0]) == "cpu"


def test_what_a_person_must_mend_goes_before_what_may_pass() -> None:
    errors = [Diagnostic("error", "ThrottlingException: Rate exceeded"), Diagnostic("error", "AccessDenied: no")]
    assert TerraformFailed("apply", errors, 1).recovery == "hold"


def test_a_terraform_that_somebody_killed_can_be_started_again() -> None:
    assert TerraformFailed("apply", [], -9).recovery == "retry"
    assert TerraformFailed("apply", [], 1).recovery == "destroy"


def test_the_line_names_the_place_and_what_else_there_is() -> None:
    first = Diagnostic("error", "No room.", "Ask\n  for more", "aws_x.y")
    failed = TerraformFailed("apply", [first, Diagnostic("error", "Other")], 1)
    assert failed.message == "terraform apply failed (aws_x.y): No room. Ask for more And 1 more."
    assert failed.diagnostics[0] is first


def test_an_error_in_the_code_names_file_and_line() -> None:
    failed = TerraformFailed("init", [Diagnostic("error", "Missing brace", file="main.tf", line=7)], 1)
    assert "(main.tf:7)" in failed.message


def test_the_preamble_of_init_is_not_the_reason() -> None:
    preamble = Diagnostic("error", "Terraform encountered problems during initialisation, including problems\nwith")
    failed = TerraformFailed("init", [preamble, Diagnostic("error", "Missing brace")], 1)
    assert failed.message == "terraform init failed: Missing brace."


def test_the_hint_belongs_to_the_error_that_is_shown() -> None:
    failed = TerraformFailed(
        "apply", [Diagnostic("error", "Strange"), Diagnostic("error", "AccessDenied: no", address="aws_x.y")], 1
    )
    assert "aws_x.y" in failed.message
    assert "permission" in failed.hint


def test_without_a_word_the_status_is_told() -> None:
    assert "status 3" in TerraformFailed("plan", [], 3).message
    assert "signal 9" in TerraformFailed("plan", [], -9).message
