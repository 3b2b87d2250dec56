"""Has this machine what a server and a worker need? Nothing is started or changed by looking."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from stackyard.cli.doctor.findings import Finding, look
from stackyard.cli.server.prepare import missing_migrations, read_settings
from stackyard.errors import Conflict, Unavailable, Unusable
from stackyard.settings import Settings

NEEDED_GIB = 2
"""The AWS provider takes 0.4 GB unpacked; the rest is work folders and the database."""

PATIENCE_SECONDS = 60
"""A run that could start and waits longer finds no free slot."""


def is_server() -> bool:
    """Whether this looks like a server's machine: it has a database address or a data folder."""
    return bool(os.environ.get("DATABASE_URL") or os.environ.get("STACKYARD_DATABASE_URL")) or (
        read_settings().data.is_dir()
    )


def findings() -> list[Finding]:
    """Settings, database, migrations, workers, queue, leases, expiry, git, engine, provider, disk."""
    settings = read_settings()
    database = look("database", lambda: _database(settings))
    found = [database]
    if database.ok:
        found += [look("migrations", _migrations), look("workers", lambda: _workers(settings)), look("expiry", _expiry)]
        if found[-3].ok:
            found += [look("queue", _queue), look("leases", lambda: _leases(settings))]
    return [
        *found,
        look("git", _git),
        look("terraform", lambda: _engine(settings)),
        look("aws provider", lambda: _provider(settings)),
        look("patterns", lambda: _patterns(settings)),
        look("disk", lambda: _disk(settings)),
    ]


def _database(settings: Settings) -> str:
    import psycopg

    from stackyard.database.connection import database_url

    which = "embedded" if settings.database_url is None else "DATABASE_URL"
    try:
        with psycopg.connect(database_url(settings), connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        first = str(error).strip().partition("\n")[0]
        hint = "`stackyard serve` starts it." if settings.database_url is None else "Check DATABASE_URL and the server."
        raise Unavailable(f"{which}: {first}", hint=hint) from None
    return f"{which}, PostgreSQL {version // 10000}.{version % 10000}"


def _migrations() -> str:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stackyard.site.settings")
    import django

    django.setup()
    if missing := missing_migrations():
        raise Conflict(f"{len(missing)} are missing: {', '.join(missing[:5])}", hint="Run `stackyard migrate`.")
    return "all applied"


def _workers(settings: Settings) -> str:
    from django.db import ProgrammingError

    from stackyard.runs.watch import heartbeats

    try:
        ages = heartbeats()
    except ProgrammingError:  # a database without our tables, which is told already
        ages = []
    alive = [age for age in ages if age <= settings.lease_seconds]
    if not alive:
        raise Unavailable(f"none in the last {settings.lease_seconds} seconds", hint="Start `stackyard worker`.")
    slots = len(alive) * settings.run_slots
    shown = ", ".join(f"{age:.0f} s" for age in alive[:8])
    return f"{len(alive)} alive with {slots} slots; heartbeats {shown} ago"


def _queue() -> str:
    from stackyard.runs.queue import line
    from stackyard.runs.watch import active_by_status, oldest_wait

    counts = active_by_status()
    turns = line()
    startable = sum(turn.now for turn in turns)
    told = f"{counts.get('running', 0)} at work, {len(turns)} in line, {counts.get('waiting', 0)} wait for approval"
    if turns:
        told += f"; the longest wait is {oldest_wait():.0f} s"
    if startable > 0 and oldest_wait() > PATIENCE_SECONDS:
        raise Unavailable(told, hint=f"{startable} could start: all slots are taken. Start more workers.")
    return told


def _leases(settings: Settings) -> str:
    from stackyard.runs.watch import stuck

    found = stuck(settings.lease_seconds)
    if found:
        names = ", ".join(f"run {run.pk} of {run.environment.slug} ({run.worker})" for run in found[:5])
        hint = "A worker with a free slot takes them over; of another machine a little later. See docs/operations.md."
        raise Unavailable(f"{len(found)} lost their worker and wait to be taken over: {names}", hint=hint)
    return "every run at work has a worker"


def _expiry() -> str:
    """Expired environments that could not be destroyed stand, and cost, until somebody looks at them."""
    from django.db import ProgrammingError

    from stackyard.cmdb.models import Notice

    try:
        failed = Notice.objects.filter(kind=Notice.Kind.DESTROY_FAILED, settled_at=None)
        names = sorted(set(failed.values_list("environment__slug", flat=True)))
    except ProgrammingError:  # a database without our tables, which is told already
        names = []
    if names:
        shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
        hint = "Their last runs tell why: `stackyard run list`. Mend that, then destroy them."
        raise Unusable(f"expired, and could not be destroyed: {shown}", hint=hint)
    return "nothing that should be gone still stands"


def _git() -> str:
    path = shutil.which("git")
    if path is None:
        raise Unusable("not on PATH", hint="Install git.")
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() or path


def _engine(settings: Settings) -> str:
    from stackyard.terraform.engine import find_engine

    engine = find_engine(settings.engine)
    return f"{engine.name} {engine.version}"


def _provider(settings: Settings) -> str:
    from stackyard.terraform.providers import VERSION

    place = settings.data.resolve() / "providers"
    if place.is_dir():
        return f"{VERSION}, unpacked in {place}"
    if importlib.util.find_spec("cloudrail") is None:
        raise Unusable("its wheel is not installed; emulated sandboxes need it", hint="Run `make setup` again.")
    return f"{VERSION} in its wheel, not unpacked yet"


def _patterns(settings: Settings) -> str:
    from stackyard.patterns.catalogue import Catalogue

    catalogue = Catalogue.from_settings(settings)
    if broken := catalogue.broken():
        raise Unusable("; ".join(f"{name}: {why}" for name, why in broken.items()), hint="docs/patterns.md.")
    names = ", ".join(p.name for p in catalogue.list())
    if not names:
        raise Unusable(f"none in {settings.patterns}", hint="STACKYARD_PATTERNS names the folder.")
    return names


def _disk(settings: Settings) -> str:
    place: Path = settings.data.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free / 2**30
    if free < NEEDED_GIB:
        raise Unavailable(f"{free:.1f} GiB free in {place}", hint=f"At least {NEEDED_GIB} GiB are needed.")
    return f"{free:.0f} GiB free in {place}"
