"""`stackyard backup` and `stackyard restore`: database and record as files in one folder.

The secret key is not in it, only its fingerprint: who finds a backup must not be able to read the sealed secrets.
"""

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from stackyard.errors import Conflict, Invalid, NotFound, Unusable
from stackyard.settings import Settings

DATABASE, RECORD, LABEL = "database.dump", "record.bundle", "backup.json"


@dataclass(frozen=True)
class Label:
    """What a backup is of. `key`: the fingerprint of the secret key; `record`: its newest commit, empty for none."""

    version: str
    made_at: str
    key: str
    record: str
    environments: int
    active_runs: int

    @classmethod
    def read(cls, folder: Path) -> "Label":
        """The label of a backup; NotFound when `folder` is none."""
        try:
            return cls(**json.loads((folder / LABEL).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise NotFound(f"{folder} is no backup of Stackyard, or not a whole one.") from None


def fingerprint() -> str:
    """Names the secret key without telling it."""
    from django.conf import settings

    return hashlib.sha256(b"stackyard backup\0" + settings.SECRET_KEY.encode()).hexdigest()[:16]


def make(settings: Settings, folder: Path) -> Label:
    """Write a backup into `folder`, which is made. Conflict when something is in it."""
    from stackyard import __version__
    from stackyard.cmdb.models import Environment, Run
    from stackyard.cmdb.models.environment import GONE
    from stackyard.cmdb.models.run import ACTIVE
    from stackyard.database import dump
    from stackyard.database.connection import database_url
    from stackyard.record.backup import RecordBackup

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty.", hint="Name a new folder for each backup.")
    environments = Environment.objects.exclude(status__in=GONE).count()
    active = Run.objects.filter(status__in=ACTIVE).count()
    # The database first: every commit that a row names is in the record before the row is written.
    dump.dump(database_url(settings), folder / DATABASE)
    record = RecordBackup.from_settings(settings)
    commit = record.bundle(folder / RECORD) if record.exists or settings.record_remote else ""
    made_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    label = Label(__version__, made_at, fingerprint(), commit, environments, active)
    # Last: a folder without it is no whole backup.
    (folder / LABEL).write_text(json.dumps(asdict(label), indent=2) + "\n", encoding="utf-8")
    return label


def bring_back(settings: Settings, folder: Path, *, other_key: bool = False) -> Label:
    """Bring a backup into an empty database and data folder. Raises NotFound, Conflict when something is there,
    Unusable when the secret key is another (unless `other_key`)."""
    from stackyard.database import dump
    from stackyard.database.connection import database_url
    from stackyard.record.backup import RecordBackup

    label = Label.read(folder)
    if not (folder / DATABASE).exists() or (label.record and not (folder / RECORD).exists()):
        raise Invalid.field("folder", f"{folder} lacks {DATABASE} or {RECORD}.")
    if label.key != fingerprint() and not other_key:
        raise Unusable(
            "This backup was made under another secret key.",
            hint="Set the STACKYARD_SECRET_KEY of then, or put its file secret-key into the data folder. With "
            "--other-key it is restored all the same, and what was sealed can never be read again.",
        )
    record = RecordBackup.from_settings(settings)
    if record.exists:
        raise Conflict(f"There is a record in {record.root} already.", hint="Restore into an empty data folder.")
    _refuse_what_is_in_use()
    dump.restore(database_url(settings), folder / DATABASE)
    if label.record:
        record.unbundle(folder / RECORD)
    return label


def _refuse_what_is_in_use() -> None:
    from django.db import connection

    tables = connection.introspection.table_names()
    connection.close()
    if tables:
        raise Conflict(f"The database holds {len(tables)} tables already.", hint="Restore into a new, empty database.")
