"""Whose turn it is, whatever waits and works."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from stackyard.runs.order import Turn, Waiting, Working, turns

DEPARTMENT = {1: 1, 2: 1, 3: 2, 4: 3}
SANDBOXES = st.sampled_from(sorted(DEPARTMENT))
CAPS = st.fixed_dictionaries({sandbox: st.integers(1, 4) for sandbox in DEPARTMENT})
WORKING = st.lists(SANDBOXES.map(lambda s: Working(s, DEPARTMENT[s])), max_size=8)
PLACES = st.none() | st.integers(0, 12)


@st.composite
def queues(draw: st.DrawFn) -> list[Waiting]:
    drawn = draw(st.lists(st.tuples(SANDBOXES, st.sampled_from([0, 0, 10, 20]), st.booleans()), max_size=30))
    rows = [Waiting(n, s, DEPARTMENT[s], p, later and p > 0) for n, (s, p, later) in enumerate(drawn, start=1)]
    return draw(st.permutations(rows))


@given(queues(), WORKING, CAPS, PLACES)
def test_everybody_has_one_turn_whatever_order_the_rows_come_in(
    waiting: list[Waiting], working: list[Working], caps: dict[int, int], places: int | None
) -> None:
    found = turns(waiting, working, caps, places)
    assert sorted(t.run for t in found) == sorted(w.run for w in waiting)
    assert found == turns(sorted(waiting, key=lambda w: w.run), working, caps, places)


@given(queues(), WORKING, CAPS, PLACES)
def test_caps_and_places_are_kept_and_none_stays_empty(
    waiting: list[Waiting], working: list[Working], caps: dict[int, int], places: int | None
) -> None:
    rows = {w.run: w for w in waiting}
    found = turns(waiting, working, caps, places)
    before = Counter(w.sandbox for w in working)
    after = before + Counter(rows[t.run].sandbox for t in found if t.now)
    for sandbox in DEPARTMENT:
        assert after[sandbox] <= max(caps[sandbox], before[sandbox])
    assert places is None or after.total() <= max(places, before.total())
    for turn in found:
        row = rows[turn.run]
        if not turn.now and not row.later:
            assert after[row.sandbox] >= caps[row.sandbox] or (places is not None and after.total() >= places)
        assert not (turn.now and row.later)


@given(queues(), WORKING, CAPS, PLACES)
def test_what_people_wait_for_goes_before_what_a_schedule_asked_for(
    waiting: list[Waiting], working: list[Working], caps: dict[int, int], places: int | None
) -> None:
    rows = {w.run: w for w in waiting}
    starting = [rows[t.run].priority for t in turns(waiting, working, caps, places) if t.now]
    assert starting == sorted(starting)


@given(queues(), WORKING, CAPS, PLACES)
def test_the_first_to_start_is_of_a_department_with_the_fewest_at_work(
    waiting: list[Waiting], working: list[Working], caps: dict[int, int], places: int | None
) -> None:
    rows = {w.run: w for w in waiting}
    found = turns(waiting, working, caps, places)
    if not found or not found[0].now:
        return
    first = rows[found[0].run]
    at_work, busy = Counter(w.department for w in working), Counter(w.sandbox for w in working)
    for row in waiting:
        if not row.later and row.priority == first.priority and busy[row.sandbox] < caps[row.sandbox]:
            assert (at_work[first.department], first.run) <= (at_work[row.department], row.run)


@given(queues(), WORKING, CAPS, PLACES)
def test_positions_of_a_sandbox_grow_and_its_runs_keep_their_order(
    waiting: list[Waiting], working: list[Working], caps: dict[int, int], places: int | None
) -> None:
    rows = {w.run: w for w in waiting}
    found = turns(waiting, working, caps, places)
    for sandbox in DEPARTMENT:
        own = [t for t in found if rows[t.run].sandbox == sandbox]
        assert [t.position for t in own] == sorted({t.position for t in own})
        keys = [(rows[t.run].later, rows[t.run].priority, t.run) for t in own]
        assert keys == sorted(keys)


def test_a_hundred_of_one_department_do_not_starve_another() -> None:
    busy = [Waiting(n, 1, 1) for n in range(1, 101)]
    working = [Working(1, 1)] * 3
    found = turns([*busy, Waiting(101, 3, 2)], working, {1: 50, 3: 4}, places=4)
    assert found[0] == Turn(101, 1, now=True)
    assert found[1] == Turn(1, 2, now=False)


def test_equal_departments_take_turns() -> None:
    waiting = [Waiting(1, 1, 1), Waiting(2, 1, 1), Waiting(3, 1, 1), Waiting(4, 3, 2), Waiting(5, 3, 2)]
    assert [t.run for t in turns(waiting, [], {1: 9, 3: 9})] == [1, 4, 2, 5, 3]


def test_a_full_sandbox_is_waited_for_alone() -> None:
    waiting = [Waiting(1, 1, 1), Waiting(2, 1, 1), Waiting(3, 3, 2)]
    found = {t.run: (t.position, t.now) for t in turns(waiting, [Working(1, 1)], {1: 1, 3: 1})}
    assert found == {1: (1, False), 2: (2, False), 3: (1, True)}


def test_what_is_for_later_comes_last() -> None:
    waiting = [Waiting(1, 1, 1, later=True), Waiting(2, 1, 1)]
    assert [(t.run, t.now) for t in turns(waiting, [], {1: 5})] == [(2, True), (1, False)]
