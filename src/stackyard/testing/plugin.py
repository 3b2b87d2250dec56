"""A pytest plugin, so that a team tests its patterns in its own CI:

    def test_small(stackyard_pattern):
        stackyard_pattern("patterns/our-service", {"container.cpu": 512})

Each call builds the pattern on an emulator, proves, changes and destroys it, and fails the test with the report.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stackyard.testing.report import Report

Tester = Callable[..., "Report"]


@pytest.fixture(scope="session")
def stackyard_place() -> Iterator[Any]:
    """The account that patterns are tested in, shared by all tests of a session. Override it to test on AWS."""
    from stackyard.testing.place import emulated_place

    with emulated_place() as place:
        yield place


@pytest.fixture
def stackyard_pattern(stackyard_place: Any) -> Tester:
    """`stackyard_pattern(folder, settings={}, modules=None, change=None)`: test a pattern's folder; returns the report.

    `modules`: the folder of shared modules; without it, `modules` beside the folder of patterns.
    """
    from stackyard.patterns.catalogue import read_pattern_folder
    from stackyard.settings import get_settings
    from stackyard.testing.trial import try_pattern

    def run(
        folder: str | Path,
        settings: Mapping[str, Any] | None = None,
        *,
        modules: str | Path | None = None,
        change: tuple[str, Any] | None = None,
    ) -> "Report":
        where = Path(folder).resolve()
        pattern = read_pattern_folder(where, Path(modules) if modules else where.parent.parent / "modules")
        report = try_pattern(pattern, [settings or {}], get_settings(), place=stackyard_place, change=change)
        if not report.passed:
            failed = next(s for s in report.variants[0].steps if s.outcome == "failed")
            tail = "\n".join(report.variants[0].log[-40:])
            pytest.fail(f"{pattern.name}: {failed.name} failed: {failed.message}\n{tail}", pytrace=False)
        return report

    return run
