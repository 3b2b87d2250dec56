"""Whose turn it is: one order, from which workers take runs and from which people are told their place in line.

Nothing in here asks the database. Rules, the first that decides counts: what a person waits for goes before what a
schedule asked for; a department with fewer runs at work goes before one with more; what came first goes first.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Waiting:
    """A queued run. `priority`: lower goes first. `later`: its time to be started has not come yet."""

    run: int
    sandbox: int
    department: int
    priority: int = 0
    later: bool = False


@dataclass(frozen=True)
class Working:
    """A run that has a place."""

    sandbox: int
    department: int


@dataclass(frozen=True)
class Turn:
    """A queued run in its order. `position`: counted from 1; so many less one go before it, of those that it has to
    wait for. `now`: there is a place for it, also once all before it have started."""

    run: int
    position: int
    now: bool


def turns(
    waiting: Iterable[Waiting], working: Iterable[Working], caps: Mapping[int, int], places: int | None = None
) -> tuple[Turn, ...]:
    """All queued runs in the order in which they start.

    `caps`: sandbox -> how many runs may work there at the same time. `places`: how many may over all; None: no limit.
    First come those that have a place now. The others follow as if each place became free for whoever is next; a run
    waits for those before it in its sandbox, and when all places are taken, for all before it.
    """
    later = sorted((w for w in waiting if w.later), key=lambda w: (w.priority, w.run))
    lines: dict[int, deque[Waiting]] = defaultdict(deque)
    for one in sorted((w for w in waiting if not w.later), key=lambda w: (w.priority, w.run)):
        lines[one.sandbox].append(one)
    in_sandbox = Counter(w.sandbox for w in working)
    in_department = Counter(w.department for w in working)
    left = None if places is None else places - in_sandbox.total()
    listed: list[Turn] = []
    before: Counter[int] = Counter()

    def rank(line: "deque[Waiting]") -> tuple[int, int, int]:
        return line[0].priority, in_department[line[0].department], line[0].run

    def list_next(line: "deque[Waiting]", *, now: bool) -> None:
        one = line.popleft()
        ahead = before[one.sandbox] if left is None or left > 0 else len(listed)
        listed.append(Turn(one.run, ahead + 1, now))
        before[one.sandbox] += 1
        in_department[one.department] += 1

    while left is None or left > 0:
        open_lines = [line for sandbox, line in lines.items() if line and in_sandbox[sandbox] < caps[sandbox]]
        if not open_lines:
            break
        line = min(open_lines, key=rank)
        in_sandbox[line[0].sandbox] += 1
        list_next(line, now=True)
        left = None if left is None else left - 1
    while full_lines := [line for line in lines.values() if line]:
        list_next(min(full_lines, key=rank), now=False)
    for one in later:
        list_next(deque([one]), now=False)
    return tuple(listed)
