"""The state machine of runs: every transition and predicate in one place, and what follows for the environment."""

from stackyard.cmdb.models import EnvironmentStatus, RunKind, RunStatus
from stackyard.cmdb.models.run import ACTIVE

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.WAITING, RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.ATTENTION}
    ),
    RunStatus.WAITING: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
    RunStatus.ATTENTION: frozenset(),
}

_WHILE_ACTIVE = {
    RunKind.CREATE: EnvironmentStatus.CREATING,
    RunKind.CHANGE: EnvironmentStatus.CHANGING,
    RunKind.DESTROY: EnvironmentStatus.DESTROYING,
}


def may_become(old: RunStatus, new: RunStatus) -> bool:
    """Whether a run may go from `old` to `new`."""
    return new in TRANSITIONS[old]


def environment_status(
    kind: RunKind, status: RunStatus, before: EnvironmentStatus = EnvironmentStatus.READY
) -> EnvironmentStatus:
    """The status of an environment whose latest run has this kind and status; `before`: what it was when that began.

    A failed or cancelled *create* was rolled back completely (else it is `attention`), so nothing stands. A failed
    destroy leaves something standing that a person must look at. A failed or cancelled *change* leaves the environment
    what it was: either nothing was applied, or its path was proven again afterwards (else it is `attention`); the run
    tells what went wrong. A look for *drift* changes nothing, however it ends.
    """
    if kind == RunKind.DRIFT:
        return before
    if status in ACTIVE:
        return _WHILE_ACTIVE[kind]
    if status == RunStatus.SUCCEEDED:
        return EnvironmentStatus.DESTROYED if kind == RunKind.DESTROY else EnvironmentStatus.READY
    if status == RunStatus.ATTENTION:
        return EnvironmentStatus.ATTENTION
    if kind == RunKind.CREATE:
        return EnvironmentStatus.FAILED
    return EnvironmentStatus.ATTENTION if kind == RunKind.DESTROY else before
