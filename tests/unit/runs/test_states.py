"""An environment's status is a function of its latest run."""

import pytest

from stackyard.cmdb.models import EnvironmentStatus as E
from stackyard.cmdb.models import RunKind as K
from stackyard.cmdb.models import RunStatus as R
from stackyard.runs.states import TRANSITIONS, environment_status, may_become


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (K.CREATE, R.QUEUED, E.CREATING),
        (K.CREATE, R.RUNNING, E.CREATING),
        (K.CREATE, R.SUCCEEDED, E.READY),
        (K.CREATE, R.FAILED, E.FAILED),
        (K.CREATE, R.CANCELLED, E.FAILED),
        (K.CREATE, R.ATTENTION, E.ATTENTION),
        (K.CHANGE, R.FAILED, E.READY),
        (K.DESTROY, R.RUNNING, E.DESTROYING),
        (K.DESTROY, R.SUCCEEDED, E.DESTROYED),
        (K.DESTROY, R.FAILED, E.ATTENTION),
        (K.DESTROY, R.ATTENTION, E.ATTENTION),
        (K.DRIFT, R.RUNNING, E.READY),
        (K.DRIFT, R.FAILED, E.READY),
    ],
)
def test_environment_status(kind: K, status: R, expected: E) -> None:
    assert environment_status(kind, status) == expected


def test_a_look_for_drift_leaves_the_status_what_it_is() -> None:
    for status in R:
        for before in (E.READY, E.ATTENTION):
            assert environment_status(K.DRIFT, status, before) == before


def test_every_pair_of_kind_and_status_has_an_answer() -> None:
    assert all(environment_status(kind, status) in E for kind in K for status in R)


def test_an_ended_run_stays_ended() -> None:
    for ended in (R.SUCCEEDED, R.FAILED, R.CANCELLED, R.ATTENTION):
        assert not any(may_become(ended, new) for new in R)
    assert set(TRANSITIONS) == set(R)
