"""What Terraform's process may know, what its log may show, and that no callback can leave one running."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stackyard.errors import LeaseLost, Unavailable
from stackyard.terraform.commands import Terraform, child_environment, secrets_in
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.engine import Engine
from stackyard.terraform.events import Event
from stackyard.terraform.processes import Process
from stackyard.terraform.workdir import Workdir


def python(body: str) -> Engine:
    """An engine that does what the body says, whatever it is told."""
    return Engine("terraform", "1.11.4", (sys.executable, "-c", body))


def test_the_environment_of_the_child_is_an_allow_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("TF_CLI_ARGS", "-canary")
    monkeypatch.setenv("DATABASE_URL", "canary")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/canary")
    monkeypatch.setenv("HOME", "/canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    workdir = Workdir(tmp_path)
    environment = child_environment(workdir, {"GIVEN": "1"})
    assert "canary" not in "".join(environment.values())
    assert environment["TF_CLI_CONFIG_FILE"] == str(workdir.cli_config)
    assert environment["TF_INPUT"] == "0"
    assert environment["HTTPS_PROXY"] == "http://proxy"
    assert environment["GIVEN"] == "1"


def test_secrets_are_known_by_their_names_and_as_passwords_of_addresses() -> None:
    found = secrets_in(
        {
            "AWS_ACCESS_KEY_ID": "AKIAAAAAAAAAAAAAAAAA",
            "AWS_SECRET_ACCESS_KEY": "s" * 40,
            "TF_VAR_db_password": "p" * 12,
            "PG_CONN_STR": "postgresql://user:long%2Fpassword@host/db",
            "TF_VAR_token": "short",
        }
    )
    assert set(found) == {
        "s" * 40, "p" * 12, "postgresql://user:long%2Fpassword@host/db", "long%2Fpassword", "long/password"
    }  # fmt: skip
    assert found == tuple(sorted(found, key=len, reverse=True))


@pytest.mark.parametrize("address", ["host=x password=y dbname=z", "postgresql://[", "x://a:b@c:notaport/"])
def test_an_odd_address_is_hidden_whole(address: str) -> None:
    assert secrets_in({"PG_CONN_STR": address, "X_TOKEN": "postgresql://u:another-password@h/d"})[-2:] == tuple(
        sorted((address, "another-password"), key=len, reverse=True)
    )


def test_the_work_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    workdir = Workdir(tmp_path / "deep" / "w")
    workdir.prepare()
    workdir.prepare()
    assert workdir.root.stat().st_mode & 0o777 == 0o700
    assert workdir.code.is_dir()


def test_no_secret_of_the_environment_reaches_an_event_or_a_message(tmp_path: Path) -> None:
    body = """
import json, os, sys
secret = os.environ["AWS_SECRET_ACCESS_KEY"]
print("plain", secret)
print(json.dumps({"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "bad " + secret}}))
sys.exit(1)
"""
    events: list[Event] = []
    secret = "very-secret-value"
    terraform = Terraform(
        python(body), Workdir(tmp_path / "w"), {"AWS_SECRET_ACCESS_KEY": secret}, on_event=events.append
    )
    with pytest.raises(TerraformFailed) as error:
        asyncio.run(terraform.init())
    assert "bad (hidden)" in error.value.message
    assert len(events) == 2
    assert secret not in repr(events) + repr(error.value) + repr(error.value.diagnostics)


def test_an_answer_that_is_cut_off_is_not_quoted(tmp_path: Path) -> None:
    terraform = Terraform(python('print(\'{"variables": {"password": "canary\')'), Workdir(tmp_path / "w"), {})
    with pytest.raises(Unavailable) as error:
        asyncio.run(terraform.state())
    assert "canary" not in str(error.value)


def test_warnings_do_not_get_into_an_answer(tmp_path: Path) -> None:
    body = "import sys; print('Warning: something', file=sys.stderr); print('{}')"
    terraform = Terraform(python(body), Workdir(tmp_path / "w"), {})
    assert asyncio.run(terraform.state()).resources == ()


def test_a_failed_answer_tells_the_complaint_and_not_the_output(tmp_path: Path) -> None:
    framed = "╷\n│ Error: No state\n│\n│ Backend away.\n╵"
    body = f"import sys; print('canary'); print({framed!r}, file=sys.stderr); sys.exit(1)"
    terraform = Terraform(python(body), Workdir(tmp_path / "w"), {})
    with pytest.raises(TerraformFailed) as error:
        asyncio.run(terraform.state())
    assert error.value.message == "terraform state failed: No state. Backend away."
    assert not list(terraform.workdir.root.glob("*.log"))


def test_an_engine_that_is_gone_is_said_in_words(tmp_path: Path) -> None:
    engine = Engine("terraform", "1.11.4", (str(tmp_path / "gone"),))
    with pytest.raises(Unavailable, match="could not be started"):
        asyncio.run(Terraform(engine, Workdir(tmp_path / "w"), {}).init())


LONG = 'import time; print(\'{"@message": "begun"}\', flush=True); time.sleep(60)'


def _lost(_: object) -> None:
    raise LeaseLost("Another worker has the run.")


@pytest.mark.parametrize("callback", ["on_event", "on_process"])
def test_a_callback_that_raises_leaves_no_process(tmp_path: Path, callback: str) -> None:
    seen: list[Process] = []

    def note(process: Process | None) -> None:
        if process:
            seen.append(process)
            if callback == "on_process":
                _lost(process)

    on_event: Callable[[Event], None] = _lost if callback == "on_event" else lambda event: None
    terraform = Terraform(python(LONG), Workdir(tmp_path / "w"), {}, on_event=on_event, on_process=note)
    with pytest.raises(LeaseLost):
        asyncio.run(terraform.init())
    assert not seen[0].alive()


def test_a_command_whose_task_is_cancelled_gets_its_grace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()
    graces: list[float] = []
    end = Process.end

    async def note(self: Process, grace_seconds: float, *rest: Callable[[str], None]) -> None:
        graces.append(grace_seconds)
        await end(self, grace_seconds, *rest)

    monkeypatch.setattr(Process, "end", note)

    async def journey() -> None:
        terraform = Terraform(
            python(LONG), Workdir(tmp_path / "w"), {}, on_event=lambda event: begun.set(), grace_seconds=20
        )
        task = asyncio.create_task(terraform.init())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(journey())
    assert graces == [20]


def test_events_come_while_the_command_runs_and_in_order(tmp_path: Path) -> None:
    go = tmp_path / "go"
    body = f"""
import os, sys, time
print("one", flush=True)
while not os.path.exists({str(go)!r}): time.sleep(0.01)
sys.stdout.write("two\\nthree"); sys.stdout.flush()
"""
    heard: list[str] = []

    def on_event(event: Event) -> None:
        heard.append(event.message)
        go.touch()

    asyncio.run(Terraform(python(body), Workdir(tmp_path / "w"), {}, on_event=on_event).init())
    assert heard == ["one", "two", "three"]
