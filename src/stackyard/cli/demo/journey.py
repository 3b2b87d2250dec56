"""The journey without a browser: create an environment, prove it, destroy it, prove that nothing is left."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from stackyard.cli.client import Client, part
from stackyard.cli.follow import watch
from stackyard.cli.values import read_settings


@dataclass
class Summary:
    """What came of it. `stages` and `destroy_stages`: name, status and seconds of each."""

    status: str = ""
    environment: str = ""
    pattern: str = ""
    account_id: str = ""
    fqdn: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    hops: list[dict[str, Any]] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    destroy_stages: list[dict[str, Any]] = field(default_factory=list)
    resources: int = 0
    leftover: int = 0
    engine: str = ""
    commit: str = ""
    error: str = ""
    hint: str = ""

    @property
    def succeeded(self) -> bool:
        """True when the environment was ready, and nothing is left of it."""
        return self.status == "ready" and self.leftover == 0 and not self.error

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def travel(
    client: Client, pattern: str, product: str, assignments: Sequence[str], tell: Callable[[str], None]
) -> Summary:
    """Do the whole journey, with progress on standard error."""
    settings: dict[str, Any] = {}
    if assignments:
        settings = read_settings(client.get(f"/patterns/{part(pattern)}")["parameters"], list(assignments), None)
    wish = {"product": product, "pattern": pattern, "name": f"try-{uuid.uuid4().hex[:4]}", "settings": settings}
    tell(f"Creating {product}-{wish['name']} from {pattern}")
    accepted = client.post("/environments", wish)
    run = watch(client, accepted["run"]["id"], to_stderr=True)
    address = f"/environments/{part(accepted['environment']['uid'])}"
    summary = _after_create(client.get(address), run)
    if summary.status in ("ready", "attention"):
        tell(f"Destroying {summary.environment}")
        run = watch(client, client.delete(address)["run"]["id"], to_stderr=True)
        summary.destroy_stages = _stages(run)
        if run["status"] != "succeeded":
            summary.error, summary.hint = summary.error or run["error"], summary.hint or run["hint"]
    summary.leftover = len(run["leftovers"])
    return summary


def _after_create(found: Any, run: Any) -> Summary:
    return Summary(
        status=found["status"],
        environment=found["slug"],
        pattern=f"{found['pattern']['name']} {found['pattern']['version']}",
        account_id=found["sandbox"]["account_id"],
        fqdn=found["fqdn"],
        outputs=found["outputs"],
        hops=found["hops"],
        stages=_stages(run),
        resources=len(found["resources"]),
        engine=run["engine"],
        commit=found["commit"],
        error=run["error"],
        hint=run["hint"],
    )


def _stages(run: Any) -> list[dict[str, Any]]:
    return [{"name": s["name"], "status": s["status"], "seconds": s["seconds"]} for s in run["stages"]]
