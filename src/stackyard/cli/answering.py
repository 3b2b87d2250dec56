"""Following a run through the question that its plan may ask: what is shown, who is asked, and how it ends."""

import sys
from typing import Any

import typer

from stackyard.cli.client import Client
from stackyard.cli.output import printable
from stackyard.errors import Conflict, Invalid

SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "replace": ("±", "yellow"), "delete": ("-", "red")}


def follow(client: Client, run_id: int, *, confirm: str = "", plan: bool = False, to_stderr: bool = False) -> Any:
    """Show a run until it has ended, or until it waits for an approval that cannot be given here; returns the run.

    On a terminal the person is asked; elsewhere `confirm`, the environment's slug, says yes, once. `plan`: show the
    plan also when nothing is asked.
    """
    from stackyard.cli.follow import watch

    answers = iter([confirm] if confirm else [])
    shown = False

    def decide(run: Any) -> bool:
        nonlocal shown
        shown = True
        show_plan(run["plan"], to_stderr=to_stderr)
        if run["approval_role"] == "platform" and not client.get("/me")["platform"]:
            return False
        yes = next(answers, None)
        if yes is None:
            # What was confirmed was one plan; another that was made since is not approved unseen.
            yes = None if confirm else asked(run)
        return yes is not None and bool(approved(client, run, yes))

    run = watch(client, run_id, to_stderr=to_stderr, decide=decide)
    if plan and not shown:
        show_plan(run["plan"], to_stderr=to_stderr)
    return run


def asked(run: Any) -> str | None:
    """What a person answers: the slug, where the plan takes things away, else an empty text; None: no, or nobody."""
    if not somebody_is_there():
        return None
    slug = run["environment"]
    if run["plan"].get("destructive"):
        typed: str = typer.prompt(
            f"This plan takes things away. Type {slug} to apply it, or nothing to leave it",
            default="",
            show_default=False,
            err=True,
        )
        return typed.strip() or None
    return "" if typer.confirm("Apply this plan?", err=True) else None


def somebody_is_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def approved(client: Client, run: Any, confirmation: str) -> Any:
    """Approve exactly the plan of this run as it was shown; returns the run."""
    yes = {"confirmation": confirmation, "digest": run["plan"].get("digest", "")}
    try:
        return client.post(f"/runs/{run['id']}/approve", yes)
    except Invalid as error:
        raise Invalid(error.problems, hint=f"Run {run['id']} waits on. {ways(run)}") from None


def unanswered(run: Any) -> Conflict:
    """That a run waits on, and how it can be answered."""
    who = "platform staff" if run["approval_role"] == "platform" else "somebody who may change it"
    return Conflict(f"Run {run['id']} waits for approval by {who}. Nothing is applied before that.", hint=ways(run))


def ways(run: Any) -> str:
    """The commands that answer a run that waits."""
    confirm = f" --confirm {run['environment']}" if run["plan"].get("destructive") else ""
    return f"`stackyard run approve {run['id']}{confirm}` applies its plan, `stackyard run reject {run['id']}` ends it."


def show_plan(plan: Any, *, to_stderr: bool = False) -> None:
    """A plan for people: one line for each resource, what is lost in red, and the sum. Nothing before it is made."""
    if not plan:
        return
    for item in plan.get("changes", []):
        sign, colour = SIGNS.get(item["action"], ("?", "yellow"))
        lost = " (what is in it is lost)" if item.get("destructive") else ""
        touched = item.get("attributes")
        what = f": {', '.join(touched)}" if touched else ""
        text = printable(f"  {sign} {item['address']}{what}{lost}")
        typer.secho(text, fg="red" if lost else colour, err=to_stderr)
    typer.echo(f"Plan: {plan['summary']}.", err=to_stderr)
