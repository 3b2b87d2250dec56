"""What a job lets through: to Terraform of the build's environment, and to the log of what was said."""

import json

import pytest

from stackyard.executors.job import Job
from stackyard.executors.running import given_environment, harmless, harmless_json, hidden_texts

JOB = Job(12, "shop-web", "abcdefgh", ("plan",), "keep", False)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("::set-env name=PATH::x", [": :set-env name=PATH::x"]),
        (" \t::error::x", [" \t: :error::x"]),
        ("\u3000::error::x", ["\u3000: :error::x"]),
        (":::x", [": ::x"]),
        (
            "said\n::stop-commands::x\r::add-mask::y\r\n::z::",
            ["said", ": :stop-commands::x", ": :add-mask::y", ": :z::"],
        ),
        ("said ##[error]x ####[[y", ["said ## [error]x #### [[y"]),
        ("module.a::b and IPv6 fe80::1", ["module.a::b and IPv6 fe80::1"]),
        ("", [""]),
    ],
)
def test_no_line_is_a_command_to_github(text: str, lines: list[str]) -> None:
    assert harmless(text) == lines


def test_terraform_gets_what_is_meant_for_it() -> None:
    own = {
        "TF_VAR_password": "from the build",
        "TF_CLI_ARGS": "-destroy",
        "TF_LOG": "trace",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_REGION": "us-east-1",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x",
        "AWS_PROFILE": "mine",
        "GITHUB_TOKEN": "token",
        "DATABASE_URL": "postgresql://",
    }
    job = Job(**{**vars(JOB), "region": "eu-west-1", "variables": {"TF_VAR_password": "from the job", "TF_VAR_a": "b"}})
    assert given_environment(job, own) == {
        "TF_VAR_password": "from the build",
        "TF_VAR_a": "b",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_REGION": "eu-west-1",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x",
    }


def test_a_secret_is_hidden_in_its_parts_and_between_quotes() -> None:
    found = hidden_texts(
        {
            "TF_VAR_a": '{"user": "x", "passwords": ["one-password", "two-password"]}',
            "TF_VAR_b": 'first "line" of it\nsecond line of it',
            "TF_VAR_stackyard_endpoint": "http://127.0.0.1:5000",
            "TF_VAR_short": "short",
        }
    )
    assert {"one-password", "two-password", 'first "line" of it', "second line of it"} <= set(found)
    assert {'first \\"line\\" of it', 'first \\"line\\" of it\\nsecond line of it'} <= set(found)
    assert not {"x", "short", "http://127.0.0.1:5000"} & set(found)
    assert list(found) == sorted(found, key=len, reverse=True), "a part must not spoil the whole"


def test_events_in_json_are_no_commands_to_github_and_stay_what_they_are() -> None:
    told = {"message": "##[add-mask]x ##[error]", "address": "a"}
    assert "##[" not in harmless_json(told)
    assert json.loads(harmless_json(told)) == told
