"""Builds that really build: what CodePipeline and CodeBuild do with a package, done on this machine.

moto keeps their definitions, but calls every build succeeded at once with nothing done. Here an object that is put
below `jobs/` in the source bucket of a pipeline starts an execution with that very object, and its build runs the
commands of the project's buildspec in one bash, with their output in CloudWatch Logs.

Other than on AWS: no container and no image (this machine's programs are used), no EventBridge in between (the put
itself starts the pipeline), no queue, no rights that are checked (the build has the project's role, as all
on the emulator it may do everything), and of a buildspec only `env.variables` and the commands of its phases.
"""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

GRACE_SECONDS = 30
PHASES = ("install", "pre_build", "build", "post_build")
"""In their order. https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html"""
PASSED_ON = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "STACKYARD_DATA")


@dataclass
class Build:
    """A build at work. `row` is what the API tells of it; `say` takes its lines."""

    row: dict[str, Any]
    package: bytes
    variables: Callable[[], Mapping[str, str]]
    buildspec: str
    say: Any
    ended: Any
    stopped: bool = False
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """In a thread of its own."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """As StopBuild: the commands are asked to end, and killed when they do not."""
        self.stopped = True
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            threading.Timer(GRACE_SECONDS, self._kill).start()

    def _kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def _run(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="stackyard-build-"))
        try:
            status = self._status(folder)
        except Exception as error:
            self.say(f"The build could not be done: {error}")
            status = "FAULT"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self.row.update(buildStatus="STOPPED" if self.stopped else status, buildComplete=True, currentPhase="COMPLETED")
        self.ended(self.row["buildStatus"])

    def _status(self, folder: Path) -> str:
        with zipfile.ZipFile(io.BytesIO(self.package)) as archive:
            archive.extractall(folder)
        spec = yaml.safe_load(self.buildspec)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', os.defpath)}"
        environment |= {str(k): str(v) for k, v in (spec.get("env", {}).get("variables") or {}).items()}
        environment |= self.variables()
        environment |= {"CODEBUILD_BUILD_ID": self.row["id"], "CODEBUILD_SRC_DIR": str(folder), "CI": "true"}
        self.row.update(currentPhase="BUILD")
        self.process = subprocess.Popen(
            ["bash", "-c", "\n".join(script(spec))],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        if self.stopped:
            self.stop()
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.say(line.rstrip("\n"))
        return "SUCCEEDED" if self.process.wait() == 0 else "FAILED"


def script(spec: Mapping[str, Any]) -> Iterator[str]:
    """The commands of a buildspec as one script: a phase ends at the first that fails; `post_build` follows a failed
    `build`, too."""
    yield "export CODEBUILD_BUILD_SUCCEEDING=1"
    for phase in PHASES:
        commands = (spec["phases"].get(phase) or {}).get("commands") or []
        for command in commands:
            skip = "" if phase == "post_build" else '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ] && '
            yield f"{skip}{{\n{command}\n}} || CODEBUILD_BUILD_SUCCEEDING=0"
        if phase in ("install", "pre_build"):
            yield '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ] || exit 1'
    yield '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]'


def milliseconds() -> int:
    """Now, as CloudWatch Logs counts."""
    return int(time.time() * 1000)
