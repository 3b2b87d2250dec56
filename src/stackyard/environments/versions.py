"""Versions of patterns in the CMDB: what environments were built from, and which content was tested as a whole."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from stackyard.cmdb import rights
from stackyard.cmdb.models import PatternVersion
from stackyard.errors import Conflict, Invalid
from stackyard.patterns.catalogue import Catalogue, Pattern
from stackyard.runs.interface import interface_texts


def version_of(pattern: Pattern) -> PatternVersion:
    """The row of exactly this content; made when there is none yet."""
    version, _ = PatternVersion.objects.get_or_create(
        name=pattern.name,
        version=pattern.version,
        digest=pattern.digest,
        defaults={
            "title": pattern.title,
            "manifest": pattern.manifest.model_dump(mode="json"),
            "interface": interface_texts(pattern),
        },
    )
    return version


def is_newer(pattern: Pattern, version: PatternVersion) -> bool:
    """Whether a pattern as it lies in a folder goes on from this version: a higher number (https://semver.org, 11), or
    other content under the same one."""
    return pattern.digest != version.digest and _order(pattern.version) >= _order(version.version)


def _order(version: str) -> tuple[Any, ...]:
    core, _, before = version.partition("+")[0].partition("-")
    parts = before.split(".") if before else []
    # Without a word after the hyphen it is the release itself, which comes after all that led to it.
    words = tuple((0, int(w), "") if w.isdigit() else (1, 0, w) for w in parts)
    return (*map(int, core.split(".")), not parts, words)


def mark_tested(user: User, name: str, report: Mapping[str, Any]) -> PatternVersion:
    """Keep the report of `stackyard pattern test` with the version that it was made from.

    Platform staff only. Conflict when the catalogue of this server holds another content than was tested; a report
    that did not pass takes an earlier mark away.
    """
    rights.require_platform(user)
    pattern = Catalogue.from_settings().get(name)
    if report["pattern"] != name:
        raise Invalid.field("pattern", f"This report is about {report['pattern']}.")
    if report["digest"] != pattern.digest:
        raise Conflict(
            f"What was tested is not what this server has as {name} {pattern.version}.",
            hint="Put the tested content into the server's catalogue, then send the report again.",
        )
    version = version_of(pattern)
    version.tested_at = timezone.now() if report["passed"] else None
    version.test_report = dict(report)
    version.save(update_fields=["tested_at", "test_report"])
    return version


def tested_at(patterns: Iterable[Pattern]) -> dict[str, dt.datetime]:
    """Pattern name -> when exactly its present content last passed its test; only those that did."""
    digests = {p.digest: p.name for p in patterns}
    rows = PatternVersion.objects.filter(digest__in=digests, tested_at__isnull=False)
    return {digests[digest]: when for digest, when in rows.values_list("digest", "tested_at") if when}
