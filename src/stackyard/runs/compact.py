"""Old logs grow short: of runs that ended long ago, errors, warnings and the last line of each stage are kept."""

import datetime as dt
import time
from dataclasses import dataclass, field

import structlog
from django.db.models import Exists, OuterRef
from django.utils import timezone

from stackyard.cmdb.models import RunEvent
from stackyard.cmdb.models.run import ACTIVE

logger = structlog.get_logger()

BATCH = 2000
"""So many lines go at once: a moment of work, and no lock that anybody notices."""
PAUSE_SECONDS = 3600


@dataclass
class Compaction:
    """Takes lines away batch by batch, and rests for an hour when there are none. `days` 0: never."""

    days: int
    _next: float = field(default=0.0, init=False)

    def tick(self) -> int:
        """Take one batch away, when it is time; returns how many lines went. Reads and writes the database."""
        if not self.days or time.monotonic() < self._next:
            return 0
        gone = compact(self.days)
        if gone < BATCH:
            self._next = time.monotonic() + PAUSE_SECONDS
        if gone:
            logger.info("old logs were shortened", lines=gone)
        return gone


def compact(days: int, batch: int = BATCH) -> int:
    """Take away at most `batch` lines of runs that ended more than `days` days ago; returns how many went."""
    later = RunEvent.objects.filter(run=OuterRef("run"), stage=OuterRef("stage"), level="info", id__gt=OuterRef("id"))
    old = (
        RunEvent.objects.filter(level="info", run__finished_at__lt=timezone.now() - dt.timedelta(days=days))
        .exclude(run__status__in=ACTIVE)
        .filter(Exists(later))
        .values_list("pk", flat=True)
    )
    gone, _ = RunEvent.objects.filter(pk__in=list(old[:batch])).delete()
    return gone
