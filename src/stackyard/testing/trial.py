"""Test a pattern: all its variants, side by side, in one place."""

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.parameters import check_settings
from stackyard.settings import Settings
from stackyard.testing.place import Place, emulated_place
from stackyard.testing.report import Report, Variant
from stackyard.testing.variant import Trial

JOBS = 4


def try_pattern(
    pattern: Pattern,
    variants: Iterable[Mapping[str, Any]],
    settings: Settings,
    *,
    place: Place | None = None,
    change: tuple[str, Any] | None = None,
    jobs: int = JOBS,
    tell: Callable[[str, str], None] = lambda variant, step: None,
) -> Report:
    """Build, prove, change, destroy and prove gone each of the variants (settings by path); at most `jobs` at a time.

    `place` None: an emulator of its own. Raises Invalid when settings break the pattern's rules; whatever happens
    later is told in the report.
    """
    checked = [check_settings(pattern.parameters, given) for given in variants]
    if change is not None:
        check_settings(pattern.parameters, {**checked[0], change[0]: change[1]})
    with ExitStack() as stack:
        where = place or stack.enter_context(emulated_place())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stackyard-test-")))
        done = asyncio.run(_side_by_side(pattern, checked, change, where, settings, folder, jobs, tell))
    return Report(pattern.name, pattern.version, pattern.digest, tuple(done))


async def _side_by_side(
    pattern: Pattern,
    checked: Sequence[Mapping[str, Any]],
    change: tuple[str, Any] | None,
    place: Place,
    settings: Settings,
    folder: Path,
    jobs: int,
    tell: Callable[[str, str], None],
) -> list[Variant]:
    turn = asyncio.Semaphore(jobs)

    async def one(number: int, given: Mapping[str, Any]) -> Variant:
        async with turn:
            name = name_of(given)
            return await Trial(pattern, name, given, change, place, number, settings, folder).run(tell)

    return await asyncio.gather(*(one(number, given) for number, given in enumerate(checked)))


def name_of(settings: Mapping[str, Any]) -> str:
    """A variant's name: what it sets, or `defaults`."""
    return ",".join(f"{path}={value}" for path, value in sorted(settings.items())) or "defaults"


def matrix(choices: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values, path by path; one empty variant when there are no choices."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
