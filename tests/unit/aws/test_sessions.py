"""What Terraform's process is given to reach a sandbox, and nothing more."""

import pytest

from stackyard.aws.facts import BaselineFacts
from stackyard.aws.sessions import BASE_CREDENTIALS, SandboxAccess
from stackyard.errors import Unavailable, Unusable

ROLE = "arn:aws:iam::111122223333:role/stackyard"
REAL = SandboxAccess("111122223333", "eu-central-1", ROLE, "ext", "")
EMULATED = SandboxAccess("111122223333", "eu-central-1", ROLE, "", "http://127.0.0.1:1")


@pytest.fixture(autouse=True)
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's environment with credentials of its own, and things that are nobody's business."""
    for name in BASE_CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWORKER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "worker-secret")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token")
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")


def test_on_aws_the_workers_own_base_credentials_are_passed() -> None:
    variables = REAL.environment("stackyard-k3x9")
    assert variables == {
        "AWS_REGION": "eu-central-1",
        "TF_APPEND_USER_AGENT": "stackyard-k3x9",
        "AWS_ACCESS_KEY_ID": "AKIAWORKER",
        "AWS_SECRET_ACCESS_KEY": "worker-secret",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token",
    }
    assert REAL.terraform_variables() == {}


def test_the_emulator_never_sees_real_credentials() -> None:
    variables = EMULATED.environment("stackyard-k3x9")
    assert "AKIAWORKER" not in variables.values()
    assert "worker-secret" not in variables.values()
    assert "AWS_WEB_IDENTITY_TOKEN_FILE" not in variables
    assert EMULATED.terraform_variables() == {"TF_VAR_stackyard_endpoint": "http://127.0.0.1:1"}


def test_an_aws_that_does_not_answer_is_told() -> None:
    with pytest.raises(Unavailable, match="could not be assumed"):
        EMULATED.confirm_account()


def test_missing_facts_are_named() -> None:
    with pytest.raises(Unusable, match=r"does not offer vpc_cidr, public_subnet_ids, .*certificate_arn"):
        BaselineFacts.from_dict({"vpc_id": "vpc-1", "public_subnet_ids": []})


def test_facts_survive_json_and_further_outputs() -> None:
    values = {name: f"{name}-value" for name in BaselineFacts.__dataclass_fields__}
    lists = {name: ["a", "b"] for name in values if name.endswith("subnet_ids")}
    facts = BaselineFacts.from_dict({**values, **lists, "region": "eu-central-1"})
    assert facts.private_subnet_ids == ("a", "b")
    assert facts.as_dict() == {**values, **lists}
