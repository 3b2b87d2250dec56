"""An issue that a form made, back into what it asks for.

GitHub writes each field as a heading with its label, then the answer. Headings count in the form's own order and once
each, and the only field of several lines is the last: an answer that looks like a heading stays an answer.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackyard.errors import Invalid, Problem, shown
from stackyard.patterns.parameters import Parameter

NO_ANSWER = "_No response_"
ANY_SANDBOX = "(the one with the most room)"
LONGEST = 70_000
"""GitHub's own limit is 65,536 characters."""

_FENCE = re.compile(r"\A`{3,}[a-z]*\n(.*?)\n?`{3,}\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Field:
    """A field of a form: the name by which a refusal calls it, and its label on the page."""

    name: str
    label: str


NEW = (
    Field("product", "Product"),
    Field("pattern", "Pattern"),
    Field("name", "Name of the environment"),
    Field("sandbox", "Sandbox"),
    Field("expires", "Days to live"),
    Field("settings", "Settings"),
)
CHANGE = (Field("environment", "Environment to change"), Field("settings", "Settings to change"))
DELETE = (Field("environment", "Environment to delete"), Field("confirmation", "The same name again"))


@dataclass(frozen=True)
class Filled:
    """A form that was filled in: which (`new`, `change`, `delete`) and the answers by field, empty where none."""

    form: str
    answers: Mapping[str, str]


def read_form(body: str) -> Filled | None:
    """What the issue asks for; None when no form of ours made it. Raises Invalid at `body` when it is too long."""
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    for name, fields in (("new", NEW), ("change", CHANGE), ("delete", DELETE)):
        if text.lstrip().startswith(f"### {fields[0].label}\n"):
            if len(text) > LONGEST:
                raise Invalid.field("body", "Is too long.")
            return Filled(name, _answers(text.lstrip(), fields))
    return None


def _answers(text: str, fields: tuple[Field, ...]) -> dict[str, str]:
    rest, found = text, {}
    for here, following in zip(fields, (*fields[1:], None), strict=True):
        head = f"### {here.label}\n"
        if not rest.startswith(head):
            found[here.name] = ""
            continue
        rest = rest[len(head) :]
        end = rest.find(f"\n### {following.label}\n") if following else -1
        answer, rest = (rest, "") if end < 0 else (rest[:end], rest[end + 1 :])
        answer = answer.strip()
        found[here.name] = "" if answer == NO_ANSWER else answer
    return found


def lines_of(text: str) -> list[str]:
    """The lines of a text field, without the fence that GitHub may put around them, comments and empty ones."""
    fenced = _FENCE.match(text.strip())
    lines = (fenced.group(1) if fenced else text).split("\n")
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def read_settings(lines: Iterable[str], parameters: Iterable[Parameter]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`path = value` lines, typed as the pattern's parameters are; `unset path` lines apart.

    What does not fit its parameter stays text, so that the pattern's own rule is named. Raises Invalid at `settings`.
    """
    kinds = {p.path: p.kind for p in parameters}
    found: dict[str, Any] = {}
    unset: list[str] = []
    problems: list[Problem] = []
    for line in lines:
        path, equals, value = (part.strip() for part in line.partition("="))
        if line.startswith("unset ") and not equals:
            unset.append(line.removeprefix("unset ").strip())
        elif not equals or not path:
            problems.append(Problem("settings", f"'{shown(line)}' is not a line like container.cpu = 512."))
        elif path in found:
            problems.append(Problem(f"settings.{shown(path, 120)}", "Is given twice."))
        else:
            found[path] = value if kinds.get(path, "string") == "string" else _typed(value)
    if problems:
        raise Invalid(problems)
    return found, tuple(unset)


def _typed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
