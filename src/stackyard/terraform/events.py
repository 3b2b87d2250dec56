"""Terraform's `-json` stream as typed events. Odd lines become plain log events; nothing here raises.

Format: Terraform's "Machine-Readable UI". https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DROPPED = frozenset({"version", "outputs", "resource_drift", "apply_progress", "refresh_start", "change_summary"})
"""Kinds with nothing to say to a person: outputs may be sensitive, drift fires on clean resources, the rest repeats."""


@dataclass(frozen=True)
class Diagnostic:
    """An error or warning of Terraform."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    file: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """Both parts in one line."""
        return " ".join(part for part in (self.summary.rstrip(".") + ".", " ".join(self.detail.split())) if part)


@dataclass(frozen=True)
class Event:
    """One line of Terraform's output. `message` is empty when there is nothing for people in it."""

    kind: str
    level: str
    message: str
    address: str = ""
    action: str = ""
    elapsed: float | None = None
    diagnostic: Diagnostic | None = None


def parse_event(line: str) -> Event:
    """The event of one line, whatever the line is."""
    try:
        data = json.loads(line)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        return Event("log", "info", line.strip())
    kind = str(data.get("type", "log"))
    if kind == "diagnostic":
        return _diagnostic_event(data)
    hook = data.get("hook") or data.get("change") or {}
    hook = hook if isinstance(hook, dict) else {}
    resource = hook.get("resource")
    seconds = hook.get("elapsed_seconds")
    return Event(
        kind=kind,
        level=_level(data.get("@level")),
        message="" if kind in _DROPPED else str(data.get("@message", "")),
        address=str(resource.get("addr", "")) if isinstance(resource, dict) else "",
        action=str(hook.get("action", "")),
        elapsed=float(seconds) if isinstance(seconds, int | float) else None,
    )


def _diagnostic_event(data: Mapping[str, Any]) -> Event:
    found = data.get("diagnostic")
    diagnostic = parse_diagnostic(found if isinstance(found, dict) else {"summary": data.get("@message", "")})
    level = "error" if diagnostic.severity == "error" else "warning"
    return Event("diagnostic", level, diagnostic.text, address=diagnostic.address, diagnostic=diagnostic)


def parse_diagnostic(data: Mapping[str, Any]) -> Diagnostic:
    """A diagnostic as it stands in the stream and in `validate -json`."""
    place = data.get("range")
    place = place if isinstance(place, dict) else {}
    start = place.get("start")
    return Diagnostic(
        severity=str(data.get("severity", "error")),
        summary=str(data.get("summary", "")),
        detail=str(data.get("detail", "")),
        address=str(data.get("address", "")),
        file=str(place.get("filename", "")),
        line=int(start.get("line", 0)) if isinstance(start, dict) else 0,
    )


def _level(value: object) -> str:
    return {"error": "error", "warn": "warning"}.get(str(value), "info")
