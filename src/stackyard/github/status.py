"""What the issue of an environment should look like, from its runs alone."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stackyard.cmdb.models import Environment, Run, RunKind, RunStatus, Stage, StageStatus
from stackyard.github.text import block, code, listed, marker

LABEL = "stackyard"
STATES = "stackyard: "
"""What the labels begin with of which one at a time stands on an issue; all others are left alone."""

CHANGES_SHOWN = 30
EARLIER_SHOWN = 10
_SIGNS = {
    "create": ("+", "create"),
    "update": ("~", "update"),
    "replace": ("±", "replace"),
    "delete": ("-", "destroy"),
}
_STAGES = {
    StageStatus.PENDING: "",
    StageStatus.RUNNING: "at work",
    StageStatus.DONE: "done",
    StageStatus.FAILED: "**failed**",
    StageStatus.SKIPPED: "skipped",
}


@dataclass(frozen=True)
class Look:
    """An issue as it should be. `reason`: GitHub's word for why it is closed."""

    title: str
    body: str
    labels: tuple[str, ...]
    closed: bool
    reason: str
    comment: str

    @property
    def digest(self) -> str:
        """Of all that changes in the life of an environment."""
        said = [self.title, self.body, self.labels, self.closed, self.reason, self.comment]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def look_of(environment: Environment, runs: Sequence[Run], portal: str) -> Look:
    """`runs`: those that build, change and destroy, the newest first and at least one, with their stages fetched.
    `portal`: its address for links, or empty."""
    run = runs[0]
    return Look(
        title=_title(environment),
        body=_body(environment, portal),
        labels=(LABEL, STATES + environment.status),
        closed=environment.is_gone and not run.is_active,
        reason="completed" if run.status == RunStatus.SUCCEEDED else "not_planned",
        comment=_comment(environment, runs, portal),
    )


def _title(environment: Environment) -> str:
    what = environment.product.title if environment.product else f"sandbox {environment.sandbox.name}"
    # A title is plain text for GitHub; only a mention would be made of an @.
    return f"{environment.slug}: {environment.pattern.name} for {what}".replace("@", "(at)")[:200]


def _body(environment: Environment, portal: str) -> str:
    rows = [
        ("Product", environment.product.name if environment.product else ""),
        ("Pattern", f"{environment.pattern.name} {environment.pattern.version}"),
        ("Name", environment.name),
        ("Sandbox", environment.sandbox.name),
        ("Address", environment.address),
        ("Asked for by", environment.owner.username),
        *((path, json.dumps(value, ensure_ascii=False)) for path, value in sorted(environment.settings.items())),
    ]
    lines = [f"- {code(name)}: {code(value)}" for name, value in rows if value]
    return "\n".join([marker("environment", environment.uid), *lines, "", *link_lines(environment, portal)])


def _comment(environment: Environment, runs: Sequence[Run], portal: str) -> str:
    run = runs[0]
    said = "is waiting for approval" if run.status == RunStatus.WAITING else f"is {environment.status}"
    if environment.status == "attention":
        said = "needs attention"
    parts = [
        marker("status", environment.uid),
        f"### {code(environment.slug)} {said}",
        f"{run.get_kind_display()}, run {run.pk}: **{run.get_status_display().lower()}**. "
        f"Asked for by {code(run.requested_by.username)}.",
        _stages(run.stages.all()),
        *failure_lines(run),
        *plan_lines(run),
        *_decision(environment, run),
    ]
    if environment.address and not environment.is_gone:
        parts.append(f"Address: {code(environment.address)}")
    if environment.expires_at and not environment.is_gone:
        parts.append(f"Expires {environment.expires_at:%Y-%m-%d %H:%M} UTC.")
    if earlier := runs[1 : EARLIER_SHOWN + 1]:
        told = [f"- {r.get_kind_display()}, run {r.pk}: {r.get_status_display().lower()}" for r in earlier]
        parts.append("\n".join(["Before:", *told]))
    return "\n\n".join([*parts, *link_lines(environment, portal, run)])


def _stages(stages: "Sequence[Stage] | Any") -> str:
    lines = ["| Stage | | Seconds |", "|---|---|---|"]
    for stage in stages:
        ended = stage.finished_at is not None and stage.seconds is not None
        lines.append(
            f"| {stage.title} | {_STAGES[StageStatus(stage.status)]} | {f'{stage.seconds:.1f}' if ended else ''} |"
        )
    return "\n".join(lines)


def failure_lines(run: Run) -> list[str]:
    """What went wrong in a run and what to do next; nothing when all is well."""
    if not run.error:
        return []
    parts = ["**What happened**", block(run.error)]
    if run.problems:
        parts.append("\n".join(listed([f"- {code(p['field'])}: {code(p['message'])}" for p in run.problems])))
    if run.hint:
        parts += ["**What to do next**", block(run.hint)]
    if run.leftovers:
        left = "\n".join(f"{thing.get('kind', '')} {thing.get('id', '')}" for thing in run.leftovers)
        parts += ["**What is still there**", block(left)]
    return parts


def plan_lines(run: Run) -> list[str]:
    """What a run's plan changes; nothing when there is no plan, or it changes nothing."""
    changes = [c for c in run.plan.get("changes", []) if c.get("action") in _SIGNS]
    if not changes:
        return []
    counts = {word: sum(c["action"] == action for c in changes) for action, (_, word) in _SIGNS.items()}
    told = ", ".join(f"{count} to {word}" for word, count in counts.items() if count)
    lines = [f"{_SIGNS[c['action']][0]} {c['address']}" for c in changes[:CHANGES_SHOWN]]
    if len(changes) > CHANGES_SHOWN:
        lines.append(f"and {len(changes) - CHANGES_SHOWN} more")
    return [f"<details><summary>Plan: {told}</summary>", block("\n".join(lines)), "</details>"]


def _decision(environment: Environment, run: Run) -> list[str]:
    if run.status != RunStatus.WAITING:
        return []
    name = f" {environment.slug}" if run.plan.get("destructive") else ""
    who = "Platform staff" if run.approval_role == "platform" else "A requester of the department"
    until = f" until {run.approval_until:%Y-%m-%d %H:%M} UTC" if run.approval_until else ""
    return [f"{who} may comment {code(f'/approve{name}')} or {code('/reject')}{until}."]


def link_lines(environment: Environment, portal: str, run: Run | None = None) -> list[str]:
    """The link to the portal, where its address is known."""
    if not portal:
        return []
    place = f"/runs/{run.pk}/" if run else f"/environments/{environment.uid}/"
    return [f"[Open in Stackyard]({portal.rstrip('/')}{place})"]


LOGGED = (RunKind.CREATE, RunKind.CHANGE, RunKind.DESTROY)
"""The kinds of runs that an issue tells."""
