"""The state machine of runs: every transition and predicate in one place, and what follows for the environment."""

from stackyard.cmdb.models import EnvironmentStatus, RunKind, RunStatus

TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset({RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.ATTENTION}),
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


def environment_status(kind: RunKind, status: RunStatus) -> EnvironmentStatus:
    """The status of an environment whose latest run has this kind and status.

    A failed or cancelled *create* was rolled back completely (else it is `attention`), so nothing stands. A failed
    change or destroy leaves something standing that a person must look at.
    """
    if status in (RunStatus.QUEUED, RunStatus.RUNNING):
        return _WHILE_ACTIVE[kind]
    if status == RunStatus.SUCCEEDED:
        return EnvironmentStatus.DESTROYED if kind == RunKind.DESTROY else EnvironmentStatus.READY
    if status == RunStatus.ATTENTION:
        return EnvironmentStatus.ATTENTION
    if kind == RunKind.CREATE:
        return EnvironmentStatus.FAILED
    return EnvironmentStatus.ATTENTION if kind == RunKind.DESTROY else EnvironmentStatus.READY
