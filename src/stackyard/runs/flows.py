"""Flows: the ordered stages of each kind of run. Adding a stage is a line here and a function in `runs.stages`."""

from dataclasses import dataclass

from stackyard.cmdb.models import Run, RunKind


@dataclass(frozen=True)
class StageName:
    """A stage as it is shown. `name` is also the name of its function in `runs.stages`."""

    name: str
    title: str


@dataclass(frozen=True)
class Flow:
    """What is done, and what is done when that fails."""

    forward: tuple[StageName, ...]
    backward: tuple[StageName, ...]


RENDER = StageName("render", "Render the code")
FETCH = StageName("fetch", "Fetch the recorded code")
INIT = StageName("init", "Initialise Terraform")
# After init, because the provider lock file that init writes belongs to the record.
RECORD = StageName("record", "Record the code in Git")
PLAN = StageName("plan", "Plan")
EDIT = StageName("edit", "Edit the code")
CHECK = StageName("check", "Check the plan")
APPROVE = StageName("approve", "Approve")
APPLY = StageName("apply", "Apply")
VERIFY = StageName("verify", "Prove the path")
REGISTER = StageName("register", "Register in the CMDB")
DESTROY = StageName("destroy", "Destroy")
SURVEY = StageName("survey", "See what stands")
PROVE = StageName("prove", "Prove that nothing is left")
RELEASE = StageName("release", "Release names and numbers")
FILL = StageName("edit", "Fill in the facts of today")
COMPARE = StageName("compare", "Compare with AWS")
ACCEPT = StageName("accept", "Accept what differs")

APPROVED = frozenset({APPLY, DESTROY})
"""What is done only after approval, where that is asked for."""

FLOWS: dict[RunKind, Flow] = {
    RunKind.CREATE: Flow(
        forward=(RENDER, INIT, RECORD, PLAN, CHECK, APPLY, VERIFY, REGISTER),
        backward=(DESTROY, PROVE, RELEASE),
    ),
    # Recorded only once it is approved: what nobody let pass leaves no trace. A change that fails is never taken back
    # by itself; what Terraform left is looked at, and told.
    RunKind.CHANGE: Flow(
        forward=(FETCH, EDIT, INIT, PLAN, CHECK, APPROVE, RECORD, APPLY, VERIFY, REGISTER),
        backward=(SURVEY,),
    ),
    RunKind.DESTROY: Flow(forward=(FETCH, INIT, DESTROY, PROVE, RELEASE), backward=()),
    # Changes nothing in AWS and nothing in the record.
    RunKind.DRIFT: Flow(forward=(FETCH, FILL, INIT, COMPARE, ACCEPT), backward=()),
}


def flow_of(kind: RunKind, *, asks: bool) -> Flow:
    """The stages of a run. `asks`: a rule could want it to be approved, so that it has the stage for that."""
    flow = FLOWS[kind]
    if not asks or APPROVE in flow.forward:
        return flow
    at = next(number for number, stage in enumerate(flow.forward) if stage in APPROVED)
    return Flow(forward=(*flow.forward[:at], APPROVE, *flow.forward[at:]), backward=flow.backward)


def flow_of_run(run: Run) -> Flow:
    """The stages that this run was given when it was asked for, whatever the rules say by now."""
    return flow_of(RunKind(run.kind), asks=run.stages.filter(name=APPROVE.name).exists())
