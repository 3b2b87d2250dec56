"""What a pull request tells: what was asked for, and the plan that a merge would let be applied."""

import json

from stackyard.cmdb.models import PullRequest, Role, Run, RunStatus
from stackyard.errors import shown
from stackyard.github.status import failure_lines, link_lines, plan_lines
from stackyard.github.text import block, code, marker
from stackyard.runs.wish import Wish


def mark_of(run: Run) -> str:
    """The hidden first line of the comment that tells the plan of this run."""
    return marker("plan", f"{run.environment.uid}-{run.pk}")


def title_of(run: Run) -> str:
    """One line; of the settings only their names, and only where they are few."""
    wish = Wish.from_dict(run.request)
    names = [shown(name, 60) for name in (*wish.set, *wish.unset)]
    what = f": {', '.join(names)}" if 0 < len(names) <= 3 else ""
    return f"Change {run.environment.slug}{what}".replace("@", "(at)")[:200]


def body_of(run: Run, portal: str) -> str:
    """What was asked for, by whom, and what a merge does."""
    wish = Wish.from_dict(run.request)
    lines = [f"- {code(path)}: {code(json.dumps(value, ensure_ascii=False))}" for path, value in wish.set.items()]
    lines += [f"- {code(path)}: back to the pattern's default" for path in wish.unset]
    lines += [f"- {code(name)}: goes" for name in wish.drop_fqdns]
    if wish.upgrade:
        lines.append(f"- another version of {code(run.environment.pattern.name)}")
    if wish.commit:
        lines.append(f"- back to {code(wish.commit[:10])}")
    parts = [
        marker("pull", f"{run.environment.uid}-{run.pk}"),
        f"Asked for by {code(run.requested_by.username)} as run {run.pk} of {code(run.environment.slug)}.",
        "\n".join(lines or ["What is newest in the record is to be applied."]),
        "Merging approves the plan in the comment below, which is then applied. Closing rejects it. Whoever pushes to "
        "the branch has it planned again.",
        *link_lines(run.environment, portal, run),
    ]
    return "\n\n".join(parts)


def comment_of(row: PullRequest, run: Run, portal: str) -> str:
    """The one comment: the plan, who may let it be applied, and how it went."""
    head = row.heads[-1][:10] if row.heads else ""
    parts = [
        mark_of(run),
        f"### Run {run.pk} of {code(run.environment.slug)}: {run.get_status_display().lower()}",
        *_planned(run, head),
        *failure_lines(run),
        *_decision(row, run),
        *([block(row.refused)] if row.refused else []),
        *([row.note] if row.note else []),
        *link_lines(run.environment, portal, run),
    ]
    return "\n\n".join(parts)


def _planned(run: Run, head: str) -> list[str]:
    if not run.plan:
        return []
    lines = plan_lines(run)
    told = [f"Planned at {code(head)}." if lines else f"Planned at {code(head)}: nothing in AWS changes."]
    if run.plan.get("destructive"):
        told.append("**It takes something away.**")
    return [*told, *lines]


def _decision(row: PullRequest, run: Run) -> list[str]:
    if run.status != RunStatus.WAITING:
        return []
    who = "Platform staff" if run.approval_role == Role.PLATFORM else "A requester of the department"
    until = f", until {run.approval_until:%Y-%m-%d %H:%M} UTC" if run.approval_until else ""
    if row.merged:
        return [f"{who} may approve or reject it in Stackyard{until}."]
    name = f" {run.environment.slug}" if run.plan.get("destructive") else ""
    return [
        f"{who} may merge this pull request, or approve or reject it in Stackyard{until}, or by a comment here: "
        f"{code('/approve' + name)} or {code('/reject')}."
    ]
