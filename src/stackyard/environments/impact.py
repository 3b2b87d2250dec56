"""What a version of a pattern would mean for the environments that stand, before it is published or after."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User

from stackyard.cmdb import rights
from stackyard.cmdb.models import Environment
from stackyard.cmdb.models.environment import GONE
from stackyard.environments.upgrade import UpgradeRequest, look
from stackyard.errors import Problem, StackyardError
from stackyard.patterns.catalogue import Pattern
from stackyard.patterns.merging import Conflict
from stackyard.runs.recorded import RecordedCode
from stackyard.runs.upgrading import Target
from stackyard.settings import get_settings


@dataclass(frozen=True)
class Impact:
    """One environment and the version. `conflicts`: what its people would have to decide; `refused`: of these the
    settings that the version does not take any more; `problems`: why it could not be upgraded at all; `error`: why that
    cannot be told."""

    environment: Environment
    built: str
    conflicts: tuple[Conflict, ...] = ()
    problems: tuple[Problem, ...] = ()
    error: str = ""

    @property
    def refused(self) -> tuple[str, ...]:
        """Paths of settings that can only be given up."""
        return tuple(c.path for c in self.conflicts if c.choices == ("new",))

    @property
    def clean(self) -> bool:
        """Whether it follows without anybody's decision."""
        return not (self.conflicts or self.problems or self.error)


def impact(user: User, pattern: Pattern) -> tuple[Impact, ...]:
    """For each living environment that has another content of this pattern, as far as the person may see them."""
    rows = Environment.objects.exclude(status__in=GONE).filter(pattern__name=pattern.name)
    rows = rows.filter(product__isnull=pattern.manifest.kind == "baseline").exclude(pattern__digest=pattern.digest)
    rows = rows.select_related("product", "sandbox__department", "sandbox__pool", "pattern", "owner")
    return tuple(_impacts(pattern, rights.visible(user, rows.order_by("slug"))))


def _impacts(pattern: Pattern, rows: Iterable[Environment]) -> Iterator[Impact]:
    store = RecordedCode.from_settings(get_settings())
    targets: dict[str, Target] = {}
    pull = True  # once for all
    for row in rows:
        try:
            if row.backend not in targets:
                targets[row.backend] = Target.of(pattern, row.backend)
            commit = store.newest(Path(row.record_folder), pull=pull)
            seen = look(row, commit, pattern, targets[row.backend], UpgradeRequest(), components=False)
            yield Impact(row, seen.built.version, seen.conflicts, seen.problems)
        except StackyardError as error:
            yield Impact(row, row.pattern.version, error=error.message)
        pull = False
