"""Flows: the ordered stages of each kind of run. Adding a stage is a line here and a function in `runs.stages`."""

from dataclasses import dataclass

from stackyard.cmdb.models import RunKind


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
CHECK = StageName("check", "Check the plan")
APPLY = StageName("apply", "Apply")
VERIFY = StageName("verify", "Prove the path")
REGISTER = StageName("register", "Register in the CMDB")
DESTROY = StageName("destroy", "Destroy")
PROVE = StageName("prove", "Prove that nothing is left")
RELEASE = StageName("release", "Release names and numbers")

FLOWS: dict[RunKind, Flow] = {
    RunKind.CREATE: Flow(
        forward=(RENDER, INIT, RECORD, PLAN, CHECK, APPLY, VERIFY, REGISTER),
        backward=(DESTROY, PROVE, RELEASE),
    ),
    RunKind.DESTROY: Flow(forward=(FETCH, INIT, DESTROY, PROVE, RELEASE), backward=()),
}
