"""What follows from an error: the same again after a pause, a setting that a person has to correct, or the way back.

What the errors of Terraform and AWS call for is data (`terraform.known`); here it is acted upon. The kinds `destroy`
and `hold` need no code of their own: a create that cannot go on is taken back, and a change or destroy never is.
"""

import asyncio
import re
import socket

from django.db.models import F

from stackyard.cmdb.models import RunKind
from stackyard.errors import Invalid, StackyardError, Unavailable
from stackyard.runs import limits
from stackyard.runs.changing import PlanAgain, plan_change
from stackyard.runs.context import RunContext
from stackyard.runs.database import in_database
from stackyard.runs.interface import Interface
from stackyard.runs.judgement import goes_no_further
from stackyard.runs.lease import guarded
from stackyard.runs.refused import Code
from stackyard.runs.stages import STAGES, NotProven
from stackyard.terraform.diagnostics import TerraformFailed
from stackyard.terraform.events import Diagnostic
from stackyard.terraform.known import known

LONGEST_PAUSE = 120.0
_LOCK = re.compile(r"ID:\s+(?P<id>[\w-]+).*?Who:\s+\S+@(?P<host>\S+)", re.DOTALL)


async def do_stage(ctx: RunContext, name: str) -> None:
    """Do one stage, and again while its error says that this may help. Raises the last error; Invalid with the
    settings that it speaks of, when it speaks of any."""
    settings = ctx.settings
    for number in range(1, settings.stage_tries + 1):
        try:
            return await limits.bounded(ctx, _once(ctx, name) if number == 1 else _again(ctx, name))
        except StackyardError as error:
            why = reason_to_try_again(error)
            if not why or number == settings.stage_tries:
                raise await asyncio.to_thread(_told, ctx, error) from error
            seconds = min(settings.retry_seconds * 2 ** (number - 1), LONGEST_PAUSE)
            ctx.log.write(f"{error.message}", level="warning")
            ctx.log.write(
                f"Trying again in {seconds:.0f} s ({number + 1} of {settings.stage_tries}): {why}", level="warning"
            )
            await in_database(guarded, ctx.lease, tries=F("tries") + 1)
            await limits.pause(ctx, seconds)
            await _release_lock_of_the_dead(ctx, error)


def reason_to_try_again(error: StackyardError) -> str:
    """Why the same stage may go well a moment later; empty when it will not."""
    if isinstance(error, TerraformFailed):
        if error.recovery != "retry":
            return ""
        return error.known.why if error.known else "Terraform was killed."
    if isinstance(error, Unavailable) or (isinstance(error, NotProven) and error.unanswered):
        found = known([Diagnostic("error", error.message)])
        if found is None:
            return "Something that is needed did not answer."
        return found[1].why if found[1].recovery == "retry" else ""
    return ""


async def _once(ctx: RunContext, name: str) -> None:
    await STAGES[name](ctx)


async def _again(ctx: RunContext, name: str) -> None:
    await (_apply_again(ctx) if name == "apply" else _once(ctx, name))


async def _apply_again(ctx: RunContext) -> None:
    """Plan the rest and apply it: a saved plan is out of date as soon as a part of it was applied.

    What was agreed to is not left: when the rest has anything else in it, PlanAgain asks for the whole way again.
    """
    plan = await (plan_change(ctx) if ctx.run.kind == RunKind.CHANGE else ctx.terraform.plan())
    if not goes_no_further([vars(c) for c in plan.changes], ctx.run.plan.get("changes", [])):
        raise PlanAgain("What is left to do is not part of the plan that was agreed to.")
    ctx.log.write(f"Left to do: {plan.summary}.")
    if not plan.is_empty or plan.changed_outputs:
        await STAGES["apply"](ctx)


def _told(ctx: RunContext, error: StackyardError) -> StackyardError:
    """The error, or Invalid at the settings that it speaks of."""
    if not isinstance(error, TerraformFailed) or error.known is None:
        return error
    interface = Interface.of(ctx.pattern, ctx.settings)
    refused = Code(ctx.workdir.code, frozenset(p.path for p in interface.parameters)).refused(error)
    return Invalid(refused, hint=error.known.hint) if refused else error


async def _release_lock_of_the_dead(ctx: RunContext, error: StackyardError) -> None:
    """Release the lock on the state when its holder was a Terraform of this machine. Only this run's Terraform works
    on this state, and none of that runs here now. A lock of another machine is left alone: nobody can look there."""
    found = _LOCK.search("\n".join(d.detail for d in error.diagnostics)) if isinstance(error, TerraformFailed) else None
    if found and found["host"] == socket.gethostname():
        ctx.log.write("The lock on the state belongs to a Terraform that is dead: it is released.", level="warning")
        await ctx.terraform.force_unlock(found["id"])
