"""Which version of its pattern an environment's code was built from: its passport in the record tells.

The CMDB knows what stands. Code that was recorded and did not come to stand, after an upgrade that failed, and code of
an earlier time, to which somebody goes back, can be of another version.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stackyard.cmdb.models import Environment, PatternVersion
from stackyard.errors import NotFound
from stackyard.record.repository import PASSPORT
from stackyard.runs.recorded import RecordedCode


def read_passport(text: str | bytes) -> dict[str, Any]:
    """What `environment.yaml` says; nothing when it is not readable, as after an edit by hand."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def passport_in(code: Path) -> dict[str, Any]:
    """The passport in a folder of code; empty when there is none."""
    try:
        return read_passport((code / PASSPORT).read_bytes())
    except FileNotFoundError:
        return {}


def version_that_built(environment: Environment, passport: Mapping[str, Any]) -> PatternVersion:
    """The version that code with this passport was built from; where that is not known, the one that stands."""
    standing: PatternVersion = environment.pattern
    digest = str(passport.get("pattern_digest", ""))
    if digest == standing.digest:
        return standing
    return PatternVersion.objects.filter(name=standing.name, digest=digest).order_by("-pk").first() or standing


def version_at(store: RecordedCode, environment: Environment, commit: str) -> PatternVersion:
    """The version that the recorded code was built from, as of `commit`."""
    try:
        text = store.read(Path(environment.record_folder), commit, PASSPORT)
    except NotFound:
        text = b""
    return version_that_built(environment, read_passport(text))
