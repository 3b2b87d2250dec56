"""Terraform's `-json` stream as typed events. Odd lines become plain log events; nothing here raises.

Format: Terraform's "Machine-Readable UI". https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_DROPPED = frozenset({"version", "outputs", "resource_drift", "apply_progress", "refresh_start", "change_summary"})
"""Kinds with nothing to say to a person: outputs may be sensitive, drift fires on clean resources, the rest repeats."""

_UNFIT = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""What a PostgreSQL text or UTF-8 cannot hold, or what would play tricks on a terminal."""


_REFERENCE = re.compile(r"\b(?:local|var)(?:\.[A-Za-z_][\w-]*)+")

_FRAME = " \t\r\n╷│╵"
"""Terraform draws a frame around errors in plain text."""


@dataclass(frozen=True)
class Diagnostic:
    """An error or warning of Terraform."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    file: str = ""
    line: int = 0
    # What the place in the code refers to, such as `local.container.cpu`; never its values.
    references: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Both parts in one line."""
        summary, detail = (" ".join(part.split()) for part in (self.summary, self.detail))
        return " ".join(part for part in (summary and summary.rstrip(".") + ".", detail) if part)


@dataclass(frozen=True)
class ChangeSummary:
    """How many resources a plan would change or an apply changed. `operation` is `plan`, `apply` or `destroy`."""

    operation: str
    add: int
    change: int
    remove: int


@dataclass(frozen=True)
class Event:
    """One line of Terraform's output. `message` is empty when there is nothing for people in it.

    `elapsed` is in seconds. `outputs` never holds a sensitive value.
    """

    kind: str
    level: str
    message: str
    address: str = ""
    resource_type: str = ""
    action: str = ""
    elapsed: float | None = None
    diagnostic: Diagnostic | None = None
    change_summary: ChangeSummary | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


def parse_event(line: str, hidden: Sequence[str] = ()) -> Event:
    """The event of one line, whatever the line is. `hidden` are secrets that no text in it may show."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        return Event("log", "info", _text(line, hidden).strip(_FRAME))
    kind = _text(data.get("type", "log"))
    if kind == "diagnostic":
        return _diagnostic_event(data, hidden)
    hook = _mapping(data.get("hook")) or _mapping(data.get("change"))
    resource = _mapping(hook.get("resource"))
    return Event(
        kind=kind,
        level=_level(data.get("@level")),
        message="" if kind in _DROPPED else _text(data.get("@message"), hidden),
        address=_text(resource.get("addr")),
        resource_type=_text(resource.get("resource_type")),
        action=_text(hook.get("action")),
        elapsed=_seconds(hook.get("elapsed_seconds")),
        change_summary=_change_summary(data.get("changes")) if kind == "change_summary" else None,
        outputs=_outputs(data.get("outputs")) if kind == "outputs" else {},
    )


def parse_diagnostic(data: Mapping[str, Any], hidden: Sequence[str] = ()) -> Diagnostic:
    """A diagnostic as it stands in the stream and in `validate -json`."""
    place = _mapping(data.get("range"))
    return Diagnostic(
        severity=_text(data.get("severity")) or "error",
        summary=_text(data.get("summary"), hidden),
        detail=_text(data.get("detail"), hidden),
        address=_text(data.get("address")),
        file=_text(place.get("filename")),
        line=_number(_mapping(place.get("start")).get("line")),
        references=_references(_mapping(data.get("snippet"))),
    )


def plain_diagnostic(text: str, hidden: Sequence[str] = ()) -> Diagnostic | None:
    """The error of a command that knows no `-json`; None when it said nothing."""
    lines = [line for raw in text.splitlines() if (line := _text(raw, hidden).strip(_FRAME))]
    start = next((n for n, line in enumerate(lines) if line.startswith("Error: ")), max(len(lines) - 1, 0))
    if not lines:
        return None
    return Diagnostic("error", lines[start].removeprefix("Error: "), " ".join(lines[start + 1 : start + 7]))


def _diagnostic_event(data: Mapping[str, Any], hidden: Sequence[str]) -> Event:
    found = _mapping(data.get("diagnostic")) or {"summary": data.get("@message")}
    diagnostic = parse_diagnostic(found, hidden)
    level = "error" if diagnostic.severity == "error" else "warning"
    return Event("diagnostic", level, diagnostic.text, address=diagnostic.address, diagnostic=diagnostic)


def _change_summary(value: object) -> ChangeSummary:
    counts = _mapping(value)
    add, change, remove = (_number(counts.get(name)) for name in ("add", "change", "remove"))
    return ChangeSummary(_text(counts.get("operation")), add, change, remove)


def _outputs(value: object) -> dict[str, Any]:
    """Only what is marked as not sensitive, and only what has a value: a plan's outputs have none yet."""
    return {
        _text(name): output["value"]
        for name, output in _mapping(value).items()
        if isinstance(output, dict) and output.get("sensitive") is False and "value" in output
    }


def _references(snippet: Mapping[str, Any]) -> tuple[str, ...]:
    values = snippet.get("values")
    named = [_text(_mapping(v).get("traversal")) for v in values] if isinstance(values, list) else []
    return tuple(dict.fromkeys([*filter(None, named), *references_in(_text(snippet.get("code")))]))


def references_in(code: str) -> list[str]:
    """The locals and variables that a piece of code refers to, in its order."""
    return _REFERENCE.findall(code)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object, hidden: Sequence[str] = ()) -> str:
    text = "" if value is None else str(value)
    for secret in hidden:
        text = text.replace(secret, "(hidden)")
    return _UNFIT.sub("", text)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _seconds(value: object) -> float | None:
    try:
        seconds = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _level(value: object) -> str:
    return {"error": "error", "warn": "warning"}.get(str(value), "info")
