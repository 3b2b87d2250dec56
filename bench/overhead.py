"""What Stackyard adds to Terraform: a whole create run against bare init, plan and apply of the same code.

Pairs alternate on the same emulator. Each bare run takes the folder that the record holds of the pair's first half,
with the environment's name, rule priority and state replaced, and runs the same Terraform and provider by hand.
"""

import os
import re
import secrets
import shutil
import statistics
import subprocess
import time
from datetime import datetime
from typing import Any

from bench.yard import await_end, yard
from stackyard.aws.sessions import SandboxAccess
from stackyard.cli.demo.organisation import SANDBOXES
from stackyard.cli.demo.stack import DemoStack
from stackyard.terraform.engine import find_engine
from stackyard.terraform.providers import provider_mirror, write_cli_config

PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
PATTERNS = {"ecs-service": 1.05, "ecs-web-db": 1.03, "ecs-worker": 1.05}
"""Pattern -> aim. The usual one, the whole line to a database, and one that hardly waits: the worst case."""
SETTINGS = {"ecs-web-db": {"database.engine": "postgres"}}


def run() -> dict[str, Any]:
    """Median ratio per pattern. BENCH_PAIRS and BENCH_PATTERNS (comma-separated) make it shorter."""
    wanted = os.environ.get("BENCH_PATTERNS", ",".join(PATTERNS)).split(",")
    figures: dict[str, Any] = {"pairs": PAIRS}
    with yard() as (stack, client):
        for pattern in wanted:
            ratios, ours, bares = [], [], []
            for number in range(PAIRS + 1):
                name = f"b{number}{pattern[4:]}"
                wish = {"product": "shop", "pattern": pattern, "name": name, "settings": SETTINGS.get(pattern, {})}
                # Asked for seldom: on two cores the questions themselves would slow down what is measured.
                ended = await_end(client, client.post("/environments", wish)["run"]["id"], pause=1)
                mine = _seconds(ended)
                if ended["status"] != "succeeded":
                    raise RuntimeError(f"{name}: {ended['error']}")
                bare = _bare(stack, name)
                if number:  # the first pair warms both up
                    ours.append(mine)
                    bares.append(bare)
                    ratios.append(mine / bare)
            figures |= {
                f"{pattern}: create run, median s": statistics.median(ours),
                f"{pattern}: bare Terraform, median s": statistics.median(bares),
                f"{pattern}: median ratio (aim at most {PATTERNS[pattern]})": statistics.median(ratios),
                f"{pattern}: all ratios": ", ".join(f"{r:.3f}" for r in sorted(ratios)),
            }
    return figures


def _seconds(run: dict[str, Any]) -> float:
    """From the moment that the request was accepted until all was registered."""
    begin, end = (datetime.fromisoformat(run[name]) for name in ("created_at", "finished_at"))
    return (end - begin).total_seconds()


def _bare(stack: DemoStack, name: str) -> float:
    """Seconds of init, plan and apply by hand."""
    source, folder = stack.data / "record" / "commerce" / "shop" / name, stack.data / "bare" / name
    shutil.copytree(source, folder)
    (folder / ".terraform.lock.hcl").unlink()
    interface = folder / "locals.tf"
    text = interface.read_text().replace(f"shop-{name}", f"shop-x{name}")
    text = text.replace("rule_priority = 1", "rule_priority = 2")
    # The record holds what is right once the environment stands; this one is new.
    interface.write_text(re.sub(r"(?m)^(  exists\s*=\s*)true$", r"\1false", text))
    box = SANDBOXES[0]
    access = SandboxAccess(box.account_id, box.region, box.role_arn, "", os.environ["STACKYARD_AWS_ENDPOINT"])
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TF_CLI_CONFIG_FILE": str(write_cli_config(folder / "rc", provider_mirror(stack.data / "providers"))),
        "PG_CONN_STR": os.environ["DATABASE_URL"],
        "PG_SCHEMA_NAME": f"bare_{name}",
        **access.environment("stackyard-bench"),
        **access.terraform_variables(),
        "TF_VAR_database_password": secrets.token_hex(16),  # what has no such variable does not look at it
    }
    terraform = find_engine().command
    begin = time.perf_counter()
    for command, *rest in (("init",), ("plan", "-out=plan"), ("apply", "plan")):
        arguments = [*terraform, command, "-input=false", "-no-color", *rest]
        subprocess.run(arguments, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin
